"""A higher or a lower learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_SOURCE = "Smith, Cyclical learning rates for training neural networks (WACV 2017), section 3.3; Smith & Topin, Super-convergence (2019)"


def _ladder(factors: tuple[float, ...]) -> Callable[[Reading], tuple[Rung, ...]]:
    def ladder(reading: Reading) -> tuple[Rung, ...]:
        rates = (float(f"{reading.learning_rate * factor:.2g}") for factor in factors)
        return tuple(Rung(f"learning rate {rate:g}", {"learning_rate": rate}) for rate in rates)

    return ladder


def _higher_unsuited(reading: Reading) -> str:
    if reading.pretrained:
        return "a high rate would wash out the pretrained weights"
    return "" if reading.learning_rate < 0.02 else f"the learning rate is {reading.learning_rate:g} already"


def _why_higher(reading: Reading) -> str:
    steps = f"the run has only about {reading.steps:.0f} steps" if reading.steps > 0 else "the run is short"
    warm = "; the warm-up makes a high rate safe" if "cosine_schedule" in reading.kept else ""
    sentence = reading.fit_sentence or steps
    return f"{sentence[0].upper()}{sentence[1:]}, and larger steps get further{warm}."


def _why_lower(reading: Reading) -> str:
    return (
        f"At {reading.learning_rate:g} the weights may be thrown about more than {reading.train_images:,} images can "
        "settle; half of it is the plain check."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(draft, "learning_rate", settings["learning_rate"])


HIGHER = Technique(
    name="higher_learning_rate",
    theme="schedule",
    source=_SOURCE,
    expected="A lower training loss after as many steps, or at once a worse one if the rate is too high.",
    # Measured as for smaller batches: twice the rate .896 against .894.
    gains={"ranking": Gain(0.015, 0.05), "decision": Gain(0.015, 0.05), "calibration": Gain(0.01, 0.06)},
    ladder=_ladder((2.0,)),
    unsuited=_higher_unsuited,
    why=_why_higher,
    apply=_apply,
    underfit=1.5,
    overfit=0.6,
    companions=frozenset({"cosine_schedule", "flips_and_turns"}),
    rests_on="cosine_schedule",
    opposite="lower_learning_rate",
)
LOWER = Technique(
    name="lower_learning_rate",
    theme="schedule",
    source=_SOURCE,
    expected="A steadier training loss and a better last checkpoint, or underfitting if the rate is too low.",
    gains={"ranking": Gain(0.0, 0.06), "decision": Gain(0.0, 0.06), "calibration": Gain(0.0, 0.06)},
    ladder=_ladder((0.5,)),
    unsuited=lambda reading: (
        "" if reading.learning_rate > 1e-5 else f"the learning rate is {reading.learning_rate:g} already"
    ),
    why=_why_lower,
    apply=_apply,
    opposite="higher_learning_rate",
)
