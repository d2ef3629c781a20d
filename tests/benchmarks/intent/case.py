"""A request before and after an edit, parsed; what checks look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from comparing import Parse
from slots import Slots, slots_of_parse


@dataclass(frozen=True, slots=True)
class Case:
    """A request before and after an edit, parsed."""

    before: Parse
    after: Parse
    key: Slots
    """Of the request before the edit; names of classes are read with it."""

    def slots(self, *, before: bool = False) -> Slots:
        """Return the slots of the parse after the edit, or before it."""
        parse = self.before if before else self.after
        return slots_of_parse(parse.parsed, parse.profile)

    def wanted(self, positive: str = "") -> Slots:
        """Return a key for the parse after the edit: with this positive class, or with the one that the parse has."""
        got = self.slots()
        return Slots(
            task=got.task,
            classes=self.key.classes,
            positive=(positive,) if positive else got.positive,
            positive_name=positive or got.positive_name,
        )


Check = Callable[[Case], str]
"""Returns nothing, or in a few words what is not as it should be."""
