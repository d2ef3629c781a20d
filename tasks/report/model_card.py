"""The model card that travels with a delivered model: intended use, data, figures with intervals, limits, how to use it.

Source: the card of Mitchell et al., Model Cards for Model Reporting (FAT* 2019), with the fields that the FDA's draft guidance
of January 2025 on AI-enabled device software lists in its appendix E.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from tasks.report import tables
from tasks.report.findings import seen_in_validation, shown_by_the_test
from tasks.report.headline import headline
from tasks.report.intake import answers
from tasks.report.limits import cannot_be_guaranteed
from tasks.report.wording import class_words, count

if TYPE_CHECKING:
    from tasks.report.record import StudyRecord

_LINE_END = re.compile(r"\s*[\n\r\v\f\u2028\u2029]\s*")
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)|[\\|\[\]`*]")
"""What markdown or HTML would read as markup; a plain `<`, as in `p < 0.001`, is none."""
_BLANK_LINES = re.compile(r"\n{3,}")


def model_card(record: StudyRecord) -> str:
    """Return the model card as markdown; fields that only a person can fill read NOT PROVIDED where they are empty."""
    evaluation = record.evaluation
    watched = tables.watched_class(record)
    text = _page().render(
        record=record,
        evaluation=evaluation,
        headline=headline(record),
        intake=answers(record.intake),
        noun=record.profile.roles.unit,
        classes=", ".join(class_words(name, record.spec) for name in record.spec.class_names),
        watched=class_words(watched, record.spec) if watched else "",
        threshold_words=tables.threshold_words(evaluation) if evaluation else "",
        rows=tables.metric_rows(record, evaluation) if evaluation else (),
        requirements=tables.requirement_rows(record, evaluation) if evaluation else (),
        boxes=(
            ("Shown by the held-out test", shown_by_the_test(record)),
            ("Seen only in validation", seen_in_validation(record)),
            ("Cannot be guaranteed", cannot_be_guaranteed(record)),
        ),
    )
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"


def _page() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.filters |= {
        "count": count,
        "brief": lambda cell: f"{cell.value} ({cell.range})" if cell.range else cell.value,
        "quoted": lambda text: Markup("\n> ").join(_safe(line) for line in text.splitlines()),
    }
    return environment.get_template("model_card.md.j2")


def _plain(value: object) -> object:
    """Return a value that cannot become markup: HTML is escaped, and so is what would break a table, list or code span."""
    return value if not isinstance(value, str) or isinstance(value, Markup) else _safe(value)


def _safe(text: str) -> Markup:
    one_line = _LINE_END.sub(" ", text)
    return Markup(_MARKUP.sub(_escaped, one_line))  # noqa: S704 - escaped in this line


def _escaped(found: re.Match[str]) -> str:
    return str(escape(found[0])) if found[0] in "<&" else f"\\{found[0]}"
