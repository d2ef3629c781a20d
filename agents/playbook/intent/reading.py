"""What has been taken from a request so far, and from which words: the sheet that the rules write on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.intent.patterns import matches
from tasks.domain.spec import BLOCKING, CONFIRM_DEFAULT, Grounding, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.data_words import DataWords
    from agents.playbook.intent.patterns import Match
    from tasks.domain.profile import Profile


@dataclass(slots=True)
class Reading:
    """The request in units, with what the rules took from it."""

    text: str
    units: tuple[Unit, ...]
    data: DataWords
    profile: Profile
    used: set[int] = field(default_factory=set)
    """Positions of units that some rule has explained."""
    claimed: set[int] = field(default_factory=set)
    """Positions of things that a rule other than the choice of classes speaks of."""
    silenced: set[int] = field(default_factory=set)
    """Positions of units that no rule may read: words that pose as orders to the system."""
    grounding: list[Grounding] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    """Sentences that the report must carry."""
    unheeded: list[str] = field(default_factory=list)
    """Words that were read and change nothing; they are shown, so that nothing passes silently."""

    def found(self, rule: str) -> list[Match]:
        """Return where the patterns of a rule are found."""
        found = matches(self.data.lexicon.patterns[rule], self.units)
        return [match for match in found if not self.silenced & set(range(match.first, match.end))]

    def words(self, first: int, end: int) -> str:
        """Return the text from one unit up to but not including another."""
        return self.text[self.units[first].start : self.units[end - 1].end]

    def use(self, first: int, end: int) -> None:
        """Mark units as explained; shares are left to the rules that read numbers, so that none is passed over."""
        self.used.update(k for k in range(first, end) if self.units[k].share is None)

    def claim(self, match: Match) -> None:
        """Mark the units of a match as explained and its things as spoken for."""
        self.use(match.first, match.end)
        self.claimed.update(match.things)

    def cite(self, name: str, first: int, end: int) -> None:
        """Record that a field of the spec rests on these units."""
        self.use(first, end)
        span = (self.units[first].start, self.units[end - 1].end)
        self.grounding.append(
            Grounding(field=name, source="request", words=self.text[span[0] : span[1]], start=span[0], end=span[1])
        )

    def default(self, name: str, reason: str) -> None:
        """Record that a field of the spec holds a default, and why."""
        self.grounding.append(Grounding(field=name, source="default", words=reason))

    def fact(self, name: str, words: str) -> None:
        """Record that a field of the spec rests on a fact of the profile."""
        self.grounding.append(Grounding(field=name, source="profile", words=words))

    def caveat(self, text: str, first: int = -1, end: int = -1) -> None:
        """Add a sentence that the report must carry, resting on these units, or on the profile where none are given."""
        if text in self.caveats:
            return
        self.caveats.append(text)
        name = f"caveats.{len(self.caveats)}"
        if first < 0:
            self.fact(name, text)
        else:
            self.cite(name, first, end)

    def ask(
        self,
        name: str,
        text: str,
        *,
        options: tuple[str, ...] = (),
        default: str = "",
        blocking: bool = False,
        level: str = CONFIRM_DEFAULT,
        kind: str = "",
    ) -> None:
        """Add a question, once."""
        question = Question(
            field=name, text=text, options=options, default=default, level=BLOCKING if blocking else level, kind=kind
        )
        if question not in self.questions:
            self.questions.append(question)

    def sentences(self) -> Iterator[range]:
        """Yield the sentences as ranges of units, without the sign that ends them."""
        first = 0
        for position, unit in enumerate(self.units):
            if unit.is_stop:
                if position > first:
                    yield range(first, position)
                first = position + 1
        if first < len(self.units):
            yield range(first, len(self.units))

    def denied(self, at: int, *, within: int = 2) -> bool:
        """Say whether a NOT stands at most so many units before this one, in its sentence."""
        for position in range(at - 1, max(at - 1 - within, -1), -1):
            if self.units[position].is_stop or self.units[position].norm == ",":
                return False
            if "NOT" in self.units[position].tags:
                return True
        return False

    def tagged(self, tag: str) -> list[int]:
        """Return the positions of the units with a tag."""
        return [at for at, unit in enumerate(self.units) if tag in unit.tags and at not in self.silenced]
