"""Values that are missing, and those that are missing more often for one label or at one site: the gap itself tells the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.profile import Hazard
from tasks.hazards.chance import difference_may_be_chance
from tasks.hazards.wording import listed

if TYPE_CHECKING:
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
    told = [
        sentence
        for name, missing in gaps.items()
        if (sentence := _missing_apart(name, missing, evidence, tries=len(gaps)))
    ]
    if often:
        told.append(f"Often missing, of {len(evidence.rows):,} images: {listed(often, most=12)}")
    return [Hazard(kind="missing_values", severity="report", summary=f"{'. '.join(told)}.")] if told else []


def _missing_apart(name: str, missing: NDArray[np.bool_], evidence: Evidence, *, tries: int) -> str:
    """Return that a value is more often missing with one label or at one site than elsewhere, or nothing."""
    if not missing.any():
        return ""
    parts = [(target.present, target.absent, target.name) for target in evidence.targets]
    for site, values in evidence.sites.items() if name not in evidence.sites else ():
        texts, is_known = values.to_numpy(), values.notna().to_numpy()
        parts += [
            (is_known & (texts == value), is_known & (texts != value), f"{site} = {value}")
            for value in values.dropna().unique()
        ]
    best = (_MISSING_APART, "")
    for here, there, what in parts:
        if min(here.sum(), there.sum()) < _FEWEST_APART:
            continue
        own, others = float(missing[here].mean()), float(missing[there].mean())
        if abs(own - others) > best[0] and not difference_may_be_chance(
            missing, here, there, evidence, tries=tries * len(parts)
        ):
            best = (
                abs(own - others),
                f"{name} is missing in {own:.0%} of the images with {what} and in {others:.0%} of the others",
            )
    return best[1]
