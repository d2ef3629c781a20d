"""Whether the weights of errors in a spec keep the order that a key states: `urgent->NORMAL > urgent->DRUSEN >= CNV<->DME`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from same_name import name_key, same_class

if TYPE_CHECKING:
    from tasks.domain.spec import Spec

_TERM = re.compile(r"\s*(.+?)\s*(<->|->)\s*(.+?)\s*$")
_UNSTATED = 1.0
"""Weight of an error that a spec does not list: errors that nobody weighs count once."""


def order_broken(order: str, spec: Spec, group: str, members: tuple[str, ...]) -> str:
    """Return the first part of a stated order of errors that a spec's costs break; empty if they keep it.

    Args:
        order: Terms `TRUE->CALLED` or `A<->B` with `>`, `>=` or `=` between them, worst first.
        spec: Its classes and costs are compared.
        group: A name in the order that stands for several classes.
        members: Those classes.
    """
    if not spec.costs:
        return "no error is weighed"
    parts = re.split(r"\s*(?<![-<])(>=|>|=|\u2265)\s*", order)
    terms = [_weights(part, spec, group, members) for part in parts[::2]]
    for part, weights in zip(parts[::2], terms, strict=True):
        if not weights:
            return f"{part}: no such error here"
    for place, relation in enumerate(parts[1::2]):
        left, right = terms[place], terms[place + 1]
        kept = {">": min(left) > max(right), "=": min(left) == max(right) and max(left) == min(right)}
        if not kept.get(relation, min(left) >= max(right)):
            return f"{parts[2 * place]} {relation} {parts[2 * place + 2]}"
    return ""


def _weights(term: str, spec: Spec, group: str, members: tuple[str, ...]) -> list[float]:
    found = _TERM.match(term)
    if not found:
        return []
    true, called = (_classes(found[side], spec, group, members) for side in (1, 3))
    pairs = [(a, b) for a in true for b in called if a != b]
    if found[2] == "<->":
        pairs += [(b, a) for a, b in pairs]
    listed = {(item.true, item.called): item.weight for item in spec.costs}
    return [listed.get(pair, _UNSTATED) for pair in pairs]


def _classes(name: str, spec: Spec, group: str, members: tuple[str, ...]) -> list[str]:
    wanted = members if group and name_key(name) == name_key(group) else (name,)
    return [
        item.name
        for item in spec.classes
        if any(same_class(one, other) for one in wanted for other in (item.name, item.description, *item.labels))
    ]
