"""Values that are missing, and those that are missing more often for one label or at one site: the gap itself tells the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.profile import Hazard
from tasks.hazards.chance import difference_may_be_chance
from tasks.hazards.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.hazards.evidence import Evidence

_MANY_MISSING = 0.2
_MISSING_APART = 0.1
_FEWEST_APART = 20


def of_missing_values(evidence: Evidence) -> list[Hazard]:
    """Return columns that are often missing, and those that are missing more often for one label or at one site."""
    often = [
        f"{item.name} ({item.missing:,})"
        for item in evidence.attributes
        if item.missing > _MANY_MISSING * len(evidence.rows)
    ]
    gaps = {item.name: evidence.columns[item.name].isna().to_numpy() for item in evidence.attributes if item.missing}
    if evidence.manifest.findings:
        gaps |= {target.name: np.isnan(target.truth) for target in evidence.targets}
    elif evidence.targets:
        gaps["The label"] = np.isnan(evidence.targets[0].truth)
    parts = _parts(evidence)
    told = [
        sentence
        for name, missing in gaps.items()
        if (sentence := _missing_apart(name, missing, parts, evidence, tries=len(gaps)))
    ]
    if often:
        told.append(f"Often missing, of {len(evidence.rows):,} images: {listed(often, most=12)}")
    return [Hazard(kind="missing_values", severity="report", summary=f"{'. '.join(told)}.")] if told else []


def _missing_apart(
    name: str, missing: NDArray[np.bool_], parts: Sequence[_Part], evidence: Evidence, *, tries: int
) -> str:
    """Return that a value is more often missing with one label or at one site than elsewhere, or nothing."""
    best = (_MISSING_APART, "")
    for part in parts if missing.any() else ():
        if part.column == name:
            continue
        own, others = float(missing[part.here].mean()), float(missing[part.there].mean())
        if abs(own - others) > best[0] and not difference_may_be_chance(
            missing, part.here, part.there, evidence, tries=tries * len(parts)
        ):
            told = f"{name} is missing in {own:.0%} of the images with {part.what} and in {others:.0%} of the others"
            best = (abs(own - others), told)
    return best[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The images of a label or a site, and those of all others of which this is known."""

    column: str
    """Of the site; empty for a label."""
    what: str
    here: NDArray[np.bool_]
    there: NDArray[np.bool_]


def _parts(evidence: Evidence) -> list[_Part]:
    """Return the labels, and the values of each column of sites, of which there are enough images."""
    parts = [_Part(column="", what=item.name, here=item.present, there=item.absent) for item in evidence.targets]
    for site, values in evidence.sites.items():
        code, names = pd.factorize(values)
        parts += [
            _Part(column=site, what=f"{site} = {value}", here=code == number, there=(code >= 0) & (code != number))
            for number, value in enumerate(names)
        ]
    return [part for part in parts if min(part.here.sum(), part.there.sum()) >= _FEWEST_APART]
