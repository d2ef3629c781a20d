"""A stronger pull of the weights towards zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    amounts = [amount for amount in (0.05, 0.2) if amount > 1.5 * reading.weight_decay]
    return tuple(Rung(f"weight decay {amount:g}", {"weight_decay": amount}) for amount in amounts)


def _why(reading: Reading) -> str:
    return f"{reading.ground}; decoupled weight decay is {reading.weight_decay:g} so far, and recipes for training from scratch use five times that."


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(draft, "weight_decay", settings["weight_decay"])


TECHNIQUE = Technique(
    name="weight_decay",
    theme="regularisation",
    source="Loshchilov & Hutter, Decoupled weight decay regularization (ICLR 2019); "
    "Wightman et al., ResNet strikes back (2021), table 2",
    expected="A slightly higher training loss and a better validation one where the network overfits.",
    gains={"ranking": Gain(0.01, 0.03), "decision": Gain(0.01, 0.03), "calibration": Gain(0.01, 0.03)},
    ladder=_ladder,
    unsuited=lambda _: "",
    why=_why,
    apply=_apply,
    companions=frozenset({"dropout"}),
    underfit=0.5,
    overfit=1.5,
    ranges={"weight_decay": Range(1e-3, 0.5, log=True)},
    worded="weight decay {weight_decay:g}",
)
