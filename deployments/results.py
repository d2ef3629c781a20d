"""What a finished or failed study tells: a table for a person, one line of JSON for a script, a sentence for an error."""

from __future__ import annotations

import json

from rich.table import Table
from rich.text import Text

from deployments.options import err
from tasks.domain.errors import (
    AmbiguousRequest,
    EvaluationError,
    RequestError,
    RoundError,
    RoundsError,
    ServiceUnavailable,
    SpendingCapReached,
)
from tasks.domain.evaluation import Comparison
from tasks.storage import StudyFolder


def result_line(folder: StudyFolder) -> str:
    """Return the result of a study as one line of JSON: study, rounds, and what `evaluation.json` holds but for its figures."""
    evaluation = json.loads(folder.text("evaluation.json"))
    evaluation.pop("figures", None)
    rounds = [
        {
            "number": item.number,
            "title": item.hypothesis.title,
            "verdict": str(item.judgement.verdict),
            "score": None if item.score != item.score else item.score,
        }
        for item in folder.rounds()
    ]
    return json.dumps({"study": str(folder.root), "rounds": rounds, **evaluation}, allow_nan=False)


def show_result(folder: StudyFolder) -> None:
    """Print what the test set showed, and where report and model are."""
    evaluation = folder.evaluation()
    if evaluation is None:
        return
    title = f"{evaluation.n} images of {evaluation.n_groups} patients or lesions, opened once"
    table = Table(title=title)
    table.add_column("on the test set", overflow="fold")
    for heading in ("initial", "final", "difference", "p"):
        table.add_column(heading)
    for name, item in evaluation.metrics.items():
        table.add_row(
            Text(name), *(Text(cell) for cell in _cells(item)), style="bold" if name == evaluation.primary else ""
        )
    err.print(table)
    err.print(f"Report: {folder.path('report.html')}")
    err.print(f"Model:  {folder.path('model')}  (use it with `rounds predict {folder.root} IMAGES`)")
    if folder.has("tracking_pending.txt"):
        err.print(Text(folder.text("tracking_pending.txt").strip(), style="yellow"))


def _cells(item: Comparison) -> tuple[str, str, str, str]:
    initial, final, difference = item.initial, item.final, item.difference
    return (
        f"{initial.value:.3f} [{initial.low:.3f}, {initial.high:.3f}]",
        f"{final.value:.3f} [{final.low:.3f}, {final.high:.3f}]",
        f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]",
        "< 0.001" if difference.p < 0.001 else f"{difference.p:.3f}",
    )


def exit_code(error: RoundsError) -> int:
    """Return the exit code that tells a script who must act."""
    codes = {RequestError: 3, SpendingCapReached: 3, EvaluationError: 4, RoundError: 5, ServiceUnavailable: 6}
    return next((code for kind, code in codes.items() if isinstance(error, kind)), 4)


def explain(error: RoundsError) -> None:
    """Print an error for the person who must act."""
    err.print(Text(f"{type(error).__name__}: {error}", style="bold red"))
    if isinstance(error, AmbiguousRequest):
        for question in error.questions:
            err.print(Text(f"  {question.text}"))
            for option in question.options:
                err.print(Text(f"    - {option}"))
        err.print("Add the answer to the text of the request, or name the column with a flag, and start again.")
    if isinstance(error, SpendingCapReached):
        err.print(
            "Raise the cap (ROUNDS_CLAUDE_STUDY_DOLLARS, ROUNDS_CLAUDE_ROUND_DOLLARS, or `budget.dollars` of the request), and go on "
            "with `rounds resume STUDY`."
        )
    tail = getattr(error, "log_tail", "")
    if tail:
        err.print(Text(tail, style="dim"))
