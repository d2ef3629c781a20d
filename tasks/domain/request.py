"""What a clinician hands in: the words, where the data lies, and what may be spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRoles:
    """Which column of a table plays which part; None or empty means: find it, and ask where unclear."""

    image: str | None = None
    """Column that names the image file (with or without extension)."""
    label: str | None = None
    """Column that holds the class."""
    one_hot: tuple[str, ...] = ()
    """Columns that hold 0/1 for one class each, instead of one label column."""
    group: str | None = None
    """Patient or lesion: images of one group never part company in a split."""
    split: str | None = None
    """Column that holds a given split (train, validation or test)."""
    attributes: tuple[str, ...] = ()
    """Other columns, kept as attributes of the image."""
    findings: tuple[str, ...] = ()
    """Columns that hold 0/1 (-1 or blank where unsure) for one finding each, of which several can be present."""
    annotators: tuple[str, ...] = ()
    """Columns that hold one annotator's reading each."""
    annotator: str | None = None
    """Column that names the annotator, in a table with a row for each reading."""
    boxes: tuple[str, ...] = ()
    """Columns of a box: left, top, then right and bottom, or width and height."""
    rle: str | None = None
    """Column that holds a run-length mask."""

    @property
    def unit(self) -> str:
        """Return what a group of images is called: `patient`, `lesion`, `eye`, ..., or `image` where the data names none."""
        if self.group is None:
            return "image"
        units = ("patient", "lesion", "eye", "video", "study", "slide", "case")
        return next((unit for unit in units if unit in self.group.lower()), "patient")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRules:
    """How the data is to be read where looking at it cannot tell."""

    format: str | None = None
    """A value of `Manifest.kind`; None means: look."""
    masks: Path | None = None
    """Folder of mask images, where it is not beside the images."""
    uncertain: str = "unknown"
    """What an uncertain label counts as: `unknown`, `positive` or `negative`."""
    aggregation: str = "majority"
    """How several readings become one label: `majority`, `any`, `all` or the name of one annotator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the study may spend."""

    rounds: int = 30
    """Rounds after the baseline, 0 to 30."""
    minutes_per_round: float = 40.0
    """Training time of one round, in minutes."""
    dollars: float | None = None
    """Money for language-model calls; None means no cap of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it was handed in."""

    text: str
    """The clinician's own words."""
    images: Path
    """Folder of images."""
    table: Path | None = None
    """Table of labels; None for a folder with one sub-folder a class."""
    roles: ColumnRoles = field(default_factory=ColumnRoles)
    reading: ReadingRules = field(default_factory=ReadingRules)
    inputs: tuple[str, ...] = ()
    """Attributes that the model may see beside the image, such as age and sex; empty for the image alone."""
    allow_images: bool = False
    """Whether a language model may see what is in training images: its programs may then print what they find there."""
    budget: Budget = field(default_factory=Budget)
    verdict_rule: str = "one_standard_error"
    """`one_standard_error`, or `strict` as in the source paper."""
    seed: int = 0
    """Seed of the split, of training and of the bootstrap."""
