"""What a developer is told before it edits: put together from the study folder, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.developer import Briefing, code_sha256
from tasks.sandbox.shortening import shorten

if TYPE_CHECKING:
    from flows.attempt import Workshop
    from tasks.domain.round import Round


def briefing_of(work: Workshop, rounds: tuple[Round, ...]) -> Briefing:
    """Return what is known before the round that follows the given ones."""
    study, protocol = work.study, work.bench.protocol
    log = study.round_path(rounds[-1].number) / "run.log"
    return Briefing(
        source=work.codebase.source(),
        locked=work.codebase.locked,
        spec=study.spec(),
        profile=study.profile(),
        protocol=protocol,
        history=rounds,
        rounds_left=protocol.max_rounds - len(rounds) + 1,
        train_seconds=protocol.train_seconds,
        device=work.bench.machine.device,
        devices=work.bench.machine.devices,
        fast_bfloat16=work.bench.machine.fast_bfloat16,
        # Made fit for the developer before it is shortened: a name that is cut in two would no longer be found.
        last_log=shorten(work.tellable(log.read_text(encoding="utf-8", errors="replace"))) if log.exists() else "",
        tried=frozenset(code_sha256(work.codebase.source(item.commit)) for item in rounds if item.commit),
        weights=work.bench.machine.cached_weights,
        allow_images=study.request().allow_images,
        seed_deviation=study.baseline_repeats().deviation(rounds[0].score),
    )
