"""The columns of train.csv and images.csv that hold a study's inputs, and what of them is learnt from the training images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tasks.association import as_text
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import ATTRIBUTE, LABEL, SPLIT, TRAIN
from tasks.domain.model_input import CATEGORY, COLUMN, NUMBER, ModelInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.domain.manifest import Manifest
    from tasks.domain.spec import Spec


def inputs_of(manifest: Manifest, spec: Spec) -> tuple[ModelInput, ...]:
    """Return the inputs of a spec as the training images of its classes show them.

    Raises:
        DataUnusable: The data have no such attribute, or no training image has a value of it.
    """
    rows = manifest.rows
    rows = rows[rows[LABEL].isin(spec.class_of_label) & (rows[SPLIT] == TRAIN)]
    for name in spec.inputs:
        if ATTRIBUTE + name not in rows or rows[ATTRIBUTE + name].notna().sum() == 0:
            raise DataUnusable(f"no training image has a value of {name!r}, so it cannot be an input", field="inputs")
    return tuple(_described(name, rows[ATTRIBUTE + name].dropna()) for name in spec.inputs)


def input_columns(rows: pd.DataFrame, inputs: Sequence[ModelInput]) -> pd.DataFrame:
    """Return one column of text an input, for rows of a manifest, in their order.

    A number is written as a number; a category that no training image has is as unknown as a missing one, so it is left
    empty: what stands in the columns of validation and test says nothing that training does not know.
    """
    columns = {COLUMN + item.name: _written(rows[ATTRIBUTE + item.name], item) for item in inputs}
    return pd.DataFrame(columns, index=rows.index).reset_index(drop=True)


def as_numbers(values: pd.Series) -> pd.Series[str]:
    """Return numbers as text, a missing one as the empty text."""
    return values.map("{:.9g}".format, na_action="ignore").astype(object).where(values.notna(), "")


def _described(name: str, values: pd.Series) -> ModelInput:
    if _is_number(values):
        deviation = float(values.std(ddof=0))
        return ModelInput(name=name, kind=NUMBER, mean=float(values.mean()), deviation=deviation or 1.0)
    return ModelInput(name=name, kind=CATEGORY, values=tuple(sorted(set(_texts(values)))))


def _written(values: pd.Series, item: ModelInput) -> pd.Series[str]:
    if item.kind == NUMBER:
        return as_numbers(values.astype(float))
    texts = _texts(values)
    return texts.astype(object).where(texts.isin(item.values), "")


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _texts(values: pd.Series) -> pd.Series[str]:
    return values.astype("str") if pd.api.types.is_bool_dtype(values) else as_text(values)
