"""Metrics in one form, however a key or a spec writes them: `sens@spec90`, `sensitivity_at_specificity_90[mel]`, `macro_auroc`.

Names are matched, meanings are not bent: recall is sensitivity, a false-positive rate of at most 0.2 is a specificity of at
least 0.8, and every part of a name that is not understood stays in it and must be equal on both sides.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

_SYNONYMS = {
    "auroc": "auroc auc roc_auc rocauc auc_roc aucroc area_under_roc area_under_the_curve area_under_the_roc_curve",
    "average_precision": "average_precision avg_precision auprc pr_auc aucpr auc_pr",
    "sensitivity": "sensitivity sens recall tpr true_positive_rate detection_rate hit_rate",
    "specificity": "specificity spec tnr true_negative_rate",
    "false_positive_rate": "false_positive_rate fpr false_alarm_rate",
    "false_negative_rate": "false_negative_rate fnr miss_rate missed_rate",
    "precision": "precision ppv positive_predictive_value",
    "npv": "npv negative_predictive_value",
    "f1": "f1 f1_score f_score fscore",
    "accuracy": "accuracy acc",
    "balanced_accuracy": "balanced_accuracy bacc",
    "expected_cost": "expected_cost mean_cost misclassification_cost weighted_cost cost average_cost",
    "quadratic_kappa": "quadratic_kappa qwk quadratic_weighted_kappa weighted_kappa_quadratic kappa_quadratic weighted_kappa",
    "mae": "mae mean_absolute_error",
    "rmse": "rmse root_mean_squared_error",
    "map50": "map50 map_50 ap50 ap_50 mean_average_precision_50",
    "map50_95": "map50_95 map_50_95 map coco_map mean_average_precision ap50_95",
    "dice": "dice dsc dice_score",
    "iou": "iou jaccard",
    "brier": "brier brier_score",
    "ece": "ece expected_calibration_error",
    "flag_rate": "flag_rate flagged_rate alert_rate alarm_rate positive_rate flagged_share share_flagged referral_rate",
    "false_positives_per_image": "false_positives_per_image fppi false_positives_per_frame fp_per_image false_alarms_per_image fp_image false_positives_image",
    "coverage": "coverage decided_share",
    "abstention": "abstention abstention_rate rejection_rate referred_share deferral_rate",
}
_BASES = sorted(
    ((tuple(word.split("_")), base) for base, words in _SYNONYMS.items() for word in words.split()),
    key=lambda item: -len(item[0]),
)
_MODIFIERS = {
    "macro": "macro", "mean": "macro", "average": "macro", "micro": "micro", "worst": "worst", "min": "worst", "minimum": "worst", "lowest": "worst",
    "gap": "gap", "difference": "gap", "diff": "gap", "disparity": "gap", "change": "change", "delta": "change", "drop": "change", "noninferiority": "change",
    "partial": "partial",
}  # fmt: skip
_SILENT = {"score", "fixed", "over", "across", "of", "on", "the", "by", "for", "at", "overall", "vs", "versus", "initial", "non", "inferiority", "per", "a", ""}  # fmt: skip
_WHOLE = {"accuracy", "balanced_accuracy", "expected_cost", "quadratic_kappa", "mae", "rmse", "brier", "ece", "flag_rate", "coverage", "abstention", "false_positives_per_image"}  # fmt: skip
"""Metrics that are the same whatever class they are said to be for, as long as a task has one of interest."""
_COMPLEMENTS = {
    "false_positive_rate": "specificity",
    "false_negative_rate": "sensitivity",
    "abstention": "coverage",
}
FIXABLE = ("specificity", "sensitivity", "coverage", "precision", "false_positives_per_image")
_PERCENT = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric, taken apart."""

    family: str
    """`auroc`, `sensitivity_at_specificity`, ...; the name itself where it is not known."""
    target: str = ""
    """Class that it is for, as written; empty for the whole task."""
    fixed: float = math.nan
    """What is held, 0 to 1; nan if nothing is or nothing is said."""
    modifiers: frozenset[str] = frozenset()
    """`macro`, `worst`, `gap`, `change`, and words that are not understood."""

    @property
    def holds(self) -> bool:
        """Return whether something is held while this is measured."""
        return "_at_" in self.family

    @property
    def whole(self) -> bool:
        """Return whether the metric is the same for every class."""
        return self.family in _WHOLE

    def __str__(self) -> str:
        """Return a short name for tables."""
        held = "" if math.isnan(self.fixed) else f" {self.fixed:g}"
        target = f"[{self.target}]" if self.target else ""
        return " ".join([*sorted(self.modifiers), f"{self.family}{held}{target}"])


