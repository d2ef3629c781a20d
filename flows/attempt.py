"""One attempt at a better model, from edit to verdict: run it in the sandbox, score it on the host, judge it, record it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from agents.developer import Developer
from flows.mending import failure_of, mended, put_aside, reason_of, sentence, with_advice
from flows.pilots import Screened, screen
from flows.run_round import Attempted, Bench, run_round
from flows.scores import Scored, best_checkpoint, judged, load_predictions, scored_again
from flows.steps import Steps
from tasks.codebase import Codebase
from tasks.development_set import Validation
from tasks.domain.errors import NoEdit, RoundError
from tasks.domain.failure import Failure, FailureKind
from tasks.domain.round import Judgement, Proposal, Round, Verdict, incumbent_of
from tasks.progress import now
from tasks.sandbox.outputs import discard
from tasks.scoring.shortfall import confusions, log_loss
from tasks.storage import StudyFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Everything that the rounds of one study need, chosen in one place."""

    study: StudyFolder
    codebase: Codebase
    bench: Bench
    developer: Developer
    validation: Validation
    step: Steps
    publish: Callable[[], None]
    """Brings the tracker up to date with the study folder."""
    tell: Callable[[Round], None] = lambda _: None
    """Tells whoever watches the flow of a finished round."""
    tellable: Callable[[str], str] = lambda text: text
    """Makes text from a sandbox fit for the developer; a language model must not see names, nor pixels as numbers."""
    beside: tuple[Bench, ...] = ()
    """Benches on other, equal parts of the machine, for edits that are tried at the same time."""
    ahead: int = 0
    """Edits tried at the same time whose rounds come before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one try of an edit came to: a judgement, or the error with which it failed."""

    proposal: Proposal
    commit: str
    """Empty if the edit was refused."""
    attempted: Attempted | None = None
    best: Scored | None = None
    judgement: Judgement | None = None
    failed: RoundError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """An edit with all that was mended of it."""

    outcome: Outcome
    """Of the last one."""
    failures: tuple[Failure, ...]
    """Of all but a successful last one, in order."""
    mends: tuple[Proposal, ...]
    """What was tried after the first, second, ... failure."""


def attempt_round(work: Workshop, rounds: tuple[Round, ...], proposal: Proposal) -> Round:
    """Carry out one proposal from edit to verdict, mending it where it fails, and record it.

    Raises:
        TrainingFailed: It is the baseline, and it fails.
    """
    folder, record = carry_out(work, rounds, proposal)
    work.study.finish_round(folder, record)
    return record


def carry_out(work: Workshop, rounds: tuple[Round, ...], proposal: Proposal) -> tuple[Path, Round]:
    """Carry out one proposal like `attempt_round`, but leave its round under way: return the folder, and the record to be."""
    started, started_at = time.monotonic(), now()
    folder = work.study.begin_round(len(rounds) + work.ahead)
    number, incumbent = len(rounds) + work.ahead, _incumbent_checkpoint(work, rounds)
    screened = screen(work, number, proposal, folder, incumbent)
    tries = _tries(work, rounds, screened, folder)
    outcome, attempted, best = tries.outcome, tries.outcome.attempted, tries.outcome.best
    record = Round(
        number=number,
        hypothesis=outcome.proposal.hypothesis,
        judgement=outcome.judgement or Judgement(verdict=Verdict.FAILED, reason=reason_of(tries.failures, tries.mends)),
        incumbent=incumbent_of(rounds).number if rounds else -1,
        commit=outcome.commit,
        score=best.metrics[work.bench.protocol.primary] if best else float("nan"),
        metrics=best.metrics if best else {},
        threshold=best.threshold if best else float("nan"),
        checkpoint=best.checkpoint if best else "",
        looks=screened.looks + (len(attempted.predictions) if attempted else 0),
        train_seconds=screened.seconds + (attempted.train_seconds if attempted else 0.0),
        predict_seconds=attempted.predict_seconds if attempted else 0.0,
        total_seconds=time.monotonic() - started,
        tokens=sum(item.tokens for item in (proposal, *tries.mends)),
        dollars=sum(item.dollars for item in (proposal, *tries.mends)),
        prompt_sha256=proposal.prompt_sha256,
        started_at=started_at,
        diagnostics=attempted.diagnostics if attempted else {},
        pilots=screened.pilots,
        curve=best.curve if best else (),
        validation_loss=log_loss(work.validation.labels, best.scores) if best else float("nan"),
        confusions=confusions(work.validation.labels, best.scores, classes=work.bench.classes) if best else (),
        mends=tuple(sentence(failure, mend) for failure, mend in zip(tries.failures, tries.mends, strict=False)),
    )
    _tidy(work, folder, record, best)
    return folder, record


