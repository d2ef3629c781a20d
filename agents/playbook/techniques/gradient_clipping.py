"""Gradients cut to a largest norm, so that one batch cannot throw the weights far off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import has_expression, insert_before
from agents.playbook.seams import TRAIN
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_CLIP = "nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)"


def _why(reading: Reading) -> str:
    return (
        f"With batches of {reading.batch_size} a single odd batch can throw the weights far off; cut gradients make a "
        f"rate of {reading.learning_rate:g} safer."
    )


def _apply(draft: Draft, _: Settings) -> None:
    if not has_expression(draft[TRAIN], "train_step", _CLIP):
        draft.change(TRAIN, insert_before, "train_step", "optimizer.step()", _CLIP)


TECHNIQUE = Technique(
    name="gradient_clipping",
    theme="schedule",
    source="Pascanu et al., On the difficulty of training recurrent neural networks (ICML 2013); "
    "Zhang et al., Why gradient clipping accelerates training (ICLR 2020)",
    expected="A smoother training loss; a gain only where steps are too wild now.",
    gains={"ranking": Gain(0.008, 0.03), "decision": Gain(0.008, 0.03), "calibration": Gain(0.0, 0.03)},
    ladder=lambda _: (Rung("gradients clipped to norm 1", {"max_norm": 1.0}),),
    unsuited=lambda _: "",
    why=_why,
    apply=_apply,
)
