"""The developer on a language model: a loop of looking, editing, trying and handing in, with an end to everything.

Each round is a conversation of its own. What comes of a round is decided outside: the conversation only ends in an edit, or in a
reason why there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.claude import context, tools
from agents.claude.dialogue import Dialogue
from agents.claude.handing_in import NothingCame, Repetitions, accepted, hypothesis_of
from agents.claude.journal import ToolResult
from agents.claude.text_editor import TextEditor
from agents.claude.tools import Toolbox, ToolFailed
from agents.developer import code_sha256
from tasks.domain.errors import SpendingCapReached
from tasks.domain.round import Hypothesis, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.claude.dialogue import Office, Voice
    from agents.claude.exchange import Block, Reply
    from agents.claude.prompts import Prompt
    from agents.developer import Briefing
    from tasks.domain.failure import Failure
    from tasks.domain.trial import Workbench

MOST_TURNS = 60
"""Replies in one round, mends included."""
MOST_IDLE_TURNS = 3
"""Replies in a row that use no tool."""
TRIAL_PART, MOST_TRIAL_SECONDS = 0.5, 900.0
"""Seconds for trials in a round, as a part of its budget of training, and at most."""

KEEP_GOING = "Use a tool: edit, try, or end with `propose` or `nothing_left`. Text alone is read by nobody."
CUT_OFF = "Your reply was cut off at its limit, so this use of a tool is incomplete and was not carried out. Make smaller edits, one at a time."
NOT_AT_ONCE = "Only one of `propose` and `nothing_left` can end a round, alone in its reply; nothing was handed in."


@dataclass(slots=True)
class _Talk:
    """A round's conversation, with the files as they are edited."""

    dialogue: Dialogue
    toolbox: Toolbox
    turns: int = 0
    idle: int = 0
    repetitions: Repetitions = field(default_factory=Repetitions)
    failed: str = ""
    """Hash of the code that is to be mended."""
    told_tokens: int = 0
    told_dollars: float = 0.0
    """What earlier proposals of the round already carry."""


