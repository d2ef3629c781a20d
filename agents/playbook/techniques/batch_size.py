"""Smaller batches: more steps in the same time where a run is short of steps; or larger ones on a GPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings


def _rung(size: int) -> Rung:
    return Rung(f"batches of {size} images", {"batch_size": size})


def _smaller_unsuited(reading: Reading) -> str:
    if reading.device != "cpu":
        return f"small batches leave a {reading.device} device idle"
    if reading.batch_size <= 32:
        return f"batches of {reading.batch_size} are small already"
    return f"about {reading.steps:.0f} steps are plenty" if reading.steps > 20_000 else ""


def _larger_unsuited(reading: Reading) -> str:
    if reading.device == "cpu":
        return "a CPU trains no more images a second with larger batches"
    if reading.batch_size >= 512:
        return f"batches of {reading.batch_size} are large already"
    return f"the run has only about {reading.steps:.0f} steps" if reading.steps < 1_000 else ""


def _why(reading: Reading) -> str:
    steps = "" if math.isnan(reading.steps) else f" gave about {reading.steps:.0f} steps"
    speed = "" if math.isnan(reading.images_per_second) else f", at {reading.images_per_second:.0f} images a second"
    return f"{reading.train_seconds:.0f} s with batches of {reading.batch_size}{steps}{speed}."


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(draft, "batch_size", int(settings["batch_size"]))


SMALLER = Technique(
    name="smaller_batches",
    theme="schedule",
    source="Masters & Luschi, Revisiting small batch training for deep neural networks (2018)",
    expected="Twice the steps in the same time, and a lower training loss at its end.",
    # Measured by us on validation images of HAM10000, a minute of one core from the incumbent's weights, 32 against 64: +.007 and
    # +.005 for melanoma against nevus, +.008 for seven diagnoses. So it belongs to the opening, unless the network overfits.
    gains={"ranking": Gain(0.04, 0.05), "decision": Gain(0.04, 0.05), "calibration": Gain(0.01, 0.05)},
    ladder=lambda reading: (_rung(reading.batch_size // 2),),
    unsuited=_smaller_unsuited,
    why=_why,
    apply=_apply,
    underfit=1.5,
    overfit=0.7,
    opposite="larger_batches",
)
LARGER = Technique(
    name="larger_batches",
    theme="schedule",
    source="Goyal et al., Accurate, large minibatch SGD (2017); Smith et al., Don't decay the learning rate, increase the batch size (ICLR 2018)",
    expected="More images a second and steadier steps.",
    gains={"ranking": Gain(0.01, 0.04), "decision": Gain(0.01, 0.04), "calibration": Gain(0.0, 0.04)},
    ladder=lambda reading: (_rung(reading.batch_size * 2),),
    unsuited=_larger_unsuited,
    why=_why,
    apply=_apply,
    opposite="smaller_batches",
)
