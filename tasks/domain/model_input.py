"""What a model may see beside the image: one attribute of the data, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass

NUMBER, CATEGORY = "number", "category"
"""Values of `ModelInput.kind`."""
COLUMN = "input_"
"""Prefix of the columns of train.csv and images.csv that hold inputs; a missing value is an empty cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """One attribute as the training images show it; nothing of it comes from validation or test."""

    name: str
    """Of the attribute in the data."""
    kind: str
    """`number` or `category`."""
    values: tuple[str, ...] = ()
    """The categories, sorted; empty for a number."""
    mean: float = 0.0
    """Over the training images that have it; 0 for a category."""
    deviation: float = 1.0
    """Standard deviation over the same images; 1 for a category, and where it never varies."""
