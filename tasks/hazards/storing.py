"""How pictures are stored, which no finding has to do with: their size, their shape, grey or colour, the type of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks import association
from tasks.domain.manifest import FILE, HEIGHT, WIDTH
from tasks.domain.profile import Hazard
from tasks.hazards.shortcuts import ASK_ABOVE_AUC, is_no_chance
from tasks.hazards.wording import capitalised

if TYPE_CHECKING:
    from tasks.domain.profile import Attribute
    from tasks.hazards.evidence import Evidence

_GREY = 2
"""Largest difference between red, green and blue of a grey picture, which JPEG may tint."""


def of_storing(evidence: Evidence) -> list[Hazard]:
    """Return that a label can be told from how its pictures are stored: they may come from two places."""
    facts = _facts(evidence)
    measured = [association.measure(name, values, evidence.targets, evidence.groups) for name, values in facts.items()]
    tries = len(measured) * len(evidence.targets)
    plain = [item for item in measured if item.auc > ASK_ABOVE_AUC and is_no_chance(item, evidence, tries=tries)]
    if not plain:
        return []
    told = "; ".join(_sentence(item) for item in sorted(plain, key=lambda item: -item.auc)[:3])
    summary = (
        f"{capitalised(told)}. Pictures of that label may come from another place or program, and a model may learn that "
        "instead of the finding. Were all pictures taken and stored in the same way?"
    )
    return [Hazard(kind="storage_shortcut", severity="ask", summary=summary)]


def _sentence(item: Attribute) -> str:
    return f"{item.name} alone tells {item.auc_label} from the rest with an AUC of {item.auc:.2f}"


def _facts(evidence: Evidence) -> dict[str, pd.Series]:
    """Return what is known of each stored picture, where it differs between them."""
    rows = evidence.rows
    tints = [
        (cells.max(axis=-1) - cells.min(axis=-1)).reshape(len(rows), -1).max(axis=1, initial=0)
        for cells in (evidence.thumbnails, evidence.borders)
    ]
    is_grey = np.maximum(*tints) <= _GREY
    facts = {
        "the width in pixels": rows[WIDTH].astype(float),
        "the height in pixels": rows[HEIGHT].astype(float),
        "the shape (width by height)": (rows[WIDTH] / rows[HEIGHT]).round(2),
        "whether the picture is grey or in colour": pd.Series(np.where(is_grey, "grey", "colour"), dtype="str"),
        "the type of the file": rows[FILE]
        .str.extract(r"\.([A-Za-z0-9]+)$")[0]
        .str.lower()
        .fillna("none")
        .astype("str"),
    }
    return {name: values for name, values in facts.items() if len(set(values)) > 1}
