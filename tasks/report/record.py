"""All that a report tells about one study, gathered in one value; the flows fill it, `tasks.report` only reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.evaluation import Evaluation
    from tasks.domain.profile import Profile
    from tasks.domain.repeats import BaselineRepeats
    from tasks.domain.request import Request
    from tasks.domain.round import Round
    from tasks.domain.spec import Protocol, Spec
    from tasks.domain.spending import StudyCost


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFacts:
    """What the ledger says about the holdout."""

    seal_sha256: str
    entries: int
    anchored: bool
    """True if the head of the chain is also kept outside the study folder, so that truncation would be found."""
    sealed_at: str = ""
    """UTC, ISO 8601."""
    opened_at: str = ""
    """UTC, ISO 8601; empty while the holdout is sealed."""
    head_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFacts:
    """Where the rounds ran."""

    sandbox: str
    """`unknown` for a study that did not note it."""
    isolates: bool | None
    """None where it is not known."""
    device: str
    versions: Mapping[str, str]
    """Version of each program that shaped the result: python, torch, timm, rounds, ..."""
    developer: str = "playbook"
    """Who proposed the edits: `playbook`, or the name of a language model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCount:
    """Size of one part of the data, counted over the classes of the spec."""

    images: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """One study, ready to be reported on; without an evaluation the holdout is still sealed."""

    study_id: str
    request: Request
    read_back: str
    """Markdown: how the request was understood."""
    profile: Profile
    spec: Spec
    protocol: Protocol
    rounds: tuple[Round, ...]
    """In order, round 0 (the baseline) first."""
    evaluation: Evaluation | None
    """Its `figures` are drawn where present; see `tasks.report.figures` for their form."""
    ledger: LedgerFacts
    environment: EnvironmentFacts
    ended_because: str
    """Why no further round was made, one plain sentence."""
    splits: Mapping[str, SplitCount] = field(default_factory=dict)
    """`train`, `validation`, `test`."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 or git commit by plain name: 'protocol', 'initial code', 'final checkpoint', ..."""
    intake: Mapping[str, str] = field(default_factory=dict)
    """Answers that only a person can give, by key of `tasks.report.intake.FIELDS`."""
    notes: tuple[str, ...] = ()
    """Notes of the task initializer, such as 'trained from scratch: no pretrained weights at hand'."""
    repeats: BaselineRepeats | None = None
    """The baseline trained again with other seeds; None or empty where the budget had no room for it."""
    not_taken_back: Mapping[int, str] = field(default_factory=dict)
    """Kept rounds whose change could not be taken back and run, with the reason."""
    spending: StudyCost | None = None
    """On a language model; None where none was asked."""

    @property
    def final(self) -> Round | None:
        """Return the round whose model is the final one: the last kept; None before the baseline is done."""
        kept = [item for item in self.rounds if item.kept]
        return kept[-1] if kept else None

    @property
    def looks(self) -> int:
        """Return how often validation was scored: once for each checkpoint of rounds and of repeats."""
        return sum(item.looks for item in self.rounds) + (self.repeats.looks if self.repeats else 0)

    @property
    def train_seconds(self) -> float:
        """Return the time spent on training, repeats of the baseline included."""
        extra = sum(item.train_seconds for item in self.repeats.repeats) if self.repeats else 0.0
        return sum(item.train_seconds for item in self.rounds) + extra

    @property
    def provisional(self) -> tuple[Round, ...]:
        """Return the kept rounds whose gain may be noise."""
        return tuple(item for item in self.rounds if item.number > 0 and item.kept and not item.judgement.supported)
