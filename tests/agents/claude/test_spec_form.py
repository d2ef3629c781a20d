"""The form of a spec: nothing is lost in it, and its schema is one that structured outputs take."""

import json
from pathlib import Path

import pytest
from facts import profile_of
from rows import read_rows

from agents.claude.metric_form import form_of, name_of
from agents.claude.seen import names_of
from agents.claude.spec_checks import problems
from agents.claude.spec_form import RequestForm, schema_of
from agents.claude.spec_reading import question_of, spec_of
from agents.claude.spec_writing import form_of_parsed
from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.scoring.name import ONE_CLASS, READ_FROM_CURVE, WHOLE, read_name

REQUESTS = Path(__file__).resolve().parents[2] / "benchmarks" / "intent" / "requests_own.jsonl"
ROWS = read_rows(REQUESTS.read_text(encoding="utf-8"))
UNION_LIMIT = 16


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_the_playbook_understands_comes_back_from_the_form_as_it_was(row):
    profile = profile_of(row.manifest)
    names = names_of(profile)
    parsed = PlaybookSemanticParser().parse(row.request, profile)
    form = RequestForm.model_validate_json(form_of_parsed(parsed, row.request, names).model_dump_json())
    assert problems(form, row.request, names) == []
    assert tuple(question_of(item) for item in form.questions) == parsed.questions
    assert form.refusal == parsed.refusal
    if form.spec is None:
        assert parsed.draft is None
    else:
        # by their text, in which nan is nan
        assert repr(spec_of(form.spec, row.request, names)) == repr(parsed.draft)


def objects(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_the_schema_allows_nothing_that_it_does_not_require():
    found = list(objects(schema_of(RequestForm)))
    assert len(found) >= 14
    for each in found:
        assert each["additionalProperties"] is False
        assert sorted(each["required"]) == sorted(each["properties"])


def test_the_schema_uses_only_what_structured_outputs_know():
    text = json.dumps(schema_of(RequestForm))
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "pattern", "maxItems", "title"):
        assert f'"{keyword}":' not in text
    assert text.count('"anyOf"') <= UNION_LIMIT


def test_no_form_holds_itself():
    schema = schema_of(RequestForm)
    inner = {name: json.dumps(part) for name, part in schema["$defs"].items()}
    left = set(inner)
    while left:
        leaves = {name for name in left if not any(f"#/$defs/{other}" in inner[name] for other in left)}
        assert leaves, f"these hold each other: {left}"
        left -= leaves


def test_every_metric_that_can_be_measured_has_a_form():
    names = [*WHOLE, *(f"{name}[mel]" for name in ONE_CLASS)]
    names += [f"{name}_{percent}[mel]" for name in READ_FROM_CURVE for percent in ("05", "80", "97.5")]
    for name in names:
        assert name_of(form_of(name)) == name
        assert read_name(name, ["mel"])


def test_a_metric_that_nobody_knows_has_no_form():
    with pytest.raises(ValueError, match="no form for the metric 'sharpness'"):
        form_of("sharpness")
