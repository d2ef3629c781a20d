"""Labels that are too few, too rare, uncertain or missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.association import as_text
from tasks.domain.manifest import FINDING, LABEL, SPLIT, TEST, UNLABELLED
from tasks.domain.profile import Hazard
from tasks.hazards import columns
from tasks.hazards.wording import are, capitalised, count, have, listed
from tasks.splitting import FEWEST_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from tasks.domain.profile import Forecast, LabelCount
    from tasks.hazards.evidence import Evidence
    from tasks.targets import Target

_FEW_IN_TEST = 30
_RARE_SHARE = 0.05
_MANY_VALUES = 10
_FEWEST_TOLD = 3
_NO_VALUE = frozenset({"", "unknown", "unk", "not known", "other", "missing"})


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UNSURE = _set_of("uncertain unsure unknown indeterminate equivocal ungradable ungraded undetermined possible ? -1") | {
    "not graded",
    "not gradable",
    "cannot tell",
    "n/a",
}


def of_labels(evidence: Evidence, labels: Sequence[LabelCount], forecasts: Sequence[Forecast]) -> list[Hazard]:
    """Return labels that are too rare to be split, or to be judged well, and findings that too few images are free of."""
    found = []
    targets = {target.name: target for target in evidence.targets}
    for label, forecast in zip(labels, forecasts, strict=True):
        target = targets[label.label]
        known = int((target.present | target.absent).sum())
        images = _images_of(target.present, evidence)
        if label.groups < FEWEST_UNITS:
            # Of several findings, the others can still be studied; the split refuses one that is needed.
            severity = "warn" if evidence.manifest.findings else "block"
            has = "has only" if label.images else "has"
            summary = f"{label.label} {has} {images}; {FEWEST_UNITS} are needed for training, validation and test."
            found.append(Hazard(kind="tiny_class", severity=severity, summary=summary))
        elif forecast.test_images < _FEW_IN_TEST:
            summary = f"{label.label} has only {images}, about {forecast.test_images} in the test: what is said of it will be exploratory."
            found.append(Hazard(kind="tiny_class", severity="warn", summary=summary))
        elif label.images < _RARE_SHARE * known:
            which = " of which this is known" if known < len(evidence.rows) else ""
            summary = f"{label.label} is rare: {images}, {label.images / known:.1%} of all images{which}."
            found.append(Hazard(kind="class_imbalance", severity="warn", summary=summary))
        tested = round(float(evidence.share_in_test[target.absent].sum()))
        if evidence.manifest.findings and label.images and tested < _FEW_IN_TEST:
            free = int(target.absent.sum())
            which = capitalised(
                f"{'only ' if free else ''}{_images_of(target.absent, evidence)} {'is' if free < 2 else 'are'}"
            )
            summary = (
                f"{which} known to be free of {label.label}, about {tested} in the test: how often a model sees it where it is not "
                "can hardly be said."
            )
            found.append(Hazard(kind="few_negatives", severity="warn", summary=summary))
    return found


def of_missing_labels(evidence: Evidence) -> list[Hazard]:
    """Return images that carry no label, or one that says that nobody was sure."""
    found = [*_of_uncertain_findings(evidence), *_of_uncertain_labels(evidence)]
    without = int((evidence.rows["supervision"] == UNLABELLED).sum()) if evidence.targets else len(evidence.rows)
    if not evidence.targets and evidence.manifest.masks is None and evidence.manifest.boxes is None:
        summary = (
            "No image has a label that was understood, so nothing can be learned from them or tested on them. Give a table with a "
            "label for each image, or say which of its columns holds the label."
        )
        found.append(Hazard(kind="no_labels", severity="block", summary=summary))
    elif without:
        summary = f"{count(without, 'image')} {have(without)} no label at all and {are(without)} neither learned from nor tested on."
        found.append(Hazard(kind="missing_labels", severity="report", summary=summary))
    gaps = (
        {target.name: int(np.isnan(target.truth).sum()) - without for target in evidence.targets}
        if evidence.manifest.findings
        else {}
    )
    partial = [f"{name} ({number:,})" for name, number in gaps.items() if number > 0]
    if partial:
        summary = f"Some findings are not known for every image: {listed(partial)}. An image counts for a finding only where it is known."
        found.append(Hazard(kind="missing_labels", severity="report", summary=summary))
    return found


def of_cells(evidence: Evidence) -> list[Hazard]:
    """Return labels within a subgroup of which the test will hold too few for a claim."""
    share = evidence.share_in_test
    small: list[str] = []
    empty: list[str] = []
    for name in columns.subgroups(evidence.columns):
        values = as_text(evidence.columns[name]).fillna("")
        for target in evidence.targets:
            if share[target.present].sum() < _FEW_IN_TEST:
                continue  # told of the label as a whole
            for value in _common(values):
                cell = float(share[target.present & (values == value).to_numpy()].sum())
                if round(cell) < _FEW_IN_TEST:
                    (small if cell else empty).append(f"{target.name} with {name} = {value} (about {round(cell)})")
    found = []
    if small or empty:
        total = len(small) + len(empty)
        summary = f"{count(total, 'subgroup')} will be too few in the test for a claim (under {_FEW_IN_TEST} images): {listed([*empty, *small])}."
        found.append(Hazard(kind="tiny_cell", severity="warn", summary=summary))
    return [*found, *_of_empty_cells(evidence)]


def _common(values: pd.Series[str]) -> list[str]:
    """Return the values that say something, but for those of so few images that they may point to a person."""
    counts = values.value_counts()
    return sorted(value for value in counts.index[counts >= _FEWEST_TOLD] if value.strip().lower() not in _NO_VALUE)


def _of_empty_cells(evidence: Evidence) -> list[Hazard]:
    """Return what a test set that came with the data does not hold at all, though the data do."""
    tested = (evidence.rows[SPLIT] == TEST).to_numpy()
    if not tested.any():
        return []
    told = list(_empty_cells(evidence, evidence.targets))
    if not told:
        return []
    summary = f"The given test holds no image {listed(told, most=3)}: whether a model leans on that cannot be tested."
    return [Hazard(kind="empty_cell", severity="warn", summary=summary)]


def _empty_cells(evidence: Evidence, targets: Sequence[Target]) -> Iterator[str]:
    tested = (evidence.rows[SPLIT] == TEST).to_numpy()
    for name, column in evidence.columns.items():
        if not 2 <= column.nunique() <= 3:
            continue
        values = columns.texts(column).reindex(evidence.rows.index, fill_value="")
        for value in sorted(set(values) - {""}):
            has = (values == value).to_numpy()
            if (has & tested).sum() < _MANY_VALUES:
                continue
            for target in targets:
                for images, word in ((target.present, "with"), (target.absent, "without")):
                    if (images & tested).sum() >= _MANY_VALUES and not (images & tested & has).any():
                        yield f"{word} {target.name} where {name} = {value}"


def _images_of(images: NDArray[np.bool_], evidence: Evidence) -> str:
    """Return how many images that are, and of how many patients or lesions if these are known."""
    if not images.any():
        return "no image"
    told = count(int(images.sum()), "image")
    return f"{told} of {count(len(np.unique(evidence.groups[images])), evidence.unit)}" if evidence.has_groups else told


def _of_uncertain_findings(evidence: Evidence) -> list[Hazard]:
    unsure = {name: int((evidence.rows[FINDING + name] == -1).sum()) for name in evidence.manifest.findings}
    told = [f"{name} ({number:,})" for name, number in sorted(unsure.items(), key=lambda item: -item[1]) if number]
    if not told:
        return []
    summary = (
        f"Some findings are marked as uncertain: {listed(told)}. Should these images be left out, or count as showing it, or as "
        "free of it? Unless you say so, they are left out for that finding."
    )
    return [Hazard(kind="uncertain_labels", severity="ask", summary=summary)]


def _of_uncertain_labels(evidence: Evidence) -> list[Hazard]:
    if evidence.manifest.findings:
        return []
    labels = evidence.rows[LABEL].value_counts()
    unsure = [f"{label} ({number:,})" for label, number in labels.items() if str(label).strip().lower() in _UNSURE]
    if not unsure:
        return []
    summary = f"Some labels say that nobody was sure: {listed(unsure)}. Should these images be left out, or count as another label?"
    return [Hazard(kind="uncertain_labels", severity="ask", summary=summary)]
