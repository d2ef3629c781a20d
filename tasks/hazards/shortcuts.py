"""Columns beside the label that let it be guessed, one alone or all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.association import as_text
from tasks.domain.profile import Hazard
from tasks.hazards.wording import capitalised, listed
from tasks.probes import half_width, probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tasks.domain.profile import Attribute
    from tasks.hazards.evidence import Evidence
    from tasks.targets import Target

ASK_ABOVE_AUC = 0.65
_SURELY_TOLD = 0.55
"""The lower end of an interval must lie above this: with columns of pure chance, one above 0.5 occurs too often."""
_BINS = 8
_MOST_VALUES = 30


def of_attributes(evidence: Evidence) -> list[Hazard]:
    """Return columns from which a label can be guessed."""
    found = []
    for attribute in evidence.attributes:
        name, told = attribute.name, _told(attribute, evidence)
        if told:
            summary = (
                f"{capitalised('; '.join(told))}. A model may learn to see {name} in the picture instead of the finding. "
                "Is it so in your patients, or in these data alone?"
            )
            found.append(Hazard(kind="shortcut", severity="ask", summary=summary))
    return found


def of_metadata(evidence: Evidence) -> list[Hazard]:
    """Return how well all columns together tell a label; asked about where no single column was asked about already."""
    chosen = evidence.sample
    features = _features([evidence.columns[item.name] for item in evidence.attributes], chosen)
    if len(evidence.attributes) < 2 or not features.shape[1]:
        return []
    targets = [target.of(chosen) for target in evidence.targets]
    probes = probe(features, targets, evidence.groups[chosen])
    best = next((found for found in probes if found.auc > ASK_ABOVE_AUC and found.lower > _SURELY_TOLD), None)
    if best is None:
        return []
    names = listed([item.name for item in evidence.attributes])
    summary = (
        f"Without any picture, the columns together ({names}) tell {best.label} with an AUC of {best.interval}. A model may learn to see "
        "them instead of the finding, and is worth only what it adds to them."
    )
    is_told = any(_told(attribute, evidence) for attribute in evidence.attributes)
    return [Hazard(kind="metadata_shortcut", severity="report" if is_told else "ask", summary=summary)]


def _told(attribute: Attribute, evidence: Evidence) -> list[str]:
    """Return what a column alone tells of the label, nothing if that is little or may be chance."""
    targets = {target.name: target for target in evidence.targets}
    told = _determined(attribute, targets, evidence.columns[attribute.name]) if attribute.determined else []
    tries = len(evidence.attributes) * len(targets)
    if attribute.auc > ASK_ABOVE_AUC and is_no_chance(attribute, evidence, tries=tries):
        told.append(
            f"a model that knows nothing but {attribute.name}{_with_gaps(attribute)} tells {attribute.auc_label} from the rest with an "
            f"AUC of {attribute.auc:.2f}"
        )
    return told


def _with_gaps(attribute: Attribute) -> str:
    return " (and where it is missing)" if attribute.missing else ""


def _features(values: Sequence[pd.Series], images: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return columns as 0/1 features, one for each frequent value or each eighth of the numbers, shape (n_images, n)."""
    parts = []
    for column in values:
        here = column.iloc[images]
        if pd.api.types.is_numeric_dtype(here) and here.nunique() > _BINS:
            here = pd.qcut(here, _BINS, labels=False, duplicates="drop")
        frequent = here.value_counts().index[:_MOST_VALUES]
        parts.append(np.stack([(here == value).to_numpy() for value in frequent], axis=1) if len(frequent) else None)
        parts.append(here.isna().to_numpy()[:, None])
    kept = [part for part in parts if part is not None]
    return np.concatenate(kept, axis=1).astype(np.float64) if kept else np.zeros((len(images), 0))


def is_no_chance(attribute: Attribute, evidence: Evidence, *, tries: int) -> bool:
    """Return whether an AUC is more than the best of so many tries reaches by chance."""
    target = next(target for target in evidence.targets if target.name == attribute.auc_label)
    return attribute.auc - half_width(attribute.auc, target, evidence.groups, tries=tries) > _SURELY_TOLD


def _determined(attribute: Attribute, targets: Mapping[str, Target], values: pd.Series) -> list[str]:
    """Return a sentence for each value that all images of some labels have."""
    sentences, texts = [], as_text(values)
    for value in dict.fromkeys(value for _, value in attribute.determined):
        fixed = [targets[label] for label, its_value in attribute.determined if its_value == value]
        counts = ", ".join(f"{target.name} ({int(target.present.sum()):,})" for target in fixed)
        others = ~np.any([target.present for target in fixed], axis=0) & np.any(
            [target.absent for target in fixed], axis=0
        )
        share = float((texts[others] == value).mean())
        sentences.append(
            f"all images of {counts} have {attribute.name} = {value}, but only {share:.0%} of the others do"
        )
    return sentences
