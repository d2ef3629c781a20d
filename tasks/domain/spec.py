"""The structured form of a request; each field cites the words, or the fact of the profile, that it rests on."""

from __future__ import annotations

from dataclasses import dataclass


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
    """A floor that the clinician set: metric >= at_least."""

    metric: str
    at_least: float


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
    blocking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is to be built and how it is judged."""

    task: str
    """`classification` (others come with later templates)."""
    classes: tuple[SpecClass, ...]
    """Two or more; for a binary task the positive class is last."""
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
    confounders: tuple[str, ...] = ()
    """Attributes that the clinician wants the model not to lean on."""
    subgroups: tuple[str, ...] = ()
    """Attributes whose subgroups are reported apart."""
    grounding: tuple[Grounding, ...] = ()

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
