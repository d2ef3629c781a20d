"""What the investigation found in the data: aggregates, safe to show to a language model; `Hazard.examples` and `quarantined` are not."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.domain.manifest import Quarantined
from tasks.domain.request import ColumnRoles


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """How often a label occurs."""

    label: str
    images: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute column, and how strongly it goes with the label."""

    name: str
    kind: str
    """`categorical` or `numeric`."""
    missing: int
    values: tuple[tuple[str, int], ...]
    """Categorical: the most frequent values with counts; numeric: (min, q25, median, q75, max) as text, count 0."""
    cramers_v: float
    """Bias-corrected Cramer's V with the label, 0 to 1; nan where undefined (numeric ones are cut into quartiles)."""
    auc: float
    """Largest one-vs-rest AUC over the labels of a model that sees this attribute alone (cross-validated); nan if undefined."""
    auc_label: str
    """The label that this AUC is for."""
    value_groups: tuple[int, ...] = ()
    """Of how many patients or lesions each of the categorical `values` is, in their order; empty where that was not counted."""
    determined: tuple[tuple[str, str], ...] = ()
    """(label, value) pairs: all images of that label have this value, while others have other values too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A danger to an honest result."""

    kind: str
    """Short name: `leakage`, `exact_duplicates`, `near_duplicates`, `conflicting_labels`, `shortcut`, `tiny_class`, ..."""
    severity: str
    """`block`, `ask`, `warn` or `report`."""
    summary: str
    """One plain sentence for a clinician, with the numbers; names columns and labels, never a file, a row or a person."""
    examples: tuple[str, ...] = ()
    """Files and rows for the eyes of the data's owner alone: never shown to a language model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProbe:
    """How well a simple model tells a label from a picture that was robbed of what a finding can be seen by."""

    seen: str
    """What of the picture it sees, in words."""
    label: str
    """The label that it tells most surely."""
    auc: float
    half_width: float
    """Of the 95% interval, over patients or lesions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the checks that were made, or could not be."""

    what: str
    """What was looked for, in words."""
    outcome: str
    """`found`, `nothing` or `not possible`."""
    reason: str = ""
    """Why it was not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a test set of the planned size will be able to show about one label against the rest."""

    label: str
    test_images: int
    test_groups: int
    auc_half_width: float
    """Half-width of the 95% interval of an AUC of 0.85 (Hanley & McNeil 1982), AUC points."""
    detectable_difference: float
    """Smallest paired AUC difference found with 80% power at two-sided 0.05, scores correlated 0.8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How often a finding, of several that can occur together, was seen; images."""

    name: str
    present: int
    absent: int
    uncertain: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionCount:
    """How many images carry one kind of supervision."""

    kind: str
    """`boxes`, `mask`, `label` or `none`."""
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFacts:
    """What the boxes of the data are like."""

    boxes: int = 0
    """Boxes that can be used."""
    images: int = 0
    """Images with at least one of them."""
    labels: tuple[tuple[str, int], ...] = ()
    """Boxes by label, most frequent first."""
    unusable: int = 0
    """Boxes without area, outside the image, or written twice; they are left out."""
    present_without_box: int = 0
    """Images that the labels call positive, among those that were looked at for boxes, with none."""
    absent_with_box: int = 0
    """Images that the labels call negative, with a box."""
    unboxed_present: int = 0
    """Positive images that nobody looked at for boxes: they are no negatives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """One of several people, or programs, who read the images."""

    name: str
    """Column or id as in the data, which must not name a person; `reader 1` otherwise."""
    images: int
    kappa: float
    """Cohen's kappa with the majority of the others, over the images that they share; nan if undefined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The findings of one investigation."""

    kind: str
    roles: ColumnRoles
    n_images: int
    """Readable images in the manifest."""
    n_groups: int
    """Patients or lesions; equal to n_images if the data names none."""
    has_groups: bool
    labels: tuple[LabelCount, ...]
    """Most frequent first."""
    attributes: tuple[Attribute, ...]
    quarantined: tuple[Quarantined, ...]
    width_median: int
    height_median: int
    exact_duplicate_sets: int
    exact_duplicate_images: int
    near_duplicate_pairs: int
    conflicting_duplicate_sets: int
    conflicting_groups: int
    given_splits: tuple[tuple[str, int], ...]
    hazards: tuple[Hazard, ...]
    forecasts: tuple[Forecast, ...]
    seconds: float
    """What the investigation took."""
    findings: tuple[Finding, ...] = ()
    supervision: tuple[SupervisionCount, ...] = ()
    boxes: BoxFacts = field(default_factory=BoxFacts)
    annotators: tuple[Annotator, ...] = ()
    disagreement: float = float("nan")
    """Share of images read more than once whose readings differ; nan if none was."""
    notes: tuple[str, ...] = ()
    """How the readers understood the data."""
    masked_images: int = 0
    """Images with a mask that can be used, whatever else they carry."""
    picture_probes: tuple[PictureProbe, ...] = ()
    checks: tuple[Check, ...] = ()
    """All checks, whether they found anything or not."""
