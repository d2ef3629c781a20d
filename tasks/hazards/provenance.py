"""How labels were confirmed, and where and with what pictures were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.association import as_text
from tasks.domain.profile import Hazard
from tasks.hazards import chance, columns
from tasks.hazards.shortcuts import ASK_ABOVE_AUC
from tasks.hazards.wording import capitalised
from tasks.probes import flat, probe
from tasks.targets import targets_of_labels

if TYPE_CHECKING:
    from tasks.hazards.evidence import Evidence
    from tasks.targets import Target

_FEWEST = 20
"""Images of a label and of the others that were confirmed; patients or lesions of a site."""
_CONFIRMED_APART = 0.2
_RATES_APART = 0.1


def of_verification(evidence: Evidence) -> list[Hazard]:
    """Return columns that say how a label was confirmed, where labels were confirmed in different ways."""
    found = []
    for name in columns.proofs(evidence.columns):
        values = as_text(evidence.columns[name])
        told = []
        for target in evidence.targets:
            own, others = values[target.present].dropna(), values[target.absent].dropna()
            if min(len(own), len(others)) < _FEWEST:
                continue
            shares = own.value_counts(normalize=True)
            way = str(shares.index[0])
            other = float((others == way).mean())
            if abs(float(shares.iloc[0]) - other) > _CONFIRMED_APART and not _may_be_chance(
                values == way, target, evidence
            ):
                told.append(f"{target.name} by {way} in {shares.iloc[0]:.0%}, the others in {other:.0%}")
        if told:
            summary = (
                f"Labels were confirmed in different ways (column {name}): {'; '.join(told[:4])}. Cases that nobody had reason to confirm "
                "in the same way are missing or differ, so figures hold for cases that are worked up like these."
            )
            found.append(Hazard(kind="verification_bias", severity="report", summary=summary))
    return found


def of_sites(evidence: Evidence) -> list[Hazard]:
    """Return sites and scanners where a label is more frequent, or that the picture itself gives away."""
    found = []
    for name, values in evidence.sites.items():
        told = [*_rates(name, values, evidence), *_recognised(name, values, evidence)]
        if told:
            summary = f"{capitalised('; '.join(told))}. A result of all {name} values mixed says little of a new one; hold one out to see."
            found.append(Hazard(kind="site_effect", severity="report", summary=summary))
    return found


def _rates(name: str, values: pd.Series[str], evidence: Evidence) -> list[str]:
    """Return the label whose share differs most between the values, if it is more than chance among patients or lesions."""
    first = chance.first_of_each(evidence)
    best: tuple[float, str] = (_RATES_APART, "")
    for target in evidence.targets:
        known = (target.present | target.absent) & values.notna().to_numpy()
        table = pd.crosstab(values[known & first], target.present[known & first])
        table = table[table.sum(axis=1) >= _FEWEST]
        if chance.table_may_be_chance(table, tries=len(evidence.targets)):
            continue
        rates = pd.Series(target.present[known], index=values[known]).groupby(level=0).mean()[table.index]
        spread = float(rates.max() - rates.min())
        if spread > best[0]:
            most, least = rates.idxmax(), rates.idxmin()
            sentence = f"of the images with {name} = {most}, {rates.max():.0%} show {target.name}, of those with {least} {rates.min():.0%}"
            best = (spread, sentence)
    return [best[1]] if best[1] else []


def _may_be_chance(is_it: pd.Series[bool], target: Target, evidence: Evidence) -> bool:
    tries = len(evidence.targets)
    return chance.difference_may_be_chance(is_it.to_numpy(), target.present, target.absent, evidence, tries=tries)


def _recognised(name: str, values: pd.Series[str], evidence: Evidence) -> list[str]:
    """Return how well coarse pictures tell the values apart."""
    chosen = evidence.sample
    features = np.concatenate([flat(evidence.thumbnails[chosen]), flat(evidence.borders[chosen])], axis=1)
    here = values.iloc[chosen].fillna("").reset_index(drop=True)
    probes = probe(features, targets_of_labels(here), evidence.groups[chosen])
    plain = [found for found in probes if found.lower > ASK_ABOVE_AUC]
    if not plain:
        return []
    return [
        f"the picture gives away {name} = {plain[0].label} (AUC {plain[0].interval}, from its colours and edges alone)"
    ]