def read_measure(name: str, target: str = "", held: str = "", fixed: float = math.nan) -> Measure:
    """Return a metric taken apart.

    Args:
        name: As a key or a spec writes it, perhaps with `[class]` and with what is held.
        target: Class that it is for, where it is written apart.
        held: What is held, where that is written apart: `specificity`.
        fixed: Where it is held.
    """
    text = name.strip().lower()
    bracket = re.search(r"\[(.*)\]", name, re.DOTALL)
    if bracket:
        target = target or bracket[1]
        text = (name[: bracket.start()] + name[bracket.end() :]).strip().lower()
    text = re.sub(r"non[- _]inferiority", "noninferiority", text)
    text = re.sub(r"[\s-]+", "_", text.replace("@", "_at_"))
    text = re.sub(r"^m?ap_at_(?:iou_?)?0?\.50?:(?:0?\.05:)?0?\.95$", "map50_95", text)
    text = re.sub(r"^m?ap_at_(?:iou_?)?(?:0?\.50?|50)$", "map50", text)
    what, _, rest = text.partition("_at_")
    if rest:
        said_held, said_fixed = _read_held(rest)
        held, fixed = held or said_held, said_fixed if math.isnan(fixed) else fixed
    family, modifiers = _read_base(what)
    if held.startswith("iou"):
        modifiers = modifiers if math.isnan(fixed) or abs(fixed - 0.5) < 1e-9 else modifiers | {f"iou {fixed:g}"}
        held, fixed = "", math.nan
    if held in _COMPLEMENTS:
        held, fixed = _COMPLEMENTS[held], 1 - fixed
    if held:
        family = f"{family}_at_{held}"
    if target.lower() in {"macro", "overall", "all", "none", "mean"}:
        target = ""
    fixed = fixed if held == "false_positives_per_image" else _share(fixed)
    return Measure(family=family, target=target, fixed=fixed, modifiers=modifiers)


def _read_held(text: str) -> tuple[str, float]:
    """Return what is held and where: of `fixed_specificity_0.9`, `90_specificity`, `spec80`, `iou0.5`."""
    number = re.search(r"\d+(?:\.\d+)?", text)
    words = re.sub(r"\d+(?:\.\d+)?|percent|%", "_", text)
    tokens = [token for token in words.split("_") if token and token not in _SILENT]
    family, modifiers = _base_of(tokens)
    return family or "_".join(sorted(modifiers)), float(number[0]) if number else math.nan


def _read_base(text: str) -> tuple[str, frozenset[str]]:
    tokens = [token for token in re.split(r"[_\s.()/,:]+", text) if token]
    family, modifiers = _base_of(tokens)
    return family or "_".join(tokens), modifiers if family else frozenset()


def _base_of(tokens: list[str]) -> tuple[str, frozenset[str]]:
    """Return the known metric that these words hold, and the words left over."""
    for words, base in _BASES:
        for at in range(len(tokens) - len(words) + 1):
            if tuple(tokens[at : at + len(words)]) == words:
                rest = [token for token in tokens[:at] + tokens[at + len(words) :] if token not in _SILENT]
                return base, frozenset(_MODIFIERS.get(token, token.removesuffix("s")) for token in rest)
    return "", frozenset(tokens)


def _share(value: float) -> float:
    return value / 100 if value > _PERCENT else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit on a metric."""

    measure: Measure
    op: str
    """`>=` or `<=`."""
    value: float
    """nan where the key leaves it open."""

    def __str__(self) -> str:
        """Return a short form for tables."""
        return f"{self.measure} {self.op} {'?' if math.isnan(self.value) else f'{self.value:g}'}"


_OPS = {
    ">=": ">=", ">": ">=", "ge": ">=", "gt": ">=", "at_least": ">=", "at least": ">=", "min": ">=", "minimum": ">=", "\u2265": ">=",
    "<=": "<=", "<": "<=", "le": "<=", "lt": "<=", "at_most": "<=", "at most": "<=", "max": "<=", "maximum": "<=", "\u2264": "<=",
}  # fmt: skip


def read_bound(measure: Measure, op: str, value: float) -> Bound:
    """Return a limit in the one form: an error rate that may be at most so high is a rate of right answers that is at least so high."""
    direction = _OPS.get(op.strip().lower(), op.strip())
    fraction = measure.family not in {"mae", "rmse", "expected_cost", "false_positives_per_image"}
    value = _share(value) if fraction else value
    if measure.family in _COMPLEMENTS and not measure.modifiers:
        flipped = {">=": "<=", "<=": ">="}.get(direction, direction)
        return Bound(measure=replace(measure, family=_COMPLEMENTS[measure.family]), op=flipped, value=1 - value)
    return Bound(measure=measure, op=direction, value=value)


def same_number(one: float, other: float) -> bool:
    """Return whether two numbers are equal, or neither is one."""
    return (math.isnan(one) and math.isnan(other)) or abs(one - other) < 1e-6
