"""What ends a round for a language model: an edit that counts as one, or going round in circles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.claude import tools
from agents.claude.simplification import only_takes_away
from agents.claude.tools import ToolFailed
from agents.developer import code_sha256
from tasks.domain.round import Hypothesis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.developer import Briefing

MOST_REPETITIONS = 3
"""Uses in a row of the same tool with the same input, or of tools with the same answer."""


class NothingCame(Exception):
    """A conversation ended without an edit; the message says why."""


@dataclass(slots=True)
class Repetitions:
    """Counts uses and answers of tools that repeat themselves."""

    last_use: str = ""
    last_answer: str = ""
    same_use: int = 0
    same_answer: int = 0

    def watch(self, name: str, given: object, answer: str, *, is_error: bool) -> None:
        """Count one use of a tool.

        Raises:
            NothingCame: There were too many of the same in a row.
        """
        asked = json.dumps([name, given], sort_keys=True)
        self.same_use = self.same_use + 1 if asked == self.last_use else 1
        self.same_answer = self.same_answer + 1 if answer == self.last_answer else 1
        self.last_use, self.last_answer = asked, answer
        if self.same_use >= MOST_REPETITIONS:
            raise NothingCame(f"the language model used {name} {MOST_REPETITIONS} times in a row with the same input")
        if is_error and self.same_answer >= MOST_REPETITIONS:
            raise NothingCame(f"the same thing failed {MOST_REPETITIONS} times in a row: {answer[:200]}")


def accepted(ending: object, changed: Mapping[str, str], briefing: Briefing, *, failed: str = "") -> str:
    """Return what the model is told of an end of the round.

    Args:
        ending: `propose` or `nothing_left`.
        changed: New text of each changed file.
        briefing: Of the round.
        failed: Hash of the code that is to be mended; empty for a first try.

    Raises:
        ToolFailed: What it hands in is no attempt.
    """
    if isinstance(ending, tools.NothingLeft):
        return "Noted."
    if not changed:
        raise ToolFailed("you changed no file; edit the code first, or say `nothing_left`")
    if isinstance(ending, tools.Propose) and ending.only_removes and not only_takes_away(briefing.source, changed):
        raise ToolFailed(
            "only_removes is for an edit that takes code away and neither adds nor changes any; say false, or do that"
        )
    code = code_sha256({**briefing.source, **changed})
    if code == failed:
        raise ToolFailed("this is the code that failed; change what made it fail, or say `nothing_left`")
    if code in briefing.tried:
        raise ToolFailed(
            "this very code was tried in an earlier round; change something that matters, or say `nothing_left`"
        )
    return "Handed in. It is trained and judged now."


def hypothesis_of(given: tools.Propose) -> Hypothesis:
    """Return the hypothesis as it was handed in."""
    return Hypothesis(
        title=" ".join(given.title.split())[:120],
        technique=given.technique,
        settings={item.name: item.value for item in given.settings},
        rationale=given.rationale,
        expected_effect=given.expected_effect,
        source=given.source,
        simplification=given.only_removes,
    )
