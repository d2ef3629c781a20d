"""The form in which a language model says what it read in a request: its words are checked against lists as far as a schema can.

It stays within what structured outputs take: every field is required, nothing else is allowed, no form holds itself, bounds of
numbers are left to `agents.claude.spec_checks`. What a spec can lack is empty or null here.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Task = Literal[
    "binary_classification", "multiclass_classification", "multilabel_classification", "ordinal_classification",
    "regression", "object_detection", "segmentation",
]  # fmt: skip
Family = Literal[
    "auroc", "average_precision", "sensitivity", "specificity", "f1", "f1_macro", "balanced_accuracy", "accuracy", "brier", "ece",
    "sensitivity_at_specificity", "specificity_at_sensitivity", "sensitivity_at_coverage", "flag_rate", "abstention_rate",
    "expected_cost", "quadratic_kappa", "gross_error_rate", "ppv", "npv", "mcc", "mae", "rmse", "dice", "map50", "recall_iou50", "precision_iou50", "f1_iou50",
    "recall_at_fp_per_image", "false_positives_per_image",
]  # fmt: skip
Kind = Literal[
    "", "abstention_budget", "allowed_cue", "classes", "conflicting_constraints", "external_site", "finding", "image_selection", "input",
    "insufficient_sample", "label_missing", "label_policy", "likely_infeasible", "metric_choice", "missing_annotation",
    "missing_attribute", "missing_cost_values", "missing_max_gap", "missing_threshold", "objective", "privacy", "protocol_violation",
    "reference_standard", "rule_detail", "scope", "split_leak", "task_type", "unclear_demand", "undefined_floor", "unit_of_analysis",
]  # fmt: skip
Root = Literal[
    "task", "classes", "positive", "priorities", "primary", "secondary", "operating_point", "constraints", "guardrails", "confounders",
    "subgroups", "unit", "costs", "abstention", "supervision", "held_out", "caveats", "target",
]  # fmt: skip


class Form(BaseModel):
    """A part of the form."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class MetricForm(Form):
    """A metric, such as `auroc`, `auroc` of a class, or `sensitivity_at_specificity` 80 of a class."""

    family: Family
    of: str
    """Name of a class; empty for the whole task."""
    held: float | None
    """Percent that is held, for the families with `_at_`."""


class ClassForm(Form):
    """A class and the labels that count as it."""

    name: str
    labels: list[str]
    description: str


class OperatingPointForm(Form):
    """Where the threshold is put."""

    fixed: Literal["sensitivity", "specificity", "youden"]
    at_least: float | None
    positive: str


class ConstraintForm(Form):
    """A bound on a metric."""

    metric: MetricForm
    op: Literal[">=", "<="]
    bound: float
    hard: bool


class GuardrailForm(Form):
    """A metric that must not fall."""

    metric: MetricForm
    margin: float


class ConfounderForm(Form):
    """What the model must not lean on."""

    name: str
    column: str
    handling: Literal[
        "reduce_reliance_and_report_by_subgroup",
        "mask_and_test",
        "report_by_subgroup",
        "check_association_with_label",
        "check_not_used_as_disease_cue",
        "hold_out_site_and_report",
    ]


class SubgroupForm(Form):
    """An attribute by which results are shown apart."""

    attribute: str
    column: str
    criterion: Literal["report", "equal", "not_worse"]
    metric: MetricForm | None
    max_gap: float | None


class CostForm(Form):
    """How bad one error is."""

    true: str
    called: str
    weight: float


class AbstentionForm(Form):
    """Whether the model may answer 'not sure'."""

    allowed: bool
    at_most: float | None


class SupervisionForm(Form):
    """What the labels are."""

    kind: Literal["full", "mixed", "multi_rater"]
    box_fraction: float | None
    aggregation: str
    uncertain: Literal["", "unknown", "positive", "negative"]


class GroundingForm(Form):
    """What a field of the spec rests on."""

    field: Root
    item: str
    """Which of several, such as the name of a class or `sensitivity[mel]`; empty for a field that is one."""
    source: Literal["request", "profile", "default"]
    words: str
    occurrence: int
    """Which of several places of the request with these words, from 1; 0 for another source."""


class SpecForm(Form):
    """What is to be built and how it is judged."""

    task: Task
    classes: list[ClassForm]
    positive: str
    priorities: list[str]
    primary: MetricForm
    secondary: list[MetricForm]
    operating_point: OperatingPointForm
    constraints: list[ConstraintForm]
    guardrails: list[GuardrailForm]
    confounders: list[ConfounderForm]
    subgroups: list[SubgroupForm]
    unit: Literal["image", "lesion", "eye", "study", "patient", "video", "slide", "case"]
    costs: list[CostForm]
    abstention: AbstentionForm
    supervision: SupervisionForm
    held_out: str
    caveats: list[str]
    grounding: list[GroundingForm]


class QuestionForm(Form):
    """What only the clinician can answer, or the data will."""

    field: str
    text: str
    options: list[str]
    default: str
    level: Literal["resolve_from_data", "confirm_default", "blocking"]
    kind: Kind


class RequestForm(Form):
    """All that was read in a request."""

    refusal: str
    """Why this must not be built; empty if it may."""
    spec: SpecForm | None
    questions: list[QuestionForm]
    changes_nothing: list[str]
    """Words of the request that were read and change nothing."""


def schema_of(form: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a form without the titles that pydantic adds."""
    plain = _without_titles(form.model_json_schema())
    if not isinstance(plain, dict):
        raise TypeError("the schema of a form is an object")
    return plain


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: {name: _without_titles(part) for name, part in value.items()}
            if key == "properties"
            else _without_titles(value)
            for key, value in schema.items()
            if key != "title"
        }
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
