"""What a study has spent on the language model, and the caps that stop it before the call that might pass one."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any, Literal

from agents.claude.bounds import most_dollars, most_tokens, with_margin
from agents.claude.exchange import Usage
from agents.claude.prices import in_dollars
from tasks.domain.conversation import unanswered
from tasks.domain.errors import SpendingCapReached

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.claude.exchange import Body, LanguageModel
    from agents.claude.journal import Journal
    from agents.claude.prices import Prices
    from tasks.domain.conversation import Entry

PAID = frozenset({"call", "fault"})
"""Kinds of entries that are calls which ended."""
_Scope = Literal["round", "study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What may be spent at most; None is no cap."""

    study_dollars: Decimal | None = None
    conversation_dollars: Decimal | None = None
    """Of each conversation, which is a round or one of the two roles before the rounds."""
    study_seconds: float | None = None
    """Of the language model's own time: its calls, and the waits between tries."""
    conversation_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a conversation or a study has cost."""

    dollars: Decimal = Decimal(0)
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    """Of calls and faults, with the waits after these."""
    calls: int = 0
    faults: int = 0
    longest_call_seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            dollars=self.dollars + other.dollars,
            usage=self.usage + other.usage,
            seconds=self.seconds + other.seconds,
            calls=self.calls + other.calls,
            faults=self.faults + other.faults,
            longest_call_seconds=max(self.longest_call_seconds, other.longest_call_seconds),
        )


class Purse:
    """Knows from the journal what was spent, and says no before a cap is passed.

    The whole journal is read once. From then on only conversations that go on in this process are read again.
    """

    def __init__(self, prices: Prices, caps: Caps, journal: Journal) -> None:
        self._prices, self._caps, self._journal = prices, caps, journal
        self._spent: dict[str, Spent] | None = None
        self._current = ""

    def spent(self, conversation: str | None = None) -> Spent:
        """Return what a conversation has cost, or all of the study; calls that came to nothing too.

        Raises:
            AgentUnusable: No price is known for a model that was asked.
        """
        if conversation is not None:
            return self._up_to_date(conversation)
        if self._spent is not None and self._current:
            self._up_to_date(self._current)
        return sum(self._known().values(), Spent())

    def priced(self, model: str, usage: Usage) -> str:
        """Return what one call costs by the prices of today, exactly: as it is journaled, so that no later price list changes it.

        Raises:
            AgentUnusable: No price is known for the model.
        """
        return str(self._prices.of(model).dollars(usage))

    def before_call(
        self, conversation: str, body: Body, model: LanguageModel, *, announced: Decimal = Decimal(0)
    ) -> Decimal:
        """Return the most that a call can cost, only if it cannot pass a cap on money, and is not likely to pass one on time.

        Of time no bound is known beforehand: the longest call of the study so far stands for the next.

        Args:
            conversation: That the call belongs to.
            body: The request.
            model: Counts its tokens where that matters.
            announced: Dollars that the journal counts for this very call already.

        Raises:
            SpendingCapReached: The call might pass a cap; it must not be made.
            AgentUnusable: No price is known for the model.
        """
        if self._current and self._current != conversation:
            self._up_to_date(self._current)
        self._current = conversation
        here = self._up_to_date(conversation)
        study = sum(self._known().values(), Spent())
        self._check_time(here, study)
        before = Spent(dollars=-announced)
        return self._check_money(here + before, study + before, body, model)

    def left(self, conversation: str) -> tuple[Decimal | None, float | None]:
        """Return dollars and seconds that a conversation may still cost, by the tighter of its own and the study's caps; None for no cap."""
        here, study, caps = self._up_to_date(conversation), self.spent(), self._caps
        money = (caps.conversation_dollars, here.dollars), (caps.study_dollars, study.dollars)
        time = (caps.conversation_seconds, here.seconds), (caps.study_seconds, study.seconds)
        return (
            min((cap - spent for cap, spent in money if cap is not None), default=None),
            min((cap - spent for cap, spent in time if cap is not None), default=None),
        )

    def _check_money(self, here: Spent, study: Spent, body: Body, model: LanguageModel) -> Decimal:
        limits: tuple[tuple[Decimal | None, Spent, _Scope], ...] = (
            (self._caps.conversation_dollars, here, "round"),
            (self._caps.study_dollars, study, "study"),
        )
        left = [(cap - spent.dollars, cap, scope) for cap, spent, scope in limits if cap is not None]
        price = self._prices.of(body["model"])
        bound = most_dollars(price, body, most_tokens(body))
        if any(bound > rest for rest, _, _ in left):
            counted = model.count(body)
            if counted is not None:
                bound = min(bound, most_dollars(price, body, with_margin(counted)))
        for rest, cap, scope in left:
            if bound > rest:
                raise SpendingCapReached(_no_money(bound, rest, cap, scope), scope=scope)
        return bound

    def _check_time(self, here: Spent, study: Spent) -> None:
        limits: tuple[tuple[float | None, Spent, _Scope], ...] = (
            (self._caps.conversation_seconds, here, "round"),
            (self._caps.study_seconds, study, "study"),
        )
        for cap, spent, scope in limits:
            if cap is not None and spent.seconds + study.longest_call_seconds >= cap:
                raise SpendingCapReached(
                    f"The language model worked {spent.seconds:.0f} of the {scope}'s {cap:.0f} seconds, and the next "
                    f"call might take as long as the longest so far, {study.longest_call_seconds:.0f} seconds.",
                    scope=scope,
                )

    def _known(self) -> dict[str, Spent]:
        if self._spent is None:
            entries: dict[str, list[Entry]] = {}
            for name, entry in self._journal.all():
                entries.setdefault(name, []).append(entry)
            self._spent = {name: self._cost_of(of_name) for name, of_name in entries.items()}
        return self._spent

    def _up_to_date(self, conversation: str) -> Spent:
        known = self._known()
        known[conversation] = self._cost_of(self._journal.read(conversation))
        return known[conversation]

    def _cost_of(self, entries: Sequence[Entry]) -> Spent:
        paid = (self._cost(entry.kind, entry.data) for entry in entries if entry.kind in PAID)
        # Of a call that a kill cut off nobody was told what it cost: the most that it can have cost stands for it.
        cut_off = (Spent(dollars=Decimal(entry.data["dollars"])) for entry in unanswered(entries))
        return sum((*paid, *cut_off), Spent())

    def _cost(self, kind: str, data: Mapping[str, Any]) -> Spent:
        usage, seconds = Usage(**data["usage"]), float(data.get("seconds", 0.0))
        # A reply names the dated model that answered; the price list, and the caps, know the name that was asked for.
        known = data.get("dollars") or self.priced(data.get("asked_model") or data["model"], usage)
        return Spent(
            dollars=Decimal(known),
            usage=usage,
            seconds=seconds + float(data.get("waited_seconds", 0.0)),
            calls=int(kind == "call"),
            faults=int(kind == "fault"),
            longest_call_seconds=seconds,
        )


def all_priced(journal: Journal) -> bool:
    """Return whether the journal itself says what each call cost, so that no price list is needed to sum it."""
    return all("dollars" in entry.data for _, entry in journal.all() if entry.kind in PAID)


def _no_money(bound: Decimal, left: Decimal, cap: Decimal, scope: _Scope) -> str:
    most = bound.quantize(Decimal("0.01"), rounding=ROUND_UP) if bound >= Decimal("0.01") else bound
    rest = f"{in_dollars(left)} of" if left > 0 else "nothing of"
    return f"The next call might cost up to {in_dollars(most)}; {rest} the {scope}'s {in_dollars(cap)} is left."
