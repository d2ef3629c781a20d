"""The intent benchmark: requests with keys are parsed, scored, shown in a table, and summed up in one line of JSON."""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from claude_parsers import claude, scripted_claude
from comparing import Parse
from facts import profile_of
from pairs import NOT_JUDGED, edit_of, judge_pair
from rows import Row, read_rows
from scoring import RowScore, Summary, failed_row, score_row, summarise
from table import confusion_as_text, parse_as_text, rows_as_text, totals_as_text

from agents.playbook.semantic_parser import PlaybookSemanticParser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from agents.semantic_parser import SemanticParser

PARSERS: dict[str, Callable[[], AbstractContextManager[SemanticParser]]] = {
    "playbook": lambda: nullcontext(PlaybookSemanticParser()),
    "claude": claude,
    "scripted-claude": scripted_claude,
}
"""Parsers by name; another back end is a line here."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Score a file of requests as the command line says."""
    reader = argparse.ArgumentParser(prog="intent.py", description=__doc__)
    reader.add_argument("file", type=Path, help="requests with keys, one JSON object a line")
    reader.add_argument(
        "--verbose", action="store_true", help="also show spec, questions and read-back of each request"
    )
    reader.add_argument(
        "--only", metavar="ID", action="append", help="score this request only; may be given several times"
    )
    reader.add_argument("--parser", choices=sorted(PARSERS), default="playbook")
    options = reader.parse_args(arguments)
    rows = read_rows(options.file.read_text(encoding="utf-8"))
    if options.only:
        rows = [row for row in rows if row.id in options.only]
    with PARSERS[options.parser]() as parser:
        if options.verbose:
            for row in rows:
                _show(row, parser)
        summary = score(rows, parser)
    for part in (rows_as_text, confusion_as_text, totals_as_text):
        print("\n".join(part(summary)), end="\n\n")
    print(json.dumps(summary.as_json()))


def score(rows: Sequence[Row], parser: SemanticParser) -> Summary:
    """Return the scores of all rows; one that cannot be judged or parsed counts as failed, and says why."""
    return summarise([_score(row, parser) for row in rows])


def _score(row: Row, parser: SemanticParser) -> RowScore:
    problem = row.problem
    if not problem:
        try:
            return _judged(row, parser)
        except Exception as error:  # noqa: BLE001  what falls over on a row fails the row, not the benchmark
            problem = _told(error)
    pairs = tuple((edit_of(pair), f"{NOT_JUDGED}the request itself failed") for pair in row.pairs)
    return failed_row(row.id, row.expected, problem, pairs)


def _judged(row: Row, parser: SemanticParser) -> RowScore:
    profile = profile_of(row.manifest)
    parse = Parse(parser.parse(row.request, profile), profile)
    scored = score_row(row, parse)
    return replace(scored, pairs=tuple((edit_of(pair), _pair(pair, row, parse, parser)) for pair in row.pairs))


def _pair(pair: object, row: Row, parse: Parse, parser: SemanticParser) -> str:
    try:
        return judge_pair(pair, row, parse, parser)
    except Exception as error:  # noqa: BLE001  as above: the pair is not passed
        return _told(error)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _show(row: Row, parser: SemanticParser) -> None:
    print(f"--- {row.id} {row.problem}")
    if row.problem:
        return
    try:
        parsed = parser.parse(row.request, profile_of(row.manifest))
    except Exception as error:  # noqa: BLE001  the table tells it as well
        print(f"{_told(error)}\n")
        return
    print("\n".join(parse_as_text(row.request, parsed)))