class ClaudeDeveloper:
    """Proposes edits that a language model writes and tries in the sandbox."""

    def __init__(
        self,
        office: Office,
        voice: Voice,
        workbench: Workbench,
        prompt: Prompt,
        *,
        withhold: Callable[[str], str] = lambda text: text,
    ) -> None:
        """Take the parts of a study.

        Args:
            office: What its conversations share.
            voice: Which model develops.
            workbench: Where it tries code.
            prompt: What it works by.
            withhold: Takes out of text from a sandbox what names a patient or a file.
        """
        self._office, self._voice, self._workbench, self._prompt = office, voice, workbench, prompt
        self._withhold = withhold
        self._talks: dict[str, _Talk] = {}
        """By the hash of what was handed in last."""

    def propose(self, briefing: Briefing) -> Proposal | None:
        """Return the edit that a conversation ends in, or None where the model says that nothing is left to try.

        Raises:
            SpendingCapReached: Of the study.
            ServiceUnavailable: The service does not answer; the round can be gone on with.
            AgentUnusable: Key, model or request are refused.
        """
        number = len(briefing.history) + len(briefing.under_way)
        talk = self._begun(briefing, f"round-{number:02d}")
        talk.dialogue.say(*context.opening(briefing, self._withhold))
        return self._handed_in(talk, briefing)

    def mend(self, briefing: Briefing, proposal: Proposal, failure: Failure) -> Proposal | None:
        """Return the edit as the model mends it in the same conversation; None for one that this process did not propose.

        Raises:
            ServiceUnavailable: The service does not answer.
            AgentUnusable: Key, model or request are refused.
        """
        talk = self._talks.get(_key(proposal))
        if talk is None or proposal.gave_up:
            return None
        talk.failed = code_sha256({**briefing.source, **proposal.files})
        talk.dialogue.say_as_before(context.failed(failure, self._withhold))
        return self._handed_in(talk, briefing, of=proposal)

    def _begun(self, briefing: Briefing, name: str) -> _Talk:
        dialogue = Dialogue(
            self._office,
            name,
            voice=self._voice,
            system=context.standing(briefing, self._prompt.text),
            tools=tools.definitions(),
        )
        seconds = min(MOST_TRIAL_SECONDS, TRIAL_PART * briefing.train_seconds)
        editor = TextEditor(briefing.source, locked=briefing.locked)
        return _Talk(dialogue, Toolbox(editor, self._workbench, trial_seconds=seconds, rounds=len(briefing.history)))

    def _handed_in(self, talk: _Talk, briefing: Briefing, of: Proposal | None = None) -> Proposal | None:
        try:
            given = self._conversed(talk, briefing)
        except (NothingCame, SpendingCapReached) as error:
            # A mend is part of a round that has its record; the next proposal meets the study's cap again.
            if isinstance(error, SpendingCapReached) and error.scope == "study" and of is None:
                raise
            return self._none(talk, str(error), of)
        if isinstance(given, tools.NothingLeft):
            return None if of is None else self._none(talk, given.reason, of)
        hypothesis, mended = (hypothesis_of(given), "") if of is None else (of.hypothesis, given.rationale)
        proposal = self._proposal(talk, hypothesis, mended=mended)
        self._talks[_key(proposal)] = talk
        return proposal

    def _none(self, talk: _Talk, reason: str, of: Proposal | None) -> Proposal:
        """Return what stands for an edit that did not come, so that its costs are part of the round."""
        hypothesis = Hypothesis(title="no edit", technique="none") if of is None else of.hypothesis
        return self._proposal(talk, hypothesis, mended="" if of is None else "nothing", gave_up=reason)

    def _proposal(self, talk: _Talk, hypothesis: Hypothesis, *, mended: str = "", gave_up: str = "") -> Proposal:
        spent = self._office.purse.spent(talk.dialogue.name)
        tokens, dollars = spent.usage.total - talk.told_tokens, float(spent.dollars) - talk.told_dollars
        talk.told_tokens, talk.told_dollars = spent.usage.total, float(spent.dollars)
        return Proposal(
            hypothesis=hypothesis,
            files={} if gave_up else talk.toolbox.editor.changed,
            tokens=tokens,
            dollars=dollars,
            mended=mended,
            gave_up=gave_up,
            prompt_sha256=self._prompt.sha256,
        )

    def _conversed(self, talk: _Talk, briefing: Briefing) -> tools.Propose | tools.NothingLeft:
        """Let the model work until it ends the round.

        Raises:
            NothingCame: It goes round in circles, refuses, or takes too many turns.
        """
        while talk.turns < MOST_TURNS:
            reply = talk.dialogue.reply()
            talk.turns += 1
            if reply.stop_reason == "refusal":
                raise NothingCame("the language model refused to go on")
            uses = [block for block in reply.content if block.get("type") == "tool_use"]
            talk.idle = 0 if uses else talk.idle + 1
            if talk.idle >= MOST_IDLE_TURNS:
                raise NothingCame(f"the language model answered {MOST_IDLE_TURNS} times without using a tool")
            if not uses:
                talk.dialogue.say(KEEP_GOING)
                continue
            ending = self._used(talk, reply, uses, briefing)
            if ending is not None:
                return ending
        raise NothingCame(f"the language model took {MOST_TURNS} turns without handing in an edit")

    def _used(
        self, talk: _Talk, reply: Reply, uses: list[Block], briefing: Briefing
    ) -> tools.Propose | tools.NothingLeft | None:
        """Answer all uses of tools in a reply; return the one that ends the round."""
        ending: tools.Propose | tools.NothingLeft | None = None
        circling: NothingCame | None = None
        for use in uses:
            cut = reply.stop_reason == "max_tokens" and use is uses[-1]
            result, ends = self._answer(talk, use, cut=cut, alone=len(uses) == 1, briefing=briefing)
            talk.dialogue.answer(use["id"], result)  # all of them, or the conversation could not be gone on with
            try:
                talk.repetitions.watch(use["name"], use.get("input"), result.text, is_error=result.is_error)
            except NothingCame as error:
                circling = circling or error
            ending = ends or ending
        if circling is not None and ending is None:
            raise circling
        return ending

    def _answer(
        self, talk: _Talk, use: Block, *, cut: bool, alone: bool, briefing: Briefing
    ) -> tuple[ToolResult, tools.Propose | tools.NothingLeft | None]:
        name, given = str(use["name"]), use.get("input")
        if cut:
            return ToolResult(text=CUT_OFF, is_error=True), None
        try:
            if name in tools.ENDING:
                if not alone:
                    raise ToolFailed(NOT_AT_ONCE)  # noqa: TRY301 - told like every other misuse
                ending = tools.read_input(name, given)
                return ToolResult(
                    text=accepted(ending, talk.toolbox.editor.changed, briefing, failed=talk.failed)
                ), ending  # type: ignore[return-value]
            known = None if talk.toolbox.edits(name) else talk.dialogue.answered(use["id"])
            if known is not None:
                talk.toolbox.charge(known.seconds)
                return known, None
            before = talk.toolbox.left
            return ToolResult(text=talk.toolbox.use(name, given), seconds=before - talk.toolbox.left), None
        except ToolFailed as error:
            return ToolResult(text=str(error), is_error=True), None


def _key(proposal: Proposal) -> str:
    return code_sha256(proposal.files)
