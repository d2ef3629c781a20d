"""The intent benchmark through Claude's back end: with the playbook's understanding as replies, its scores are the playbook's."""

from pathlib import Path

from benchmark import PARSERS, score
from rows import read_rows
from table import rows_as_text

REQUESTS = Path(__file__).resolve().parents[2] / "benchmarks" / "intent" / "requests_own.jsonl"


def test_scripted_replies_over_http_score_as_the_playbook_does():
    rows = read_rows(REQUESTS.read_text(encoding="utf-8"))[::5]
    scores = {}
    for name in ("playbook", "scripted-claude"):
        with PARSERS[name]() as parser:
            scores[name] = score(rows, parser)
    assert list(rows_as_text(scores["scripted-claude"])) == list(rows_as_text(scores["playbook"]))
    assert scores["scripted-claude"].as_json() == scores["playbook"].as_json()
    assert not any(row.problem for row in scores["scripted-claude"].rows)
