"""One attempt at a better model, from hypothesis to verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Verdict(StrEnum):
    """What became of a round."""

    BASELINE = "baseline"
    KEPT = "kept"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What an edit tries, and why it should help."""

    title: str
    """A few plain words: 'focal loss, gamma 2'."""
    technique: str
    """Name of the technique, stable over rounds: 'focal_loss'."""
    settings: dict[str, float | str] = field(default_factory=dict)
    """The technique's settings in this attempt."""
    rationale: str = ""
    """Why now: what in the spec, the profile or past rounds speaks for it."""
    expected_effect: str = ""
    source: str = ""
    """Publication."""
    simplification: bool = False
    """True if the edit only removes code or compute."""
    removes: int = -1
    """Round whose change is taken back, to see whether it is still needed; -1 for any other edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One of several forms of an edit that compete in short pilot runs before the round's own run."""

    title: str
    settings: dict[str, float | str]
    files: Mapping[str, str]
    """New text of each changed or added file, over that of the proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """What one pilot run came to."""

    title: str
    settings: dict[str, float | str]
    stage: int
    """1 for the first, in which all variants run."""
    score: float
    """Primary metric on validation; nan if the run failed."""
    train_seconds: float
    reason: str = ""
    """Why it failed; empty if it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An edit of the codebase with its hypothesis."""

    hypothesis: Hypothesis
    files: Mapping[str, str]
    """New text of each changed or added file, by path relative to the codebase."""
    variants: tuple[Variant, ...] = ()
    """Forms that compete in pilot runs within the round's budget; empty where the edit is decided."""
    tokens: int = 0
    dollars: float = 0.0
    mended: str = ""
    """For an edit that mends one that failed: what differs, in a few words ('batches of 32 images instead of 64')."""
    gave_up: str = ""
    """Why no edit came of this round, as a clause; empty where there is one."""
    prompt_sha256: str = ""
    """Of the prompt that the developer worked by; empty for one without prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with the numbers that it rests on (validation only)."""

    verdict: Verdict
    reason: str
    """One plain sentence."""
    supported: bool = False
    """Kept with one-sided p < 0.05 / rounds used; else provisional."""
    difference: float = float("nan")
    """Candidate minus incumbent on the primary metric, signed so that positive is better."""
    standard_error: float = float("nan")
    """Paired bootstrap by group."""
    p: float = float("nan")
    """One-sided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Validation images of one class that a model takes for another."""

    true: str
    called: str
    images: int
    part: float
    """Of the true class's images, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The record of one round, as kept in `rounds/NN/round.json`."""

    number: int
    hypothesis: Hypothesis
    judgement: Judgement
    incumbent: int
    """Round that it was compared with (-1 for the baseline)."""
    commit: str
    """Git commit of the attempt."""
    score: float = float("nan")
    """Primary metric on validation, best checkpoint."""
    metrics: dict[str, float] = field(default_factory=dict)
    threshold: float = float("nan")
    """Score of the positive class from which on an image counts as positive, chosen on validation."""
    checkpoint: str = ""
    """File name of the best checkpoint under `rounds/NN/checkpoints/`."""
    looks: int = 0
    """Times that validation was scored in this round (one a checkpoint)."""
    train_seconds: float = 0.0
    predict_seconds: float = 0.0
    total_seconds: float = 0.0
    tokens: int = 0
    dollars: float = 0.0
    prompt_sha256: str = ""
    """Of the prompt that the developer worked by; empty for one without prompts."""
    started_at: str = ""
    """UTC, ISO 8601."""
    diagnostics: dict[str, float | str] = field(default_factory=dict)
    """Facts of the training log: `train_loss_first`, `train_loss_last`, `epochs`, `images_per_second`, `batch_size`, ..."""
    mends: tuple[str, ...] = ()
    """What failed on the way to this result and was mended, a sentence for each earlier try."""

    pilots: tuple[Pilot, ...] = ()
    """Short runs within the round's budget that decided between variants of the edit, in order."""
    curve: tuple[float, ...] = ()
    """Primary metric on validation of each checkpoint, in the order in which they were saved."""
    validation_loss: float = float("nan")
    """Mean negative log probability of the true class, best checkpoint, in nats."""
    confusions: tuple[Confusion, ...] = ()
    """What the best checkpoint takes for what, the most frequent first."""

    @property
    def kept(self) -> bool:
        """Return whether the attempt became the incumbent."""
        return self.judgement.verdict in (Verdict.BASELINE, Verdict.KEPT)

    @property
    def holds_incumbent(self) -> bool:
        """Return whether its log says that weights of the incumbent went into the model."""
        facts = [self.diagnostics.get(name) for name in ("incumbent_tensors", "incumbent_networks")]
        return any(isinstance(value, int | float) and value > 0 for value in facts)


def latest_kept(rounds: Sequence[Round]) -> Round | None:
    """Return the round that became the incumbent last; None before the baseline has run."""
    return next((item for item in reversed(rounds) if item.kept), None)


def incumbent_of(rounds: Sequence[Round]) -> Round:
    """Return the round whose model is to be beaten, and is the final one when no round is left.

    Raises:
        LookupError: Not even a baseline was kept.
    """
    kept = latest_kept(rounds)
    if kept is None:
        raise LookupError(f"none of {len(rounds)} rounds was kept")
    return kept


def lineage(rounds: Sequence[Round], final: Round) -> tuple[Round, ...]:
    """Return the rounds whose training is in a model's weights, oldest first, the model's own last.

    Args:
        rounds: All of the study, in order.
        final: The round of the model.
    """
    found = [final]
    while found[0].holds_incumbent and 0 <= found[0].incumbent < found[0].number:
        found.insert(0, rounds[found[0].incumbent])
    return tuple(found)
