"""What the training set and the test share, and whether the test lies in the future."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import FILE, GROUP, PIXELS, SPLIT, TEST, TRAIN
from tasks.domain.profile import Hazard
from tasks.hazards import chance, columns
from tasks.hazards.wording import are, count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.hazards.evidence import Evidence

_SERIES = re.compile(r"^(.*\d)[_-]([^_-]+)$")
_FEWEST_SERIES = 10
_SMALLEST_SHARE = 0.1
_LATE_SHARE = 0.1
_FEWEST_LATE = 5


def of_splits(evidence: Evidence) -> list[Hazard]:
    """Return what the splits that came with the data have in common: cases, pictures, or pictures that are almost the same."""
    rows = evidence.rows
    splits = rows[SPLIT].to_numpy()
    named = splits != ""
    if len(set(splits[named])) < 2:
        return []
    shared = {PIXELS: ("picture, pixel for pixel", "pictures, pixel for pixel", rows[PIXELS])}
    if evidence.has_groups:
        column = f" (column {evidence.manifest.roles.group})"
        shared[GROUP] = (f"{evidence.unit}{column}", f"{evidence.unit}s{column}", rows[GROUP])
    for name in columns.owners(evidence.columns):
        shared[name] = (f"value of column {name}", f"values of column {name}", evidence.columns[name])
    found = []
    for one, many, values in shared.values():
        crossing = _crossing(values, splits, named & values.notna().to_numpy())
        if crossing.any():
            number, tested = int(values[crossing].nunique()), int((crossing & (splits == TEST)).sum())
            summary = (
                f"The given splits share {count(number, one, many)}: {count(int(crossing.sum()), 'image')}, "
                f"{tested:,} of them in the test."
            )
            found.append(_leak(evidence, summary, crossing))
    first, second = evidence.duplicates.near.T
    apart = (splits[first] != splits[second]) & named[first] & named[second]
    if apart.any():
        summary = (
            f"{count(int(apart.sum()), 'pair')} of pictures that are almost the same (in some flip or turn) {are(int(apart.sum()))} "
            "parted by the given splits, so the test holds what was learned."
        )
        pairs = np.stack([first[apart], second[apart]], axis=1)
        found.append(_leak(evidence, summary, pairs))
    return found


def of_missing_groups(evidence: Evidence) -> list[Hazard]:
    """Return the danger of not knowing which images belong to one patient, with what the names of the files suggest."""
    if evidence.has_groups:
        return []
    series = _series(evidence.rows[FILE])
    if series is None:
        summary = (
            "The data do not say which images are of the same patient or lesion. If some are, they may lie in training and "
            "test at once, and the result will look better than it is."
        )
        return [Hazard(kind="no_groups", severity="warn", summary=summary)]
    number = int(series.nunique())
    summary = (
        f"The data do not say which images belong together, but the names of the files look like {number:,} series of "
        f"{len(series):,} images (of one patient, video or slide each). "
    )
    splits = evidence.rows[SPLIT].to_numpy()
    crossing = _crossing(series, splits, splits != "")
    if crossing.any():
        summary += f"The given splits part {int(series[crossing].nunique()):,} of them. "
    summary += "If they are, name the patient of each image in a column; else the result will look better than it is."
    examples = evidence.places(np.flatnonzero(crossing if crossing.any() else series.duplicated(keep=False)), most=6)
    return [Hazard(kind="no_groups", severity="ask", summary=summary, examples=examples)]


def of_time(evidence: Evidence) -> list[Hazard]:
    """Return a test that lies before the training, and findings that had been known before the picture was taken."""
    found = []
    splits = evidence.rows[SPLIT].to_numpy()
    times = columns.dates(evidence.columns)
    for name, moments in times.items():
        learned, tested = moments[splits == TRAIN].dropna(), moments[splits == TEST].dropna()
        if _is_earlier(moments, evidence):
            earlier = float((tested < learned.median()).mean())
            summary = (
                f"By column {name} the given test lies before the training: {earlier:.0%} of its images are older than the middle "
                "image of the training. What is measured is a model of the future on patients of the past."
            )
            found.append(Hazard(kind="temporal_order", severity="report", summary=summary))
    for name, order in {**times, **columns.visits(evidence.columns)}.items() if evidence.has_groups else ():
        found += _after_the_finding(evidence, name, np.asarray(order.rank(method="dense"), dtype=np.float64))
    return found


def _is_earlier(moments: pd.Series, evidence: Evidence) -> bool:
    """Return whether the given test lies before the training, by more than chance among patients or lesions."""
    splits = evidence.rows[SPLIT].to_numpy()
    number = moments.rank(method="dense").groupby([evidence.groups, splits]).median().dropna()
    split = number.index.get_level_values(1)
    learned, tested = (np.asarray(number[split == name], dtype=np.float64) for name in (TRAIN, TEST))
    return chance.is_surely_lower(tested, learned)


def _leak(evidence: Evidence, summary: str, images: NDArray[np.bool_] | NDArray[np.int64]) -> Hazard:
    """Return a hazard that stops the study; `images` is a mask over all images, or pairs of them."""
    numbers = np.flatnonzero(images) if images.ndim == 1 else images.ravel()
    keys = evidence.rows[SPLIT].iloc[numbers[:20]]
    places = evidence.places(numbers.tolist())
    examples = tuple(f"{place}: {split}" for place, split in zip(places, keys, strict=True))
    return Hazard(kind="leakage", severity="block", summary=summary, examples=examples)


def _crossing(values: pd.Series, splits: NDArray[np.object_], looked_at: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which images have a value that occurs in more than one split."""
    pairs = pd.DataFrame({"value": values.to_numpy(), "split": splits})[looked_at].drop_duplicates()
    several = pairs.loc[pairs["value"].duplicated(), "value"]
    return looked_at & values.isin(several).to_numpy()


def _series(files: pd.Series[str]) -> pd.Series[str] | None:
    """Return the part of each file's name that it shares with others, if names look like `patient07_3.png`; else None."""
    stems = files.str.replace(r"\.[A-Za-z0-9]{1,5}$", "", regex=True)
    parts = stems.str.extract(_SERIES)
    if float(parts[0].notna().mean()) < 0.9:
        return None
    prefix = parts[0].fillna(stems)
    sizes = prefix.value_counts()
    shared = int(sizes[sizes > 1].sum())
    if (
        len(sizes) < _FEWEST_SERIES
        or shared < _SMALLEST_SHARE * len(files)
        or sizes.median() > len(files) / _FEWEST_SERIES
    ):
        return None
    return prefix


def _after_the_finding(evidence: Evidence, name: str, order: NDArray[np.float64]) -> list[Hazard]:
    """Return findings of which many images were taken after the first that showed them, when they may have been treated."""
    late = {}
    for target in evidence.targets:
        shown = target.present & ~np.isnan(order)
        table = pd.DataFrame({"group": evidence.groups[shown], "order": order[shown]})
        after = int((table["order"] > table.groupby("group")["order"].transform("min")).sum())
        if after >= max(_FEWEST_LATE, _LATE_SHARE * len(table)):
            late[target.name] = (after, len(table))
    if not late:
        return []
    told = ", ".join(f"{label} ({after:,} of {total:,})" for label, (after, total) in list(late.items())[:5])
    summary = (
        f"By column {name}, images were taken after an earlier one of the same {evidence.unit} had shown the same: {told}. "
        "They may show the treatment (drains, scars) and not the finding."
    )
    return [Hazard(kind="follow_up", severity="report", summary=summary)]
