"""What was looked for, what was found, and what could not be looked for, with the reason: silence is no proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.manifest import SPLIT
from tasks.domain.profile import Check
from tasks.hazards import columns, strata, suspects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from tasks.domain.profile import Hazard
    from tasks.hazards.evidence import Evidence


def checks_of(evidence: Evidence, hazards: Sequence[Hazard]) -> tuple[Check, ...]:
    """Return each check with its outcome."""
    told = {hazard.kind for hazard in hazards}
    checks = []
    for what, kinds, why_not in _CHECKS:
        reason = "" if told & set(kinds) else why_not(evidence)
        outcome = "found" if told & set(kinds) else "not possible" if reason else "nothing"
        checks.append(Check(what=what, outcome=outcome, reason=reason))
    return tuple(checks)


def _never(_: Evidence) -> str:
    return ""


def _no_splits(evidence: Evidence) -> str:
    return "" if (evidence.rows[SPLIT] != "").any() else "the data bring no splits"


def _no_labels(evidence: Evidence) -> str:
    return "" if evidence.targets else "no image has a label"


def _no_columns(evidence: Evidence) -> str:
    return _no_labels(evidence) or ("" if evidence.attributes else "there are no other columns that can be compared")


def _too_few(evidence: Evidence) -> str:
    return _no_labels(evidence) or (
        "" if evidence.probes["coarse"] else "fewer than 50 images of any label, or of all others, are too few"
    )


def _no_suspicion(evidence: Evidence) -> str:
    return _too_few(evidence) or suspects.why_not(evidence)


def _no_strata(evidence: Evidence) -> str:
    few = "it is looked for among labels that exclude each other, of 100 images or more"
    return "" if evidence.trial is not None and np.bincount(evidence.trial.labels).max() >= strata.FEWEST else few


def _no_column_of(find: Callable[[Mapping[str, pd.Series]], object], words: str) -> Callable[[Evidence], str]:
    return lambda evidence: "" if find(evidence.columns) else f"no column {words}"


def _no_dates(evidence: Evidence) -> str:
    return _no_splits(evidence) or _no_column_of(columns.dates, "holds dates")(evidence)


def _no_order(evidence: Evidence) -> str:
    if not evidence.has_groups:
        return "the data do not say which images are of one patient"
    return _no_column_of(lambda found: columns.dates(found) or columns.visits(found), "holds dates or visits")(evidence)


def _no_boxes(evidence: Evidence) -> str:
    return "" if evidence.manifest.boxes is not None else "the data have no boxes"


def _one_reading(evidence: Evidence) -> str:
    return "" if evidence.manifest.readings is not None else "each image was read once"


_CHECKS: tuple[tuple[str, tuple[str, ...], Callable[[Evidence], str]], ...] = (
    ("The same patients, cases or pictures in training and test", ("leakage",), _no_splits),
    ("Patients whom no column names", ("no_groups",), _never),
    ("Pictures that are there twice, also mirrored, turned or recompressed", ("exact_duplicates", "near_duplicates"), _never),
    ("One picture, lesion or patient with two labels", ("conflicting_labels",), _no_labels),
    ("Labels that do not fit their picture", ("suspect_labels",), _no_suspicion),
    ("Missing and uncertain labels", ("missing_labels", "uncertain_labels", "no_labels"), _never),
    ("Labels, and labels within subgroups, of too few images", ("tiny_class", "class_imbalance", "few_negatives", "tiny_cell", "empty_cell"), _no_labels),
    ("Columns from which the label can be guessed", ("shortcut", "metadata_shortcut"), _no_columns),
    ("Values that are missing more often with one label or at one site", ("missing_values",), _no_columns),
    ("Pictures of one label that are stored differently (size, colour, type of file)", ("storage_shortcut",), _no_labels),
    ("Labels that the edge of the picture gives away", ("border_shortcut",), _too_few),
    ("Labels that colours or rough layout give away", ("coarse_picture",), _too_few),
    ("Groups within a label that are told worse", ("hidden_stratum",), _no_strata),
    ("Labels that were confirmed in different ways", ("verification_bias",), _no_column_of(columns.proofs, "says how a label was confirmed")),
    ("Effects of hospital or scanner", ("site_effect",), _no_column_of(columns.sites, "names a hospital, scanner or camera")),
    ("Writing, markers or rulers in the picture, by column or DICOM header", ("burned_in_text",), _no_column_of(lambda found: columns.named(found, "burned") or columns.markers(found), "tells of them")),
    ("Sides of the body, which forbid mirroring", ("laterality",), _never),
    ("Modalities, views and ways to store grey values that are mixed", ("mixed_modality", "mixed_view", "mixed_photometric"), _no_column_of(lambda found: columns.named(found, "modality") or columns.named(found, "view") or columns.named(found, "photometric"), "tells of them")),
    ("A test that lies before the training", ("temporal_order",), _no_dates),
    ("Pictures taken after the finding was known", ("follow_up",), _no_order),
    ("Boxes that cannot be used, or contradict the labels", ("unusable_boxes", "box_label_disagreement"), _no_boxes),
    ("Images that nobody looked at for boxes", ("mixed_supervision", "unboxed_positives"), _no_boxes),
    ("Readers who differ", ("rater_disagreement",), _one_reading),
    ("Names, numbers and dates of people in columns, names of files, photographs and DICOM headers", ("personal_data",), _never),
    ("Files that cannot be read", ("unusable_files",), _never),
)  # fmt: skip
"""What is looked for, the kinds of hazards that tell it, and why it cannot be looked for, or nothing."""
