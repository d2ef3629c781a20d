"""The rounds: propose an edit, run it in the sandbox, score it on the host, judge it, keep it or not.

Source: Zhao et al., From Clinical Intent to Clinical Model (2026), Algorithm 1; the verdict is ours (`tasks.selection`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from agents.developer import code_sha256
from flows.ablation import ablation_began, next_ablation
from flows.attempt import Workshop
from flows.baseline_repeats import repeat_baseline
from flows.briefing import briefing_of
from flows.composition import benches_of, developer_of, publisher_of, tellable_of
from flows.side_by_side import attempt_side_by_side
from flows.steps import artifact_key, shown
from tasks.codebase import Codebase
from tasks.development_set import load_validation
from tasks.domain.errors import SpendingCapReached
from tasks.domain.round import Hypothesis, Proposal, Round, incumbent_of
from tasks.progress import Progress, show
from tasks.report.round_page import round_line
from tasks.storage import StudyFolder

BASELINE = Hypothesis(title="baseline", technique="baseline", rationale="The initializer's minimal version, unedited.")


@flow(name="improve model", flow_run_name="improve {study.name}", validate_parameters=False)
def improve_model(study: Path, *, sandbox: str) -> None:
    """Run the rounds of a prepared study, from wherever it stands to the last one."""
    folder = StudyFolder(study)
    bench, *beside = benches_of(folder, sandbox=sandbox)
    work = Workshop(
        study=folder,
        codebase=Codebase(folder.path("codebase"), locks=folder.path("locks.json")),
        bench=bench,
        beside=tuple(beside),
        developer=developer_of(folder, bench),
        validation=load_validation(folder.path("data"), folder.spec()),
        step=shown,
        publish=publisher_of(folder),
        tellable=tellable_of(folder),
        tell=_teller(folder.protocol().max_rounds),
    )
    rounds = run_rounds(work)
    create_table_artifact(
        key=artifact_key("rounds", folder.id),
        table=[
            {
                "round": item.number,
                "hypothesis": item.hypothesis.title,
                "verdict": str(item.judgement.verdict),
                "validation": f"{item.score:.4f}",
                "reason": item.judgement.reason,
            }
            for item in rounds
        ],
        description="All rounds, on validation",
    )


def _teller(max_rounds: int) -> Callable[[Round], None]:
    """Return what logs a finished round in Prefect and moves the flow's progress bar."""
    logger = get_run_logger()
    # Prefect's type also allows for asynchronous callers.
    bar = cast("UUID", create_progress_artifact(progress=0.0, description="Rounds"))

    def tell(record: Round) -> None:
        logger.info(round_line(record))
        update_progress_artifact(artifact_id=bar, progress=100.0 * record.number / max(1, max_rounds))

    return tell


def run_rounds(work: Workshop) -> tuple[Round, ...]:
    """Run rounds until the budget is used or the developer has nothing left to try, and return all of them.

    Before round 1 the baseline is trained again with other seeds, as far as the budget allows. Rounds that the developer leaves
    are spent on taking back kept changes, one at a time.

    A round counts from the moment that its folder gets its final name; everything else (git's main branch, the tracker) is
    brought in line with the folders, so being killed anywhere costs at most the rounds under way.

    Where the machine is divided, as many edits are tried at the same time as it has parts (`flows.side_by_side`).

    Raises:
        TrainingFailed: The unedited baseline does not train; nothing can be improved.
        EvaluationError: Going on would risk the honesty of the result.
        SpendingCapReached: The language model may not even be asked for a first edit.
    """
    protocol = work.bench.protocol
    work.study.path("ended.txt").unlink(missing_ok=True)  # of an earlier start, whose reason need not hold any more
    work.study.settle()
    work.codebase.forget_from(max(1, len(work.study.rounds())))
    while True:
        rounds = work.study.rounds()
        if rounds:
            work.codebase.keep(incumbent_of(rounds).number)
            work.publish()
        if len(rounds) > protocol.max_rounds:
            break
        if len(rounds) == 1:
            repeat_baseline(work, rounds[0])
        number = len(rounds)
        proposals: tuple[Proposal, ...] = (Proposal(hypothesis=BASELINE, files={}),)
        if rounds:
            show(work.study, _progress(work, f"round {number} of {protocol.max_rounds}: choosing what to try", number))
            try:
                proposals = _proposals(work, rounds)
            except SpendingCapReached as error:
                if len(rounds) == 1:
                    raise  # nothing was tried yet that the test set could be opened for
                work.study.write(f"{error} The rounds end here.\n", "ended.txt")
                break
        if not proposals:
            work.study.write("The developer had nothing left that was worth a round.\n", "ended.txt")
            break
        titles = "; at the same time: ".join(proposal.hypothesis.title for proposal in proposals)
        show(work.study, _progress(work, f"round {number} of {protocol.max_rounds}: {titles}", number))
        for record in attempt_side_by_side(work, rounds, proposals):
            work.tell(record)
    return work.study.rounds()


def _proposals(work: Workshop, rounds: tuple[Round, ...]) -> tuple[Proposal, ...]:
    """Return different edits of the incumbent, as many as can be tried at the same time; none if nothing is left to try."""
    found: list[Proposal] = []
    briefing = briefing_of(work, rounds)
    while not ablation_began(rounds) and len(found) < min(1 + len(work.beside), briefing.rounds_left):
        propose = work.step(work.developer.propose, f"round {len(rounds) + len(found):02d} propose")
        proposal = propose(briefing)
        if proposal is None:
            break
        found.append(proposal)
        briefing = replace(
            briefing,
            under_way=(*briefing.under_way, proposal.hypothesis),
            tried=briefing.tried | {code_sha256({**briefing.source, **proposal.files})},
        )
    ablation = None if found else next_ablation(work, rounds)
    return (ablation,) if ablation else tuple(found)


def _progress(work: Workshop, stage: str, number: int) -> Progress:
    protocol = work.bench.protocol
    return Progress(stage=stage, round=number, rounds=protocol.max_rounds, train_seconds=protocol.train_seconds)
