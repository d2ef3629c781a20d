"""Dropout before the last layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import returned, set_returned, with_argument
from agents.playbook.seams import MODEL, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"dropout {part:g} before the head", {"dropout": part}) for part in (0.2, 0.4))


def _unsuited(reading: Reading) -> str:
    return "the network has not even learnt the plain images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    return f"{reading.ground}; without some of its features the head must not lean on any one."


def _apply(draft: Draft, settings: Settings) -> None:
    if set_field(
        draft, "dropout", settings["dropout"], note="part of the features that is dropped before the head in training"
    ):
        network = with_argument(returned(draft[MODEL], "build_model"), "timm.create_model", "drop_rate=recipe.dropout")
        draft.change(MODEL, set_returned, "build_model", network)


TECHNIQUE = Technique(
    name="dropout",
    theme="regularisation",
    source="Srivastava et al., Dropout (JMLR 2014)",
    expected="A slightly higher training loss and a better validation one.",
    gains={"ranking": Gain(0.008, 0.03), "decision": Gain(0.008, 0.03), "calibration": Gain(0.01, 0.03)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"weight_decay"}),
    underfit=0.3,
    overfit=1.6,
    ranges={"dropout": Range(0.1, 0.6)},
    worded="dropout {dropout:g} before the head",
)
