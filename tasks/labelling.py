"""From findings that can occur together to the one label an image that a spec of classes needs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import FINDING, LABEL, absent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest
    from tasks.domain.spec import Spec

_UNCERTAIN = -1.0
_COUNTS_AS = {"unknown": np.nan, "positive": 1.0, "negative": 0.0}


def label_for(manifest: Manifest, spec: Spec, *, uncertain: str = "unknown") -> Manifest:
    """Return the manifest with the label that each image has for a spec, and without images that have none for it.

    An image counts for a class if one of the findings named by it is present; it counts as the absence of findings if
    all findings that the spec names are known and absent. An image that shows findings of two classes, or of which too
    little is known, is left out, and the manifest's notes say how many.

    Args:
        manifest: Images with `finding.` columns, or with exclusive labels: those stay as they are.
        spec: Its classes name findings, or their absence (`tasks.domain.manifest.absent`).
        uncertain: What an uncertain finding counts as where the spec does not say: `unknown`, `positive` or `negative`.
    """
    if not manifest.findings:
        return manifest
    named = {label for item in spec.classes for label in item.labels}
    findings = [name for name in manifest.findings if name in named or absent(name) in named]
    policy = _COUNTS_AS[spec.supervision.uncertain or uncertain]
    values = {name: _settled(manifest.rows, name, policy) for name in findings}
    labels, why = _labels(spec, values, len(manifest.rows))
    kept = np.array([label != "" for label in labels])
    rows = manifest.rows.assign(**{LABEL: labels})[kept].reset_index(drop=True)
    notes = tuple(
        f"{count:,} {'image is' if count == 1 else 'images are'} left out: {reason}."
        for reason, count in why.items()
        if count
    )
    return dataclasses.replace(manifest, rows=rows, findings=(), notes=(*manifest.notes, *notes))


def _settled(rows: pd.DataFrame, finding: str, policy: float) -> NDArray[np.float64]:
    values = rows[FINDING + finding].to_numpy(dtype=np.float64, copy=True)
    values[values == _UNCERTAIN] = policy
    return values


def _labels(spec: Spec, values: Mapping[str, NDArray[np.float64]], n: int) -> tuple[list[str], dict[str, int]]:
    """Return the label of each image, empty for those without, and how many are without it for which reason."""
    labels = np.full(n, "", dtype=object)
    times = np.zeros(n, dtype=np.int64)
    for item in spec.classes:
        present = [label for label in item.labels if label in values]
        shown = np.zeros(n, dtype=bool)
        for label in present:
            labels[(values[label] == 1) & (labels == "")] = label
            shown |= values[label] == 1
        times += shown
    none = np.all([column == 0 for column in values.values()], axis=0) if values else np.zeros(n, dtype=bool)
    absence = next((name for item in spec.classes for name in item.labels if name not in values), "")
    if absence:
        labels[none & (labels == "")] = absence
    several = times > 1
    labels[several] = ""
    without = labels == ""
    unknown = without & ~several & ~none
    reasons = {
        "findings of more than one class are shown": int(several.sum()),
        "what the model looks for is neither known to be shown nor known to be absent": int(unknown.sum()),
        "none of the findings that are told apart is shown": int((without & none).sum()),
    }
    return [str(label) for label in labels], reasons
