"""The report of a study: one HTML file for a clinician first, with everything inside and nothing loaded from elsewhere.

All text from a request, from data or from a language model is escaped; the page holds no script.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from tasks.report import figures, tables
from tasks.report.ablation import ablation_rows
from tasks.report.curves import read_curves
from tasks.report.findings import seen_in_validation, shown_by_the_test
from tasks.report.headline import headline, improved
from tasks.report.intake import NOT_PROVIDED, answers
from tasks.report.limits import cannot_be_guaranteed
from tasks.report.prose import prose
from tasks.report.round_page import round_line, verdict_words
from tasks.report.wording import (
    chance_range,
    class_words,
    count,
    metric_words,
    number,
    p_equation,
    percent,
    seconds_words,
)
from tasks.report.yardstick import seeds_sentence, yardstick

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.evaluation import Evaluation
    from tasks.report.curves import ModelCurves, Which
    from tasks.report.record import StudyRecord

_FOLDER = Path(__file__).parent


def render_report(record: StudyRecord) -> str:
    """Return the report as one HTML page; before the opening it says that the test set is still sealed.

    Raises:
        ValueError: The record contradicts itself: an unknown metric, intake field, or form of curves.
    """
    noise = yardstick(record)
    return _page().render(
        record=record,
        spec=record.spec,
        profile=record.profile,
        styles=Markup((_FOLDER / "styles.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        headline=headline(record),
        improved=improved(record),
        cards=_cards(record),
        read_back=prose(record.read_back),
        noun=record.profile.roles.unit,
        noise=noise,
        seeds=seeds_sentence(record),
        ablation=ablation_rows(record),
        running_best=figures.running_best(record, noise) if record.rounds else None,
        lines={item.number: round_line(item) for item in record.rounds},
        verdict_words=verdict_words,
        tested=_tested(record, record.evaluation) if record.evaluation else None,
        boxes=(
            ("shown", "Shown by the held-out test", shown_by_the_test(record)),
            ("seen", "Seen only in validation", seen_in_validation(record)),
            ("limits", "Cannot be guaranteed", cannot_be_guaranteed(record)),
        ),
        intake=answers(record.intake),
        not_provided=NOT_PROVIDED,
    )


def _page() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "number": number,
        "seconds": seconds_words,
        "is_nan": math.isnan,
        "time": lambda moment: moment[:16].replace("T", " ") + " UTC" if moment else "",
    }
    environment.globals |= {
        "metric_words": metric_words,
        "class_words": class_words,
        "legend_mark": figures.legend_mark,
        "bar": figures.bar,
    }
    return environment.get_template("report.html.j2")


def _cards(record: StudyRecord) -> list[dict[str, str]]:
    """Return the few figures that stand under the headline."""
    evaluation = record.evaluation
    if evaluation is None:
        return []
    row = tables.metric_rows(record, evaluation)[0]
    difference = row.comparison.difference
    cards = [
        {"name": f"{row.words}, final model", "value": row.final.value, "range": _in_words(row.final.range)},
        {
            "name": f"Difference from the initial model ({row.initial.value})",
            "value": row.difference.value,
            "range": "" if math.isnan(difference.value) else f"{row.difference.range}\n{p_equation(difference.p)}",
        },
    ]
    for family in ("sensitivity", "specificity"):
        name = f"{family}[{tables.watched_class(record)}]"
        if name in evaluation.metrics and name != evaluation.primary:
            estimate = evaluation.metrics[name].final
            known = not math.isnan(estimate.value)
            words = f"{metric_words(name, record.spec)}, at the frozen threshold"
            cards.append(
                {
                    "name": words,
                    "value": percent(estimate.value),
                    "range": _in_words(chance_range(estimate)) if known else "",
                }
            )
    return cards


def _in_words(interval: str) -> str:
    return f"95% interval\n{interval}" if interval else ""


def _tested(record: StudyRecord, evaluation: Evaluation) -> Mapping[str, object]:
    """Return all that the page shows of the opened test set."""
    curves = read_curves(evaluation.figures)
    watched = tables.watched_class(record)
    drawn = [name for name in record.spec.class_names if any(name in model.roc for model in curves.values())]
    drawn.sort(key=lambda name: name != watched)
    return {
        "evaluation": evaluation,
        "rows": tables.metric_rows(record, evaluation),
        "bars": tables.bar_rows(record, evaluation),
        "requirements": tables.requirement_rows(record, evaluation),
        "thresholds": tables.threshold_rows(record, evaluation),
        "threshold_words": tables.threshold_words(evaluation),
        "predictive": tables.predictive_rows(record, evaluation),
        "watched": class_words(watched, record.spec) if watched else "",
        "curves": [_curve_pair(curves, name, class_words(name, record.spec)) for name in drawn],
        "decided": "at the frozen threshold" if len(record.spec.classes) == 2 else "for the most probable class",
        "confusion": [(which, tables.confusion_rows(record, model.confusion)) for which, model in curves.items()],
        "sample": ", ".join(
            f"{cases:,} {class_words(name, record.spec)}" for name, cases in evaluation.class_counts.items()
        ),
    }


def _curve_pair(curves: Mapping[Which, ModelCurves], name: str, title: str) -> tuple[str, Markup, Markup]:
    """Return a class in words with its ROC and its calibration figure."""
    return title, figures.roc_figure(curves, name, title), figures.calibration_figure(curves, name, title)