def _tries(work: Workshop, rounds: tuple[Round, ...], screened: Screened, folder: Path) -> Tries:
    """Try an edit, and what the developer mends of it, until one is judged or nothing more is to be mended in time."""
    left = work.bench.protocol.train_seconds - screened.seconds
    outcome = _try(work, rounds, screened.proposal, folder, left)
    failures: list[Failure] = []
    mends: list[Proposal] = []
    while outcome.failed is not None:
        failure = failure_of(
            outcome.failed, work=work, rounds=rounds, proposal=outcome.proposal, folder=folder, left=left
        )
        failures.append(failure)
        if not rounds:
            raise with_advice(outcome.failed, failure) from outcome.failed
        mend = mended(work, rounds, outcome.proposal, failures)
        if mend is None:
            if failure.log_tail:
                (folder / "failure.txt").write_text(failure.log_tail, encoding="utf-8")
            break
        mends.append(mend)
        ran = failure.kind not in (FailureKind.EDIT_REFUSED, FailureKind.NO_EDIT)
        put_aside(folder, len(mends), work.codebase.diff(len(rounds) + work.ahead) if ran else "")
        left = failure.seconds_left
        later = _try(work, rounds, mend, folder, left)
        # A refused edit leaves the one before it as the attempt of this round.
        outcome = later if later.commit else replace(outcome, failed=later.failed)
    return Tries(outcome=outcome, failures=tuple(failures), mends=tuple(mends))


def _try(work: Workshop, rounds: tuple[Round, ...], proposal: Proposal, folder: Path, seconds: float) -> Outcome:
    """Run, score and judge an edit once, within so many seconds of training."""
    number, commit, attempted = len(rounds) + work.ahead, "", None
    try:
        if proposal.gave_up:
            raise NoEdit(proposal.gave_up)
        commit = (
            work.codebase.attempt(number, proposal, _message(number, proposal)) if rounds else work.codebase.baseline
        )
        work.codebase.export(commit, folder / "code")
        attempted = run_round(
            work.bench,
            code=folder / "code",
            folder=folder,
            number=number,
            step=work.step,
            incumbent=_incumbent_checkpoint(work, rounds),
            budget_seconds=seconds,
        )
        best = best_checkpoint(work, attempted)
        judgement = _judgement(work, rounds, best, proposal)
    except RoundError as error:
        return Outcome(proposal=proposal, commit=commit, attempted=attempted, failed=error)
    return Outcome(proposal=proposal, commit=commit, attempted=attempted, best=best, judgement=judgement)


def _judgement(work: Workshop, rounds: tuple[Round, ...], candidate: Scored, proposal: Proposal) -> Judgement:
    if not rounds:
        reason = "The starting point that every round is compared with."
        return Judgement(verdict=Verdict.BASELINE, reason=reason)
    incumbent = incumbent_of(rounds)
    return judged(
        work,
        scored_again(incumbent, load_predictions(work, incumbent.number)),
        candidate,
        rounds_used=len(rounds) + len(work.beside),
        simplification=proposal.hypothesis.simplification,
    )


def _incumbent_checkpoint(work: Workshop, rounds: tuple[Round, ...]) -> Path | None:
    if not rounds:
        return None
    kept = incumbent_of(rounds)
    return work.study.round_path(kept.number) / "checkpoints" / kept.checkpoint


def _tidy(work: Workshop, folder: Path, record: Round, best: Scored | None) -> None:
    """Keep of a round what is needed later: predictions, recipe, diff; checkpoints only if it was kept."""
    if best is not None:
        table = pd.DataFrame(best.scores, columns=list(work.bench.classes))
        table.insert(0, "image", work.bench.images)
        table.to_parquet(folder / "predictions.parquet", index=False)
    if (folder / "code" / "recipe.py").exists():
        shutil.copy(folder / "code" / "recipe.py", folder / "recipe.py")
    for name in ("code", "out", "predicted"):
        discard(folder / name)
    for checkpoint in folder.glob("checkpoints/*"):
        if not record.kept or checkpoint.name != record.checkpoint:
            checkpoint.unlink()
    diff = work.codebase.diff(record.number) if record.commit else ""
    (folder / "patch.diff").write_text(diff, encoding="utf-8")


def _message(number: int, proposal: Proposal) -> str:
    hypothesis = proposal.hypothesis
    return f"Round {number:02d}: {hypothesis.title}\n\n{hypothesis.rationale}\n\nSource: {hypothesis.source}\n"
