"""The structured form of a request; each field cites the words, or the fact of the profile, that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field

BINARY, MULTICLASS, MULTILABEL = "binary_classification", "multiclass_classification", "multilabel_classification"
ORDINAL, REGRESSION = "ordinal_classification", "regression"
DETECTION, SEGMENTATION = "object_detection", "segmentation"

AT_LEAST, AT_MOST = ">=", "<="

NONE, RESOLVE_FROM_DATA, CONFIRM_DEFAULT, BLOCKING = "none", "resolve_from_data", "confirm_default", "blocking"
CLARIFICATION_LEVELS = (NONE, RESOLVE_FROM_DATA, CONFIRM_DEFAULT, BLOCKING)
"""How much a question stands in the way, rising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecClass:
    """One class that the model tells from the others."""

    name: str
    """Short name used in metric names and prediction columns."""
    labels: tuple[str, ...]
    """Labels of the data that count as this class."""
    description: str
    """Plain words: 'melanoma'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """Where on the ROC curve the model is used; the threshold is chosen on validation and frozen."""

    fixed: str
    """What is held: `sensitivity`, `specificity`, or `youden` for neither."""
    at_least: float
    """Value of the held quantity, 0 to 1; nan for `youden`."""
    positive: str
    """Class that the threshold is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """A metric that must not get worse by more than a margin while the primary one is improved."""

    metric: str
    margin: float
    """In the metric's own unit; at least 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound that the clinician set on a metric."""

    metric: str
    bound: float
    op: str = AT_LEAST
    """`>=` or `<=`."""
    hard: bool = True
    """False for a goal: reported, but no round is turned down for missing it."""

    def miss(self, value: float) -> float:
        """Return by how much a value misses the bound, in the metric's own unit; 0 if it keeps it."""
        return max(0.0, self.bound - value if self.op == AT_LEAST else value - self.bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """Something that goes with the finding and that the model must not lean on."""

    name: str
    """The attribute's name in the data, else the words of the request in snake case."""
    column: str = ""
    """Attribute of the data that says which images show it; empty if the data does not say."""
    handling: str = "reduce_reliance_and_report_by_subgroup"
    """`reduce_reliance_and_report_by_subgroup`, `mask_and_test` (text that can be painted over), `report_by_subgroup` (where such
    images come from), `check_association_with_label` or `check_not_used_as_disease_cue` (found in the data, not in the words)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """An attribute by whose values results are shown apart."""

    attribute: str
    """The attribute's name in the data, else the words of the request in snake case."""
    column: str = ""
    """Empty if the data does not record it."""
    criterion: str = "report"
    """`report`, `equal` (a small gap between groups) or `not_worse` (no group worse than the rest)."""
    metric: str = ""
    """What is compared between the groups; empty for the primary metric."""
    max_gap: float = float("nan")
    """Largest gap allowed, in the metric's own unit; nan if none was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How bad it is to call one class another; only ratios count."""

    true: str
    called: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """Whether the model may answer 'not sure', and those images go to a person."""

    allowed: bool = False
    at_most: float = float("nan")
    """Largest share of images sent back, 0 to 1; nan if none was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """What the labels of the training images are, and how they are to be read."""

    kind: str = "full"
    """`full`, `mixed` (some images with boxes or masks, others with labels of the whole image) or `multi_rater`."""
    box_fraction: float = float("nan")
    """Share of images with boxes; nan where boxes play no part."""
    aggregation: str = ""
    """How several readings become one label: `majority`, `any`, `all`, `consensus` or a reader's name; empty with one."""
    uncertain: str = ""
    """What an uncertain label counts as: `unknown`, `positive` or `negative`; empty where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """Why a field of the spec holds what it holds."""

    field: str
    source: str
    """`request`, `profile` or `default`."""
    words: str
    """The words of the request, or the fact of the profile, or the reason for the default."""
    start: int = -1
    """Character span in the request; -1 where it rests on something else."""
    end: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that only the clinician can answer."""

    field: str
    text: str
    options: tuple[str, ...] = ()
    default: str = ""
    """Taken if unanswered and not blocking."""
    level: str = CONFIRM_DEFAULT
    """`resolve_from_data` (the data decides, and the text says how), `confirm_default` or `blocking`."""
    kind: str = ""
    """What is unclear, in one word of the benchmark of requests: `missing_threshold`, `label_policy`, `scope`, ..."""

    @property
    def blocking(self) -> bool:
        """Return whether nothing is built before it is answered."""
        return self.level == BLOCKING


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is to be built and how it is judged."""

    task: str
    """`binary_classification`, `multiclass_classification`, `multilabel_classification`, `ordinal_classification`,
    `regression`, `object_detection` or `segmentation`."""
    classes: tuple[SpecClass, ...]
    """For a binary task two, the positive class last; for several labels or for objects one a finding."""
    positive: str
    """Name of the positive class of a binary task; empty for a multiclass one."""
    priorities: tuple[str, ...]
    """Names of the classes that matter most, most important first."""
    primary: str
    """Metric name, such as `auroc`, `auroc[mel]` or `sensitivity_at_specificity_80[mel]`."""
    secondary: tuple[str, ...]
    operating_point: OperatingPoint
    constraints: tuple[Constraint, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    confounders: tuple[Confounder, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()
    unit: str = "image"
    """What one answer is about, and results are counted by: `image`, `lesion`, `eye`, `study` or `patient`."""
    costs: tuple[Cost, ...] = ()
    """Empty if the request weighs no error against another."""
    abstention: Abstention = field(default_factory=Abstention)
    supervision: Supervision = field(default_factory=Supervision)
    held_out: str = ""
    """Attribute of which one value, such as one hospital, is the test set as a whole; empty if the request names no such wish."""
    inputs: tuple[str, ...] = ()
    """Attributes that the model sees beside the image, in training and in use; empty for the image alone."""
    caveats: tuple[str, ...] = ()
    """Sentences that the report must carry, each grounded."""
    grounding: tuple[Grounding, ...] = ()
    prompts: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each prompt that a language model works by in this study; empty for an agent without prompts."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, in the order of prediction columns."""
        return tuple(item.name for item in self.classes)

    @property
    def class_of_label(self) -> dict[str, str]:
        """Return the class that each label of the data counts as; other labels are not part of the study."""
        return {label: item.name for item in self.classes for label in item.labels}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How rounds and the final models are judged; frozen and hashed before round 0."""

    spec_sha256: str
    primary: str
    higher_is_better: bool
    metrics: tuple[str, ...]
    """All metrics that are computed, primary first."""
    constraints: tuple[Constraint, ...]
    guardrails: tuple[Guardrail, ...]
    operating_point: OperatingPoint
    verdict_rule: str
    max_rounds: int
    train_seconds: float
    """Wall-clock budget of one training run."""
    max_checkpoints: int
    resamples_validation: int
    resamples_test: int
    seed: int

    def thresholds(self, value: float) -> dict[str, float]:
        """Return a model's threshold by the class that it is for; empty if the study has none."""
        return {self.operating_point.positive: value} if self.operating_point.positive else {}
