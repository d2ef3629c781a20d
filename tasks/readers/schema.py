"""What every manifest must fulfil, whatever the data: checked at the end of a reading, for a violation is a mistake of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.pandas as pa

from tasks.domain import manifest as columns
from tasks.domain.manifest import BOXES, IMAGE_LABEL, MASK, TEST, TRAIN, UNLABELLED, VALIDATION

if TYPE_CHECKING:
    import pandas as pd

    from tasks.domain.manifest import Manifest

_ROWS = pa.DataFrameSchema(
    {
        columns.IMAGE_ID: pa.Column(checks=pa.Check.str_length(min_value=1), unique=True),
        columns.FILE: pa.Column(checks=pa.Check.str_length(min_value=1)),
        columns.ROW: pa.Column(int, pa.Check.ge(0)),
        columns.LABEL: pa.Column(),
        columns.GROUP: pa.Column(checks=pa.Check.str_length(min_value=1)),
        columns.SPLIT: pa.Column(checks=pa.Check.isin(["", TRAIN, VALIDATION, TEST])),
        columns.SUPERVISION: pa.Column(checks=pa.Check.isin([BOXES, MASK, IMAGE_LABEL, UNLABELLED])),
        columns.FRAME: pa.Column(int, pa.Check.ge(-1)),
        f"^{columns.FINDING}.+": pa.Column(
            float, pa.Check.isin([-1.0, 0.0, 1.0]), nullable=True, required=False, regex=True
        ),
    },
    checks=[
        pa.Check(lambda rows: list(rows.index) == list(range(len(rows))), error="the index is 0 to n-1"),
        pa.Check(lambda rows: not rows[[columns.FILE, columns.FRAME]].duplicated().any(), error="an image has one row"),
        pa.Check(
            lambda rows: (rows[columns.SUPERVISION] != UNLABELLED) | (rows[columns.LABEL] == ""),
            error="an image with a label has supervision",
        ),
    ],
)
_READINGS = pa.DataFrameSchema(
    {
        "image_id": pa.Column(),
        "finding": pa.Column(),
        "annotator": pa.Column(checks=pa.Check.str_length(min_value=1)),
        "value": pa.Column(),
    },
    strict=True,
)


def checked(manifest: Manifest) -> Manifest:
    """Return a manifest as it is.

    Raises:
        pandera.errors.SchemaError: It breaks what its readers promise; never the fault of the data.
        ValueError: Findings and columns, or readings and images, do not go together.
    """
    rows = _ROWS.validate(manifest.rows)
    found = {name.removeprefix(columns.FINDING) for name in rows.columns if name.startswith(columns.FINDING)}
    if found != set(manifest.findings):
        raise ValueError(f"findings {sorted(manifest.findings)} have columns {sorted(found)}")
    for part in (manifest.readings, manifest.boxes, manifest.masks):
        _check_part(part, rows)
    if manifest.readings is not None:
        _READINGS.validate(manifest.readings)
    return manifest


def _check_part(part: pd.DataFrame | None, rows: pd.DataFrame) -> None:
    if part is not None and not part["image_id"].isin(rows[columns.IMAGE_ID]).all():
        raise ValueError("readings, boxes or masks are of images that the manifest does not have")
