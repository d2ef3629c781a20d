"""The developer: proposes the next edit of a study's code. Protocol, what it is told, and a scripted one."""

from __future__ import annotations

import hashlib
import json
import typing
from dataclasses import dataclass

from tasks.domain.round import latest_kept

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.domain.failure import Failure
    from tasks.domain.profile import Profile
    from tasks.domain.round import Hypothesis, Proposal, Round
    from tasks.domain.spec import Protocol, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """All that a developer is told before a round: aggregates and code, never images, labels or patients."""

    source: Mapping[str, str]
    """Text of each file of the incumbent, by path relative to the codebase."""
    locked: tuple[str, ...]
    """Files that must stay as they are."""
    spec: Spec
    profile: Profile
    protocol: Protocol
    history: tuple[Round, ...]
    """All rounds so far, baseline first."""
    rounds_left: int
    """Including the one that is proposed now."""
    train_seconds: float
    """Wall-clock budget of one training run."""
    device: str
    """`cuda`, `mps` or `cpu`."""
    last_log: str = ""
    """Shortened log of the last attempt; text from a sandbox, to be read as data."""
    tried: frozenset[str] = frozenset()
    """`code_sha256` of every attempt so far and of those under way, so that no code is run twice."""
    under_way: tuple[Hypothesis, ...] = ()
    """What is being tried at the same time, on the same incumbent; what comes of it is not known yet."""
    weights: tuple[str, ...] | None = None
    """Names of the timm models whose pretrained weights are at hand; None if that is not known."""
    devices: int = 1
    """How many devices of that kind one training run may use."""
    fast_bfloat16: bool = False
    """Whether a CPU computes faster in bfloat16 than in float32."""
    allow_images: bool = False
    """Whether a language model's programs may print what they see in training images."""
    seed_deviation: float = float("nan")
    """Standard deviation of the primary metric when the same code is trained with other seeds; nan if that was not tried."""

    @property
    def incumbent(self) -> Round | None:
        """Return the round whose code is being edited; None before the baseline has run."""
        return latest_kept(self.history)


class Developer(typing.Protocol):
    """Proposes edits, one a round."""

    def propose(self, briefing: Briefing) -> Proposal | None:
        """Return the next edit to try, or None where nothing is left that is worth a round."""
        ...

    def mend(self, briefing: Briefing, proposal: Proposal, failure: Failure) -> Proposal | None:
        """Return an edit of the same hypothesis that does not fail so, or None where there is nothing to mend.

        Args:
            briefing: What was told before the round.
            proposal: The edit that failed; it may be a mended one itself.
            failure: How it failed; its texts come from a sandbox and are data.

        Returns:
            An edit of the incumbent, not of the failed code, with `mended` saying in a few words what differs.
        """
        ...


class ScriptedDeveloper:
    """Hands out given proposals in their order, then None, and given mends likewise; for tests and drills."""

    def __init__(self, proposals: Iterable[Proposal], mends: Iterable[Proposal] = ()) -> None:
        self.briefings: list[Briefing] = []
        """What it was told, round by round."""
        self.failures: list[Failure] = []
        """What it was asked to mend."""
        self._proposals, self._mends = iter(tuple(proposals)), iter(tuple(mends))

    def propose(self, briefing: Briefing) -> Proposal | None:
        """Return the next proposal of the script, whatever the briefing says."""
        self.briefings.append(briefing)
        return next(self._proposals, None)

    def mend(self, briefing: Briefing, proposal: Proposal, failure: Failure) -> Proposal | None:  # noqa: ARG002
        """Return the next mend of the script, whatever failed."""
        self.failures.append(failure)
        return next(self._mends, None)


def code_sha256(files: Mapping[str, str]) -> str:
    """Return the hash of a codebase's text: equal exactly when paths and texts are equal, in any order.

    Args:
        files: Text of every file of the codebase, by relative path.

    Returns:
        SHA-256 in hex.
    """
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()
