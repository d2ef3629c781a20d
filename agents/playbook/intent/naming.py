"""The classes of the spec: short names for metrics and columns, and which of two classes is the positive one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import quoting
from tasks.domain.spec import BINARY, DETECTION, MULTICLASS, SEGMENTATION, SpecClass

if TYPE_CHECKING:
    from agents.playbook.intent.choice import Choice, Group
    from agents.playbook.intent.priorities import Priorities
    from agents.playbook.intent.reading import Reading

_LONGEST_NAME = 32
_UNKNOWN_CONCERN = 1.5  # a finding that the lexicon does not know weighs more than a harmless one, less than a disease


@dataclass(slots=True)
class Named:
    """Groups with their spec classes, in the order of the spec."""

    groups: list[Group]
    classes: tuple[SpecClass, ...]
    positive: str
    """The positive class of two, or the only kind of object; empty otherwise."""
    task: str = BINARY
    """As in `Spec.task`."""

    def of_labels(self, labels: tuple[str, ...]) -> list[str]:
        """Return the names of the classes that hold any of these labels."""
        return [item.name for item in self.classes if set(item.labels) & set(labels)]


def name_classes(reading: Reading, choice: Choice, priorities: Priorities) -> Named:
    """Return the classes of the spec in order, each grounded; of two the positive one comes last."""
    groups = choice.groups
    task = choice.task or (BINARY if len(groups) == 2 else MULTICLASS)
    binary = task == BINARY
    positive = _positive(reading, choice, priorities) if binary else None
    if positive is not None:
        groups = [next(group for group in groups if group is not positive), positive]
    taken: set[str] = set()
    classes = []
    for group in groups:
        name = _name(reading, group, groups, taken)
        taken.add(name)
        classes.append(SpecClass(name=name, labels=group.labels, description=group.plain))
        _ground(reading, group, name)
    alone = task in {DETECTION, SEGMENTATION} and len(classes) == 1
    if alone:
        _ground_positive(reading, groups[0])
    return Named(groups, tuple(classes), classes[-1].name if binary or alone else "", task)


def concern(reading: Reading, group: Group) -> float:
    """Return how much depends on not missing a class, 0 to 3."""
    if group.is_rest or not group.labels:
        return -1.0
    known = [reading.data.find(label) for label in group.labels]
    values = [
        0.0 if item.denies or item.answer == "absent"
        else reading.data.lexicon.concepts[item.concept].concern if item.concept else _UNKNOWN_CONCERN
        for item in known
    ]  # fmt: skip
    return max(values)


def _positive(reading: Reading, choice: Choice, priorities: Priorities) -> Group:
    """Return the positive one of two classes: what matters most, else the more serious one, else the one named first."""
    for weight in priorities.classes:
        for group in choice.groups:
            if set(group.labels) & set(weight.labels):
                reading.cite("positive", weight.first, weight.end)
                return group
    rest = next((group for group in choice.groups if group.is_rest), None)
    if rest is not None:
        group = next(group for group in choice.groups if group is not rest)
        _ground_positive(reading, group)
        return group
    first, second = choice.named
    by_concern = {id(group): concern(reading, group) for group in (first, second)}
    if by_concern[id(first)] == by_concern[id(second)]:
        reading.default("positive", "the request names it first")
        reading.ask(
            "positive", f"Which of the two is the finding that the model looks for: {quoting.plain(first.plain)} or {quoting.plain(second.plain)}? "
            "Sensitivity and specificity are named after it.", options=(first.plain, second.plain), default=first.plain,
        )  # fmt: skip
        return first
    group = max((first, second), key=lambda item: by_concern[id(item)])
    reading.default("positive", "it is the more serious of the two")
    return group


def _ground_positive(reading: Reading, group: Group) -> None:
    if group.spans:
        reading.cite("positive", *group.spans[0])
    else:
        reading.fact("positive", f"{group.plain} is what the data is labelled for")


def _ground(reading: Reading, group: Group, name: str) -> None:
    for first, end in group.spans[:1]:
        reading.cite(f"classes.{name}", first, end)
    for first, end in group.spans[1:]:
        reading.use(first, end)
    if not group.spans:
        labels = quoting.listed(group.labels) or "those without it"
        what = "the other labels of the data" if group.is_rest else "what the data is labelled for"
        reading.fact(f"classes.{name}", f"{what}: {labels}")


def _name(reading: Reading, group: Group, groups: list[Group], taken: set[str]) -> str:
    plain = slug(group.name or group.plain)[:_LONGEST_NAME].strip("_")
    wanted = _wanted_name(reading, group, groups) if group.labels and not group.name else plain
    name = wanted or "class"
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _wanted_name(reading: Reading, group: Group, groups: list[Group]) -> str:
    if len(group.labels) > 1:
        if group.is_rest:
            return "other"
        concepts = {reading.data.find(label).concept for label in group.labels}
        umbrella = next(
            (concept.id for concept in reading.data.lexicon.concepts.values() if concept.plain == group.plain), ""
        )
        if umbrella or (len(concepts) == 1 and "" not in concepts):
            return umbrella or concepts.pop()
        joined = "_or_".join(slug(label) for label in group.labels)
        return joined if len(joined) <= _LONGEST_NAME else slug(group.plain)[:_LONGEST_NAME].strip("_")
    item = reading.data.find(group.labels[0])
    if item.answer or item.label.strip().lower() in {"0", "1", "yes", "no"} or slug(item.label).isdigit():
        return _name_of_answer(reading, group, groups)
    short = slug(item.label)
    if len(short) > _LONGEST_NAME and item.concept and not item.denies:
        return item.concept
    return short[:_LONGEST_NAME].strip("_")


def _name_of_answer(reading: Reading, group: Group, groups: list[Group]) -> str:
    """Name a class whose label is only 'yes' or '1' after what the request calls it; its opposite is 'no_' that."""
    item = reading.data.find(group.labels[0])
    if item.label in reading.data.findings or (item.denies and item.label.startswith("no ")):
        return slug(item.label)[:_LONGEST_NAME].strip("_")
    if item.words and item.words == reading.data.column_words:
        name = slug(reading.data.column)[: _LONGEST_NAME - 3].strip("_")
        return f"no_{name}" if item.denies else name
    if item.concept:
        return f"no_{item.concept}" if item.denies else item.concept
    if item.answer == "absent" and len(groups) == 2:
        other = next(g for g in groups if g is not group)
        return f"no_{slug(other.plain)}"[:_LONGEST_NAME]
    return slug(group.plain)[:_LONGEST_NAME].strip("_")


def slug(text: str) -> str:
    """Return a name of lower-case letters, digits and underscores."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", text)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
