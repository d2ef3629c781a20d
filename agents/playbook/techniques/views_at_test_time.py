"""Test-time augmentation: the mean prediction over an image's flips and turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import add_definition, exchange_definition, has_expression, replace_expression
from agents.playbook.seams import PREDICT
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_VIEWS = {
    2: '''
def views(images: Tensor) -> list[Tensor]:
    """Return the images as they are and mirrored."""
    return [images, images.flip(3)]
''',
    4: '''
def views(images: Tensor) -> list[Tensor]:
    """Return the images in their four flips."""
    return [images, images.flip(2), images.flip(3), images.flip(2, 3)]
''',
    8: '''
def views(images: Tensor) -> list[Tensor]:
    """Return the images in their eight flips and quarter turns."""
    return [turned for flipped in (images, images.flip(3)) for turned in (flipped.rot90(k, (2, 3)) for k in range(4))]
''',
}
LONGEST_PREDICTION = 1.0
"""Part of the training budget that predicting validation may take."""


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    names = {2: "an image and its mirror image", 4: "four flips", 8: "eight flips and turns"}
    allowed = (4, 8) if reading.orientation == "any" else (2,)
    return tuple(Rung(f"prediction averaged over {names[views]}", {"views": views}) for views in allowed)


def _unsuited(reading: Reading) -> str:
    if reading.orientation == "fixed":
        return f"a flipped picture would mean something else ('{reading.orientation_word}')"
    views = _ladder(reading)[0].settings["views"]
    if float(views) * reading.predict_seconds > LONGEST_PREDICTION * reading.train_seconds:
        return f"predicting takes {reading.predict_seconds:.0f} s already and would take {views} times as long"
    return ""


def _why(reading: Reading) -> str:
    trained = "flips_and_turns" in reading.kept
    known = "Training shows the network all these views" if trained else "The views of an image mean the same"
    return f"{known}, so their mean is a steadier prediction than any one; it costs no training time."


def _apply(draft: Draft, settings: Settings) -> None:
    views = _VIEWS[int(settings["views"])]
    if has_expression(draft[PREDICT], "predict_probabilities", "views(images)"):
        draft.change(PREDICT, exchange_definition, known=tuple(_VIEWS.values()), new=views)
        return
    scope, of_one = "predict_probabilities", "logits.float().softmax(dim=1)"
    draft.change(
        PREDICT, replace_expression, scope, "model(images)", "torch.stack([model(view) for view in views(images)])"
    )
    draft.change(PREDICT, replace_expression, scope, of_one, "logits.float().softmax(dim=2).mean(dim=0)")
    draft.change(PREDICT, add_definition, views, after=("predict_probabilities",))


TECHNIQUE = Technique(
    name="test_time_views",
    theme="augmentation",
    source="Krizhevsky et al. (NeurIPS 2012), section 4.1; Perez et al., Data augmentation for skin lesion analysis "
    "(ISIC 2018): test-time augmentation helped every network",
    expected="A small, nearly certain gain in ranking and calibration; prediction takes as many times longer as views.",
    gains={"ranking": Gain(0.015, 0.02), "decision": Gain(0.02, 0.03), "calibration": Gain(0.04, 0.03)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"flips_and_turns", "weight_averaging"}),
    rests_on="flips_and_turns",
)
