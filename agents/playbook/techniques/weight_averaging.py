"""An exponential moving average of the weights, which is what checkpoints hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.editing import insert_after, insert_before, replace_statement
from agents.playbook.imports import add_import
from agents.playbook.seams import TRAIN, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_DECAYS = (0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998)


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    """Return averages over about a fiftieth, then about a fifteenth of the run's steps."""
    steps = 5_000.0 if math.isnan(reading.steps) else reading.steps
    wanted = [min(_DECAYS, key=lambda decay: abs(math.log((1 - decay) * part * steps))) for part in (0.02, 0.07)]
    return tuple(
        Rung(f"moving average of the weights, decay {decay:g}", {"ema_decay": decay}) for decay in dict.fromkeys(wanted)
    )


def _why(reading: Reading) -> str:
    steps = "" if math.isnan(reading.steps) else f" of about {reading.steps:.0f}"
    settled = (
        "The schedule already lets the weights settle; the average takes out what noise is left"
        if "cosine_schedule" in reading.kept
        else "The last weights of a run are those of one noisy step"
    )
    return f"{settled}, and averaging over the last steps{steps} costs next to nothing."


def _apply(draft: Draft, settings: Settings) -> None:
    note = "of the moving average of the weights, which is what is saved"
    if not set_field(draft, "ema_decay", settings["ema_decay"], note=note):
        return
    new = "averaged = ModelEmaV3(model, decay=recipe.ema_decay, use_warmup=True)"
    draft.change(TRAIN, insert_after, "train", "optimizer = build_optimizer(model, recipe)", new)
    draft.change(TRAIN, insert_before, "train", "log.add(loss, len(batch))", "averaged.update(model)")
    for end in ("", ", last=True"):
        old, saved = (f"checkpoints.save({what}, facts{end})" for what in ("model", "averaged.module"))
        draft.change(TRAIN, replace_statement, "train", old, saved)
    draft.change(TRAIN, add_import, "from timm.utils import ModelEmaV3")


TECHNIQUE = Technique(
    name="weight_averaging",
    theme="schedule",
    source="Polyak & Juditsky, Acceleration of stochastic approximation by averaging (1992); "
    "Tarvainen & Valpola, Mean teachers (NeurIPS 2017)",
    expected="Better and steadier checkpoints, those in the middle of the run above all.",
    gains={"ranking": Gain(0.04, 0.04), "decision": Gain(0.04, 0.04), "calibration": Gain(0.05, 0.04)},
    ladder=_ladder,
    unsuited=lambda reading: "a run of so few steps has nothing to average" if reading.steps < 150 else "",
    why=_why,
    apply=_apply,
    companions=frozenset({"test_time_views"}),
    overlaps="cosine_schedule",
    remedies=frozenset({"early_peak"}),
)
