"""One round for a reader: a plain line, and its diff in colour."""

from __future__ import annotations

from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer

from tasks.domain.round import Round, Verdict
from tasks.report.wording import number


def diff_page(diff: str, *, title: str = "Changes") -> str:
    """Return a self-contained HTML page that shows a unified diff in colour, without any external style."""
    formatter = HtmlFormatter(full=True, noclasses=True, title=escape(_one_line(title)))  # pygments does not escape it
    return str(highlight(diff or "no change\n", DiffLexer(), formatter))


def round_line(round_: Round) -> str:
    """Return one plain line about a round: number, what was tried, verdict, validation score, reason with its numbers.

    What was mended on the way is told behind it; the reason of a failed round tells all of its tries already.
    """
    judgement = round_.judgement
    head = f"Round {round_.number}, {_one_line(round_.hypothesis.title)}: {verdict_words(round_)}"
    if judgement.verdict is Verdict.FAILED:
        return _sentence(f"{head}. {_one_line(judgement.reason)}")
    line = _sentence(f"{head}, validation {number(round_.score)}. {_one_line(judgement.reason)}")
    return " ".join([line, *(_sentence(_one_line(mend)) for mend in round_.mends)])


def verdict_words(round_: Round) -> str:
    """Return the verdict as printed: 'kept (supported)', 'kept (provisional)', 'rejected', 'failed', 'baseline'."""
    verdict = round_.judgement.verdict
    if verdict is Verdict.KEPT:
        return "kept (supported)" if round_.judgement.supported else "kept (provisional)"
    return verdict.value


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
