"""The weight of each error: from the numbers of a request, or from the order that it states, which is then asked about."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.errors import ALARM, BAD_ENOUGH, LEAST
from tasks.domain.spec import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.errors import Error
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.reading import Reading


def set_costs(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Give every pair of classes a weight in the order that was said; values that were not named are asked for."""
    errors = wishes.errors
    if errors is None:
        return
    by_pair = [(set(_pairs(wishes.named, error, judging)), weight) for error, weight in errors.ranked]
    if any(not pairs for pairs, _ in by_pair):
        reading.ask(
            "costs", f"{quoting.words(reading.words(errors.first, errors.end))} weighs errors between things that are not told apart here. Go on without weights?",
            options=("yes", "no"), default="yes", kind="missing_cost_values",
        )  # fmt: skip
        return
    if not (wishes.named.positive or judging.priorities):
        _put_first(reading, errors.ranked[0][0], wishes, judging)
    urgent = set(judging.priorities) or {true for true, _ in by_pair[0][0]}
    plain = errors.said or len(by_pair) > 2
    judging.costs = tuple(
        Cost(true=true, called=called, weight=_weight((true, called), by_pair, urgent, plain=plain))
        for true, called in permutations([item.name for item in wishes.named.classes], 2)
    )
    reading.cite("costs", errors.first, errors.end)
    if errors.said:
        return
    weights = quoting.listed(f"{weight:g}" for weight in sorted({item.weight for item in judging.costs}, reverse=True))
    reading.default("costs.weights", f"only an order was said: {weights} from the worst error to the mildest")
    worst, mild = (reading.words(item.first, item.end) for item in (errors.ranked[0][0], errors.ranked[-1][0]))
    reading.ask(
        "costs", f"How many times as bad is {quoting.words(worst)} as {quoting.words(mild)}: 5, 10 or 50 times? Until then errors weigh {weights} in the order "
        "that you say, and the report shows what half and twice of these weights change.",
        options=("5 times", "10 times", "50 times"), default="10 times", kind="missing_cost_values",
    )  # fmt: skip


def _put_first(reading: Reading, worst: Error, wishes: Wishes, judging: Judging) -> None:
    """Let the class whose mistaking is worst be what matters most, where nothing else was said to."""
    judging.priorities = tuple(wishes.named.of_labels(worst.true))
    judging.target = next(iter(judging.priorities), judging.target)
    for name in judging.priorities:
        reading.cite(f"priorities.{name}", worst.first, worst.end)


def _weight(
    pair: tuple[str, str], by_pair: list[tuple[set[tuple[str, str]], float]], urgent: set[str], *, plain: bool
) -> float:
    """Return the weight that was said of a pair, else what its order implies: calling an urgent class harmless is next to the worst."""
    for pairs, weight in by_pair:
        if pair in pairs:
            return weight
    true, called = pair
    if plain:
        return LEAST
    if true in urgent and called not in urgent:
        return BAD_ENOUGH
    return ALARM if called in urgent and true not in urgent else LEAST


def _pairs(named: Named, error: Error, judging: Judging) -> Iterator[tuple[str, str]]:
    """Yield the pairs (true class, class it is called) of an error; a side that names nothing stands for all other classes."""
    every = [item.name for item in named.classes]
    true, called = named.of_labels(error.true), named.of_labels(error.called)
    if (error.true and not true) or (error.called and not called):
        return
    if not true and not called:
        true, called = ([judging.target], []) if error.is_miss else ([], [judging.target])
    sides = [(true, called), (called, true)] if error.both_ways else [(true, called)]
    for left, right in sides:
        for one in left or [name for name in every if name not in right]:
            yield from ((one, other) for other in (right or every) if other != one and (right or other not in left))
