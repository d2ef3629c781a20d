"""More planned epochs, where a run ended by its plan and not by the clock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    used = reading.used_seconds / reading.train_seconds
    times = min(10.0, 0.95 / used) if used > 0 else 2.0
    return tuple(
        Rung(f"train for {epochs} epochs instead of {reading.planned_epochs}", {"epochs": epochs})
        for epochs in sorted({round(reading.planned_epochs * factor) for factor in (math.sqrt(times), times)})
        if epochs > reading.planned_epochs
    )


def _unsuited(reading: Reading) -> str:
    if math.isnan(reading.used_seconds):
        return "no run has shown yet how long the planned epochs take"
    if reading.used_seconds > 0.85 * reading.train_seconds:
        return f"the run used {reading.used_seconds:.0f} of its {reading.train_seconds:.0f} s already"
    return ""


def _why(reading: Reading) -> str:
    return (
        f"The {reading.planned_epochs} planned epochs were over after {reading.used_seconds:.0f} of "
        f"{reading.train_seconds:.0f} s, so the rest of the budget is free."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(draft, "epochs", int(settings["epochs"]))


TECHNIQUE = Technique(
    name="longer_training",
    theme="schedule",
    source="Hoffer et al., Train longer, generalize better (NeurIPS 2017)",
    expected="A lower training loss within the same budget.",
    gains={"ranking": Gain(0.06, 0.06), "decision": Gain(0.06, 0.06), "calibration": Gain(0.02, 0.06)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=1.8,
    overfit=0.3,
)
