"""What the developer is told before a round: the same prefix for all rounds of a study, then the code, then a digest of the past.

Every round begins a conversation of its own, so that the thirtieth costs little more than the first: the digest has a line a round.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.claude.dialogue import LONG_CACHE
from agents.claude.quoted_data import name as quoted_name
from agents.claude.quoted_data import one_line, quoted
from agents.claude.seen import facts_of
from agents.plain_metric import plain_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.claude.exchange import Block
    from agents.developer import Briefing
    from tasks.domain.failure import Failure
    from tasks.domain.round import Round
    from tasks.domain.spec import Guardrail, Spec

LONGEST_TITLE, LONGEST_REASON, LONGEST_DIGEST, LONGEST_LOG = 90, 110, 8_000, 4_000
"""Characters: of parts of a line of the digest, of the digest, and of the last log."""

KNOWN_FACTS = frozenset(
    {
        "epoch", "loss", "loss_first", "learning_rate", "batch_size", "images_per_second", "seconds", "incumbent_networks",
        "incumbent_tensors",
    }
)  # fmt: skip
"""What the template and the techniques print of a run. Code of the model's own could print anything under any name: its logs alone show it."""


def standing(briefing: Briefing, prompt: str) -> list[Block]:
    """Return the system prompt: the same, byte for byte, for all rounds of a study."""
    study = "\n\n".join([_aim(briefing), facts_of(briefing.profile, briefing.spec), _means(briefing)])
    return [
        {"type": "text", "text": prompt},
        {"type": "text", "text": study, "cache_control": dict(LONG_CACHE)},
    ]


def opening(briefing: Briefing, withhold: Callable[[str], str]) -> list[Block]:
    """Return the first turn of a round: the incumbent's code, then what was tried and how the last run went.

    Args:
        briefing: What is known.
        withhold: Takes out of text from a sandbox what names a patient or a file.
    """
    number = len(briefing.history) + len(briefing.under_way)
    files = "\n\n".join(
        _file(name, text, locked=name in briefing.locked) for name, text in sorted(briefing.source.items())
    )
    parts = [
        f"This is round {number}; {briefing.rounds_left} are left, this one included.",
        _digest(briefing, withhold),
        _standing_of_incumbent(briefing),
        _under_way(briefing, withhold),
        quoted("end of the last training log", withhold(briefing.last_log), LONGEST_LOG) if briefing.last_log else "",
        "Work out what holds the incumbent back, edit the code, try it, and hand it in with `propose`.",
    ]
    code: Block = {"type": "text", "text": f"The incumbent's code:\n\n{files}", "cache_control": dict(LONG_CACHE)}
    return [code, {"type": "text", "text": "\n\n".join(part for part in parts if part)}]


def failed(failure: Failure, withhold: Callable[[str], str]) -> str:
    """Return what the developer is told of a try that failed; see `opening`."""
    where = "; ".join(f"{frame.file}, line {frame.line}" for frame in failure.frames[-5:])
    parts = [
        "The attempt failed, and is to be mended: same hypothesis, without this failure.",
        quoted(
            "diagnosis", f"{failure.kind}: {withhold(failure.diagnosis)}" + (f" (in {where})" if where else ""), 1_000
        ),
        quoted("end of its log", withhold(failure.log_tail), LONGEST_LOG) if failure.log_tail else "",
        f"{failure.seconds_left:.0f} s of training are left in this round.",
        "Your files are as you left them. Edit them and hand them in with `propose`; the title stays.",
    ]
    return "\n\n".join(part for part in parts if part)


def _aim(briefing: Briefing) -> str:
    spec, protocol = briefing.spec, briefing.protocol
    better = "higher is better" if protocol.higher_is_better else "lower is better"
    lines = [
        "# The study",
        f"Task: {spec.task.replace('_', ' ')}.",
        "Classes, in the order of the columns of predictions: "
        + ", ".join(f"{quoted_name(item.name)} ({quoted_name(item.description)})" for item in spec.classes),
        f"What matters most: {', '.join(map(quoted_name, spec.priorities)) or 'no class more than another'}.",
        f"Primary metric: {protocol.primary}, that is {plain_metric(protocol.primary, spec)}; {better}.",
        *(f"Floor or ceiling: {item.metric} {item.op} {item.bound:g}." for item in protocol.constraints),
        *(_guard(item, spec) for item in protocol.guardrails),
        *(f"Must not lean on: {quoted_name(item.name)}." for item in spec.confounders),
        *(f"Shown apart for: {quoted_name(item.attribute)}." for item in spec.subgroups),
        f"Seen beside the image: {', '.join(map(quoted_name, spec.inputs)) or 'nothing'}.",
    ]
    return "\n".join(lines)


