"""Whether each field of a form rests on something: on words that stand in the request, on a fact of the data, on a stated default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.claude.citing import places
from agents.claude.metric_form import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agents.claude.seen import Names
    from agents.claude.spec_form import GroundingForm, SpecForm

_WITH_PARTS = frozenset(
    {
        "task",
        "primary",
        "unit",
        "secondary",
        "positive",
        "held_out",
        "operating_point",
        "costs",
        "abstention",
        "supervision",
        "target",
    }
)
"""Fields that are one, of which a part may be named: `supervision.uncertain`."""
_FACT = re.compile(
    r"\d|\b(?:box|mask|outline|label|reader|grader|annotator|split|group|column|image|patient)", re.IGNORECASE
)


def problems_of_grounding(form: SpecForm, text: str, names: Names) -> Iterator[str]:
    """Yield what is wrong with what the fields of a spec rest on: words that are not there, facts of nothing, fields without any."""
    items = _items(form)
    for ground in form.grounding:
        yield from _of_ground(ground, items, text, names)
    rests = [_place(ground) for ground in form.grounding]
    for root, each in items.items():
        if root in {"secondary", "caveats", "target"}:
            continue
        for item in each:
            place = f"{root}.{item}" if item else root
            if not any(other in {root, place} or other.startswith(f"{place}.") for other in rests):
                yield f"grounding: {place} rests on nothing; say which words of the request, or which fact of the data, or why this default"


def _of_ground(ground: GroundingForm, items: dict[str, tuple[str, ...]], text: str, names: Names) -> Iterator[str]:
    where = f"grounding of {_place(ground)}"
    known = [item for item in items.get(ground.field, ()) if item]
    is_part = ground.field in _WITH_PARTS or any(
        ground.item == item or ground.item.startswith(f"{item}.") for item in known
    )
    # where a scale is cut is said of all classes
    if ground.item and not is_part and (ground.field, ground.item) != ("classes", "cut"):
        yield f"{where}: the spec has no such item; it has {listed(known) or 'none'}"
    if not ground.words.strip():
        yield f"{where}: it cites no words"
    elif ground.source == "request":
        found = places(ground.words, text)
        if not found:
            yield f"{where}: {ground.words!r} does not stand in the request; cite its words as they are"
        elif not 1 <= ground.occurrence <= len(found):
            yield f"{where}: {ground.words!r} stands in the request {len(found)} times, so there is no occurrence {ground.occurrence}"
    elif ground.source == "profile" and ground.field != "caveats" and not _is_fact(ground.words, names):
        yield f"{where}: {ground.words!r} names no number, label or column of the data"


def _items(form: SpecForm) -> dict[str, tuple[str, ...]]:
    """Return the fields of a spec that hold something, each with what it holds by name; `("",)` for a field that is one."""
    alone = {
        "task": True,
        "primary": True,
        "unit": True,
        "secondary": True,
        "positive": form.positive,
        "held_out": form.held_out,
    }
    alone |= {
        "operating_point": form.operating_point.positive,
        "costs": form.costs,
        "abstention": form.abstention.allowed,
    }
    how = form.supervision
    alone |= {"supervision": how.kind != "full" or how.uncertain or how.aggregation}
    several = {
        "classes": [item.name for item in form.classes],
        "priorities": form.priorities,
        "constraints": [name_of(item.metric) for item in form.constraints],
        "guardrails": [name_of(item.metric) for item in form.guardrails],
        "confounders": [item.name for item in form.confounders],
        "subgroups": [item.attribute for item in form.subgroups],
        "caveats": [str(number) for number in range(1, len(form.caveats) + 1)],
    }
    return {name: ("",) for name, there in alone.items() if there} | {
        name: tuple(each) for name, each in several.items() if each
    }


def _place(ground: GroundingForm) -> str:
    return f"{ground.field}.{ground.item}" if ground.item else ground.field


def _is_fact(words: str, names: Names) -> bool:
    plain = words.lower()
    return bool(_FACT.search(words)) or any(name.lower() in plain for name in (*names.labels, *names.columns) if name)


def listed(items: Iterable[str]) -> str:
    """Return names in quotation marks, at most forty of them."""
    shown = [repr(item) for item in items]
    return ", ".join(shown[:40]) + (", ..." if len(shown) > 40 else "")
