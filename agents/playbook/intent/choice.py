"""The classes as they are read: groups of labels, each with the words that name it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.domain.spec import BINARY

if TYPE_CHECKING:
    from agents.playbook.intent.data_words import DataLabel
    from agents.playbook.intent.reading import Reading
    from agents.playbook.intent.targets import Target


@dataclass(slots=True)
class Group:
    """Labels that count as one class."""

    labels: tuple[str, ...]
    plain: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Units that it rests on; empty where it rests on the profile."""
    is_rest: bool = False
    name: str = ""
    """Short name, where the labels give none."""


@dataclass(slots=True)
class Choice:
    """The classes as read, in the order in which they were named; empty while a question is open."""

    groups: list[Group]
    named: list[Group]
    """Those that the request names; the positive class is one of them."""
    task: str = ""
    """As in `Spec.task`; empty where the number of classes decides between two and several."""


def unlabelled(plain: str, span: tuple[int, int]) -> Choice:
    """Return the two classes of a finding that has no label in the data."""
    positive = Group((), plain, [span])
    return Choice([Group((), f"no {plain}", is_rest=True), positive], [positive], BINARY)


def names_a_whole_and_its_parts(named: list[Group]) -> bool:
    """'Pneumonia, and tell bacterial from viral too' wants the kinds of what it names first, and the normal ones."""
    return any(
        len(group.labels) > 1
        and set(group.labels) == {label for other in named if other is not group for label in other.labels}
        for group in named
    )


def nameable_labels(reading: Reading) -> list[DataLabel]:
    """Return the labels that can be classes of their own: of findings that occur together not their absence."""
    several = len(reading.data.findings) > 1
    return [item for item in reading.data.labels if not (several and item.denies)]


def distinct_groups(reading: Reading, targets: dict[int, Target]) -> list[Group]:
    """Return one group for each set of labels that is named, with all places that name it."""
    groups: list[Group] = []
    nameable = {item.label for item in nameable_labels(reading)}
    for at, target in targets.items():
        if not nameable & set(target.labels):
            continue
        same = next((group for group in groups if group.labels == target.labels), None)
        if same is not None:
            same.spans.append((at, at + 1))
        else:
            groups.append(Group(target.labels, target.name or reading.data.plain(target.labels[0]), [(at, at + 1)]))
    return groups