def _guard(item: Guardrail, spec: Spec) -> str:
    return f"Guardrail: {plain_metric(item.metric, spec)} ({item.metric}) must not fall by more than {item.margin:g}."


def _means(briefing: Briefing) -> str:
    weights = ", ".join(briefing.weights or ()) or "none"
    return "\n".join(
        [
            "# The means",
            f"A training run has {briefing.train_seconds:g} s on {briefing.devices} x {briefing.device}; what it saved by then counts.",
            f"Pretrained weights at hand (timm names): {weights}. Nothing can be downloaded.",
            f"Bfloat16 on this CPU is {'fast' if briefing.fast_bfloat16 else 'no faster than float32'}."
            if briefing.device == "cpu"
            else "Mixed precision is fast on this device.",
            f"A run may leave at most {briefing.protocol.max_checkpoints} checkpoints; the best on validation is taken.",
            "`run_command` sees the code alone, no data: it finds no $ROUNDS_DATA. `train_briefly` trains on the training images."
            if not briefing.allow_images
            else "Training images and labels lie under $ROUNDS_DATA for `run_command` too: their owner allows that you see what is in them.",
            f"Verdict: {briefing.protocol.verdict_rule.replace('_', ' ')}, paired by patient.",
        ]
    )


def _file(name: str, text: str, *, locked: bool) -> str:
    return f'<file name="{name}"{" locked" if locked else ""}>\n{text}\n</file>'


def _digest(briefing: Briefing, withhold: Callable[[str], str]) -> str:
    lines = "\n".join(_line(item, withhold) for item in briefing.history)
    told = "What was tried so far (difference to the incumbent of its time, plus or minus one paired standard error):"
    return f"{told}\n{quoted('rounds', lines, LONGEST_DIGEST)}"


def _line(item: Round, withhold: Callable[[str], str]) -> str:
    # Withheld before it is cut, as reasons of failed rounds quote their logs: half a name would no longer be found.
    judgement, title = item.judgement, one_line(withhold(item.hypothesis.title), LONGEST_TITLE)
    head = f"{item.number:02d} {judgement.verdict}: {title}"
    if math.isfinite(judgement.difference):
        return f"{head}: {judgement.difference:+.4f} +- {judgement.standard_error:.4f}, score {item.score:.4f}"
    return (
        f"{head}: score {item.score:.4f}"
        if math.isfinite(item.score)
        else f"{head}: {one_line(withhold(judgement.reason), LONGEST_REASON)}"
    )


def _standing_of_incumbent(briefing: Briefing) -> str:
    best = briefing.incumbent
    if best is None:
        return ""
    return "\n".join(f"- {line}" for line in [f"The incumbent is round {best.number}.", *_facts_of_run(best, briefing)])


def _facts_of_run(best: Round, briefing: Briefing) -> Iterator[str]:
    yield "Validation: " + ", ".join(
        f"{name} {value:.4f}" for name, value in best.metrics.items() if math.isfinite(value)
    )
    if best.curve:
        yield f"{briefing.protocol.primary} by checkpoint: " + ", ".join(f"{value:.4f}" for value in best.curve)
    facts = {
        name: value
        for name, value in best.diagnostics.items()
        if name in KNOWN_FACTS and isinstance(value, int | float)
    }
    if facts:
        yield "Training: " + ", ".join(f"{name} {value:.4g}" for name, value in facts.items())
    if math.isfinite(best.validation_loss):
        yield f"Loss on validation {best.validation_loss:.4f}, used {best.train_seconds:.0f} of {briefing.train_seconds:.0f} s"
    for item in best.confusions[:4]:
        yield f"Takes {quoted_name(item.true)} for {quoted_name(item.called)}: {item.images} images, {item.part:.0%} of that class"
    if math.isfinite(briefing.seed_deviation):
        yield f"Other seeds alone move the primary metric by {briefing.seed_deviation:.4f} (standard deviation)"


def _under_way(briefing: Briefing, withhold: Callable[[str], str]) -> str:
    titles = "; ".join(one_line(withhold(item.title), LONGEST_TITLE) for item in briefing.under_way)
    return f"Being tried at this moment, on the same incumbent; choose something else: {titles}" if titles else ""
