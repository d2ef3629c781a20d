"""The scores of a file as a table that a person reads."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from scoring import levels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoring import RowScore, Summary

    from agents.semantic_parser import ParsedRequest

WIDTH = 150


def rows_as_text(summary: Summary) -> Iterator[str]:
    """Yield a line a request, each followed by what is wrong with it."""
    yield f"{'id':<6} {'slots':<7} {'level expected / got':<36} {'asked':>5} {'invented':>8} {'grounded':>8} {'pairs':>6}"
    for row in summary.rows:
        if row.problem:
            yield f"{row.id:<6} FAILED  {row.problem}"
        else:
            yield _line(row)
        yield from _faults(row)


def _line(row: RowScore) -> str:
    right = sum(verdict.right for verdict in row.verdicts)
    sign = " " if row.clear else "*"
    grounded = f"{sum(item.grounded for item in row.filled)}/{len(row.filled)}"
    passed = f"{sum(not problem for _, problem in row.pairs)}/{len(row.pairs)}"
    levels = f"{row.level_expected} / {row.level_got} {sign}"
    return f"{row.id:<6} {f'{right}/{len(row.verdicts)}':<7} {levels:<36} {row.asked:>5} {len(row.invented):>8} {grounded:>8} {passed:>6}"


def _faults(row: RowScore) -> Iterator[str]:
    for verdict in row.verdicts:
        if not verdict.right:
            grave = ", grave" if verdict.fatal else ""
            yield from _wrapped(f"wrong{grave}: {verdict.slot}: expected {verdict.expected}, got {verdict.got}")
    if row.passed_silently:
        yield from _wrapped("passed silently: nothing blocks and nothing is refused")
    if row.too_many:
        yield from _wrapped(f"asked too much: {row.too_many}")
    if row.kinds_missed:
        yield from _wrapped(
            f"kinds of questions missed: {', '.join(row.kinds_missed)} (of {', '.join(row.kinds_expected)})"
        )
    if row.invented:
        yield from _wrapped(f"invented: {', '.join(row.invented)}")
    ungrounded = [item.field for item in row.filled if not item.grounded]
    if ungrounded:
        yield from _wrapped(f"not grounded: {', '.join(ungrounded)}")
    for edit, problem in row.pairs:
        if problem:
            yield from _wrapped(f"pair: {edit}: {problem}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="       - ", subsequent_indent="         ")


def confusion_as_text(summary: Summary) -> Iterator[str]:
    """Yield the table of expected against found levels."""
    levels = levels_of(summary)
    yield f"{'level expected | got':<20}" + "".join(f"{level:>19}" for level in levels)
    for expected in levels:
        counts = [summary.confusion[expected, got] for got in levels]
        if any(counts) or expected in levels[:4]:
            yield f"{expected:<20}" + "".join(f"{count:>19}" for count in counts)


def totals_as_text(summary: Summary) -> Iterator[str]:
    """Yield what the line of numbers leaves out: counts behind the shares, single slots, kinds of questions."""
    judged = [row for row in summary.rows if not row.problem]
    slots = [verdict for row in judged for verdict in row.verdicts]
    yield f"critical: {sum(row.critical for row in judged)} of {len(summary.rows)} requests have every slot right; {sum(verdict.right for verdict in slots)} of {len(slots)} slots"
    filled = [item.grounded for row in judged for item in row.filled]
    yield f"grounded: {sum(filled)} of {len(filled)} filled slots"
    kinds = sum(len(row.kinds_expected) for row in judged)
    yield f"kinds of questions covered: {kinds - sum(len(row.kinds_missed) for row in judged)} of {kinds}"
    pairs = [problem for row in summary.rows for _, problem in row.pairs]
    not_judged = sum(problem.startswith("not judged") for problem in pairs)
    yield f"minimal pairs: {sum(not problem for problem in pairs)} of {len(pairs)} passed, {not_judged} not judged"


def parse_as_text(request: str, parsed: ParsedRequest) -> Iterator[str]:
    """Yield what a parser made of a request, in full."""
    yield f"request: {request}"
    if parsed.refusal:
        yield f"refusal: {parsed.refusal}"
    spec = parsed.draft or parsed.spec
    if spec is not None:
        yield f"spec{'' if parsed.spec else ' (draft)'}:"
        for name in spec.__slots__:
            if name != "grounding":
                yield f"  {name}: {getattr(spec, name)}"
        yield "  grounding:"
        for ground in spec.grounding:
            yield f"    {ground.field} <- {ground.source}: {ground.words!r} {ground.start}:{ground.end}"
    for question in parsed.questions:
        yield f"question [{question.level}, {question.kind or 'no kind'}, {question.field}] {question.text} {question.options or ''} default: {question.default or 'none'}"
    yield "read-back:"
    yield from textwrap.indent(parsed.read_back, "  ").splitlines()
    yield ""
