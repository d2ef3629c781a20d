"""What in the data endangers an honest result, each in a plain sentence with its numbers.

Severity: `block` stops a study, `ask` wants an answer of the clinician, `warn` and `report` are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.manifest import FILE, GROUP, LABEL, SPLIT
from tasks.domain.profile import Hazard
from tasks.forecasting import auc_half_width
from tasks.splitting import FEWEST_UNITS, leaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tasks.domain.manifest import Quarantined
    from tasks.domain.profile import Attribute, Forecast, LabelCount
    from tasks.duplicates import Duplicates

ASK_ABOVE_AUC = 0.65
_FEW_IN_TEST = 30
_RARE_SHARE = 0.05
_MANY_UNREADABLE = 0.05
_MANY_MISSING = 0.2


def of_splits(rows: pd.DataFrame, duplicates: Duplicates) -> list[Hazard]:
    """Return leaks between the splits that came with the data."""
    found = [
        Hazard(kind="leakage", severity="block", summary=f"The given splits share {leak}.") for leak in leaks(rows)
    ]
    splits = rows[SPLIT].to_numpy()
    crossing = int((splits[duplicates.near[:, 0]] != splits[duplicates.near[:, 1]]).sum())
    if crossing:
        summary = f"{_count(crossing, 'pair')} of near duplicates lie across the given splits, so the test is a little too easy."
        found.append(Hazard(kind="near_duplicates", severity="warn", summary=summary))
    return found


def of_duplicates(rows: pd.DataFrame, duplicates: Duplicates, unit: str) -> list[Hazard]:
    """Return copies: harmless within a patient or lesion, more telling across them."""
    found = []
    exact_sets = len(_sets_with_several(rows[GROUP], duplicates.exact))
    total = len(set(duplicates.exact.tolist()) - {-1})
    if total:
        summary = f"{_count(total, 'picture')} {_are(total)} in the data more than once, pixel for pixel"
        across = f", {exact_sets} of them under more than one {unit}" if exact_sets else ""
        severity = "warn" if exact_sets else "report"
        found.append(
            Hazard(kind="exact_duplicates", severity=severity, summary=f"{summary}{across}; copies stay in one split.")
        )
    if len(duplicates.near):
        groups = rows[GROUP].to_numpy()
        across_pairs = int((groups[duplicates.near[:, 0]] != groups[duplicates.near[:, 1]]).sum())
        pairs = _count(len(duplicates.near), "pair")
        summary = f"{pairs} of pictures are almost the same (in some flip or turn)"
        across = (
            f", {across_pairs} of them under different {unit} names" if across_pairs else f", all within one {unit}"
        )
        severity = "warn" if across_pairs else "report"
        found.append(
            Hazard(kind="near_duplicates", severity=severity, summary=f"{summary}{across}; they stay in one split.")
        )
    return found


def of_conflicts(rows: pd.DataFrame, duplicates: Duplicates, group_column: str | None, unit: str) -> list[Hazard]:
    """Return copies, patients or lesions that carry different labels."""
    found = []
    conflicting = _sets_with_several(rows[LABEL], duplicates.sets)
    if conflicting:
        copies = len(conflicting)
        example = rows[duplicates.sets == conflicting[0]].drop_duplicates(LABEL).head(2)
        named = " and ".join(f"{file} ({label})" for file, label in zip(example[FILE], example[LABEL], strict=True))
        summary = f"{_count(copies, 'set')} of copies of a picture {_have(copies)} different labels, such as {named}: one must be wrong."
        found.append(Hazard(kind="conflicting_labels", severity="ask", summary=summary))
    groups = conflicting_groups(rows)
    if group_column and groups:
        is_lesion = unit == "lesion"
        meaning = "one lesion has one diagnosis" if is_lesion else "right if a patient can have several findings"
        summary = (
            f"{_count(groups, unit)} (column {group_column}) {_have(groups)} images with different labels: {meaning}."
        )
        found.append(Hazard(kind="conflicting_labels", severity="ask" if is_lesion else "report", summary=summary))
    return found


def of_attributes(
    rows: pd.DataFrame, attributes: Sequence[Attribute], values: dict[str, pd.Series[str]]
) -> list[Hazard]:
    """Return attributes from which the label can be guessed, and those that are often missing."""
    found = []
    for attribute in attributes:
        name, told = attribute.name, _determined(attribute, rows[LABEL], values[attribute.name])
        if _guesses(attribute, rows):
            told.append(
                f"knowing only {name} tells {attribute.auc_label} from the rest with an AUC of {attribute.auc:.2f}"
            )
        if told:
            facts = "; ".join(told)
            summary = (
                f"{facts[0].upper()}{facts[1:]}. A model may learn to see {name} in the picture instead of the finding."
            )
            found.append(Hazard(kind="shortcut", severity="ask", summary=summary))
        if attribute.missing > _MANY_MISSING * len(rows):
            summary = f"{attribute.name} is missing in {attribute.missing:,} of {len(rows):,} images."
            found.append(Hazard(kind="missing_values", severity="report", summary=summary))
    return found


def of_labels(labels: Sequence[LabelCount], forecasts: Sequence[Forecast], unit: str) -> list[Hazard]:
    """Return labels that are too rare to be split, or to be judged well."""
    found = []
    total = sum(label.images for label in labels)
    for label, forecast in zip(labels, forecasts, strict=True):
        images = f"{_count(label.images, 'image')} of {_count(label.groups, unit)}"
        if label.groups < FEWEST_UNITS:
            summary = f"{label.label} has only {images}; {FEWEST_UNITS} are needed for training, validation and test."
            found.append(Hazard(kind="tiny_class", severity="block", summary=summary))
        elif forecast.test_images < _FEW_IN_TEST:
            summary = f"{label.label} has only {images}, about {forecast.test_images} in the test: what is said of it will be exploratory."
            found.append(Hazard(kind="tiny_class", severity="warn", summary=summary))
        elif label.images < _RARE_SHARE * total:
            summary = f"{label.label} is rare: {images}, {label.images / total:.1%} of all images."
            found.append(Hazard(kind="class_imbalance", severity="warn", summary=summary))
    return found


def of_files(quarantined: Sequence[Quarantined], n_images: int) -> list[Hazard]:
    """Return what could not be used."""
    if not quarantined:
        return []
    severity = "warn" if len(quarantined) > _MANY_UNREADABLE * (n_images + len(quarantined)) else "report"
    summary = f"{_count(len(quarantined), 'image or row', 'images or rows')} cannot be used and {_are(len(quarantined))} left out."
    return [Hazard(kind="unusable_files", severity=severity, summary=summary)]


def of_missing_groups() -> list[Hazard]:
    """Return the danger of not knowing which images belong to one patient."""
    summary = (
        "The data do not say which images are of the same patient or lesion. If some are, they may lie in training and "
        "test at once, and the result will look better than it is."
    )
    return [Hazard(kind="no_groups", severity="warn", summary=summary)]


def conflicting_groups(rows: pd.DataFrame) -> int:
    """Return how many patients or lesions have images with different labels."""
    return len(_with_several(rows[GROUP], rows[LABEL]))


def conflicting_sets(rows: pd.DataFrame, duplicates: Duplicates) -> int:
    """Return how many sets of copies have different labels."""
    return len(_sets_with_several(rows[LABEL], duplicates.sets))


def _with_several(keys: pd.Series[str] | pd.Series[int], values: pd.Series[str]) -> list[str | int]:
    """Return the keys that occur with more than one value, in order of appearance."""
    pairs = pd.DataFrame({"key": keys, "value": values}).drop_duplicates()
    return pairs.loc[pairs["key"].duplicated(), "key"].drop_duplicates().tolist()


def _sets_with_several(values: pd.Series[str], sets: NDArray[np.int64]) -> list[str | int]:
    in_set = sets >= 0
    return _with_several(pd.Series(sets[in_set], index=values.index[in_set]), values[in_set])


def _guesses(attribute: Attribute, rows: pd.DataFrame) -> bool:
    """Return whether an attribute tells a label from the rest, by more than chance with so few patients or lesions."""
    if not attribute.auc > ASK_ABOVE_AUC:
        return False
    is_own = rows[LABEL] == attribute.auc_label
    own, others = rows.loc[is_own, GROUP].nunique(), rows.loc[~is_own, GROUP].nunique()
    return attribute.auc - auc_half_width(own, others, auc=min(attribute.auc, 0.999)) > 0.5


def _determined(attribute: Attribute, labels: pd.Series[str], values: pd.Series[str]) -> list[str]:
    """Return a sentence for each value that all images of some labels have."""
    sentences = []
    for value in dict.fromkeys(value for _, value in attribute.determined):
        fixed = [label for label, its_value in attribute.determined if its_value == value]
        counts = ", ".join(f"{label} ({int((labels == label).sum()):,})" for label in fixed)
        share = float((values[~labels.isin(fixed)] == value).mean())
        sentences.append(
            f"all images of {counts} have {attribute.name} = {value}, but only {share:.0%} of the others do"
        )
    return sentences


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
