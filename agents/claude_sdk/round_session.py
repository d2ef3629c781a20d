"""What happens in a session: its tools are used, all of it is written down, and it is ended where it must end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from agents.claude import tools
from agents.claude.handing_in import NothingCame, Repetitions, accepted
from agents.claude.incoming import readable_input
from agents.claude.journal import ToolResult
from agents.claude.tools import ToolFailed
from agents.claude_sdk.session import PREFIX, Answer
from tasks.domain.errors import SpendingCapReached

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.claude.exchange import Block, Fault, Reply
    from agents.claude.spending import Purse
    from agents.claude.tools import Toolbox
    from agents.claude_sdk.record import Record
    from agents.developer import Briefing


@dataclass(slots=True)
class RoundSession:
    """A session that is listened to: acts for its tools, and writes down what it shows."""

    name: str
    briefing: Briefing
    toolbox: Toolbox
    record: Record
    purse: Purse
    opening: str
    """Hash of what the session was told at its start."""
    repetitions: Repetitions = field(default_factory=Repetitions)
    ending: tools.Propose | tools.NothingLeft | None = None
    stopped: NothingCame | SpendingCapReached | None = None

    def heard(self, event: Mapping[str, Any]) -> None:
        """Write down one event of a reply."""
        self.record.heard(event)

    def answered(self, results: Sequence[Block]) -> None:
        """Write down what tools were answered with."""
        self.record.answered(results)

    def failed(self, kind: str, message: str, waited_seconds: float) -> None:
        """Write down a call that came to nothing."""
        self.record.failed(kind, message, waited_seconds)

    def use(self, name: str, given: object) -> Answer:
        """Use a tool, and end the session where it handed in, goes round in circles, or might pass a cap."""
        before, given = self.toolbox.left, readable_input(given)
        text, is_error = self._used(name, given)
        self.record.made.append(ToolResult(text=text, is_error=is_error, seconds=before - self.toolbox.left))
        if self.ending is None:
            try:
                self.repetitions.watch(name, given, text, is_error=is_error)
                self.check_caps()
            except (NothingCame, SpendingCapReached) as error:
                self.stopped = error
        return Answer(text=text, is_error=is_error, ends=bool(self.ending or self.stopped))

    def check_caps(self) -> None:
        """Check that the next call of the SDK can pass no cap, and note the most that it can cost.

        Raises:
            SpendingCapReached: It might.
        """
        record = self.record
        record.asked(self.purse.before_call(self.name, record.body, _Counter(record), announced=record.announced))

    def _used(self, name: str, given: object) -> tuple[str, bool]:
        try:
            if name not in tools.ENDING:
                return self.toolbox.use(name, given), False
            ending = tools.read_input(name, given)
            text = accepted(ending, self.toolbox.editor.changed, self.briefing)
        except ToolFailed as error:
            return str(error), True
        self.ending = cast("tools.Propose | tools.NothingLeft", ending)
        handed_in = {"opening": self.opening, "tool": name, "given": given, "files": self.toolbox.editor.changed}
        self.record.keep(PREFIX + name, text, handed_in)
        return text, False


@dataclass(frozen=True, slots=True)
class _Counter:
    """Bounds the prompt of the next call by what the server counted for the last one."""

    record: Record

    def send(self, body: Mapping[str, Any]) -> Reply | Fault:
        """Raise: the SDK makes the calls."""
        raise NotImplementedError("the SDK makes the calls")

    def count(self, body: Mapping[str, Any]) -> int | None:  # noqa: ARG002
        """Return the bound."""
        return self.record.most_prompt_tokens()
