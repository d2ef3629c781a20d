"""The developer on the Claude Agent SDK: its loop instead of ours; tools, sandbox, journal, prices and caps stay ours.

Each try is a session of its own, a mend too: it is told of the failure and of the edit that failed, and finds the files as that
edit left them. The session before it ended when it handed in. To keep it open would hold a process for as long as training takes,
and to reload it would make a round depend on files of the SDK whose form is not ours.

Calls that fail are made again by the SDK's program itself. What it shows of them is in the record as faults, with tokens only where
it showed their beginning; a stream that breaks off with an error of the service is made again without a word. So the service's own
bill can be higher here than the record, by the prompts of such calls.
"""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

from agents.claude import context, tools
from agents.claude.developer import MOST_TRIAL_SECONDS, MOST_TURNS, TRIAL_PART
from agents.claude.handing_in import NothingCame, hypothesis_of
from agents.claude.spending import Spent
from agents.claude.text_editor import TextEditor
from agents.claude.tools import Toolbox
from agents.claude_sdk.offered_tools import offered_tools
from agents.claude_sdk.record import Record
from agents.claude_sdk.round_session import RoundSession
from agents.claude_sdk.session import PREFIX, Ask, Outcome
from agents.developer import code_sha256
from tasks.domain.errors import AgentUnusable, ServiceUnavailable, SpendingCapReached
from tasks.domain.round import Hypothesis, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.claude.dialogue import Voice
    from agents.claude.journal import Journal
    from agents.claude.prompts import Prompt
    from agents.claude.spending import Purse
    from agents.claude_sdk.session import CodingAgent
    from agents.developer import Briefing
    from tasks.domain.failure import Failure
    from tasks.domain.trial import Workbench

LONGEST_SECONDS = 6 * 3600.0
"""Wall clock of a session without a cap on time."""
NAMES = f"The names of all tools begin with {PREFIX} here. Nothing of this round is outside them: there is no other file or command."


class SdkDeveloper:
    """Proposes edits that Claude writes in sessions of the SDK."""

    def __init__(
        self,
        agent: CodingAgent,
        voice: Voice,
        workbench: Workbench,
        prompt: Prompt,
        *,
        journal: Journal,
        purse: Purse,
        withhold: Callable[[str], str] = lambda text: text,
    ) -> None:
        """Take the parts of a study.

        Args:
            agent: Holds the sessions.
            voice: Which model develops.
            workbench: Where it tries code.
            prompt: What it works by.
            journal: Of the study.
            purse: Knows what was spent, and the caps.
            withhold: Takes out of text from a sandbox what names a patient or a file.
        """
        self._agent, self._journal, self._purse, self._voice = agent, journal, purse, voice
        self._workbench, self._prompt, self._withhold = workbench, prompt, withhold
        self._told: dict[str, Spent] = {}
        """What earlier proposals of a round already carry."""
        self._names: dict[str, str] = {}
        """Conversation of each proposal, by the hash of what was handed in."""
        self._one_at_a_time = threading.Lock()
        """Sessions side by side could pass a cap together."""

    def propose(self, briefing: Briefing) -> Proposal | None:
        """Return the edit that a session ends in, or None where the model says that nothing is left to try.

        Raises:
            SpendingCapReached: Of the study.
            ServiceUnavailable: The service or the SDK's program failed; the round can be begun again.
            AgentUnusable: The package is missing, or key, model or request are refused.
        """
        name = f"round-{len(briefing.history) + len(briefing.under_way):02d}"
        self._told[name] = Spent()  # what a session before a kill cost belongs to the round too
        return self._tried(name, briefing, self._opening(briefing), files=briefing.source)

    def mend(self, briefing: Briefing, proposal: Proposal, failure: Failure) -> Proposal | None:
        """Return the edit as the model mends it, in a session that is told how it failed; None for one that this process did not propose.

        Raises:
            SpendingCapReached: Of the study.
            ServiceUnavailable: The service or the SDK's program failed.
            AgentUnusable: The package is missing, or key, model or request are refused.
        """
        name = self._names.get(code_sha256(proposal.files))  # of several rounds at the same time each has its own
        if name is None or proposal.gave_up:
            return None
        hypothesis = proposal.hypothesis
        attempt = (
            f"This round's attempt is {hypothesis.title!r} ({hypothesis.technique}): {hypothesis.rationale} It changed "
            f"{', '.join(sorted(proposal.files))}; view them before you edit."
        )
        words = "\n\n".join([self._opening(briefing), attempt, context.failed(failure, self._withhold)])
        return self._tried(name, briefing, words, files={**briefing.source, **proposal.files}, of=proposal)

    def _opening(self, briefing: Briefing) -> str:
        return "\n\n".join([NAMES, *(block["text"] for block in context.opening(briefing, self._withhold))])

    def _tried(
        self, name: str, briefing: Briefing, words: str, *, files: Mapping[str, str], of: Proposal | None = None
    ) -> Proposal | None:
        editor = TextEditor(briefing.source, locked=briefing.locked)
        editor.files.update(files)
        try:
            ending, changed = self._known(name, _opening_hash(words, files)) or self._held(
                name, briefing, words, editor
            )
        except (NothingCame, SpendingCapReached) as error:
            if isinstance(error, SpendingCapReached) and error.scope == "study":
                raise
            return self._none(name, str(error), of)
        if isinstance(ending, tools.NothingLeft):
            return None if of is None else self._none(name, ending.reason, of)
        hypothesis, mended = (hypothesis_of(ending), "") if of is None else (of.hypothesis, ending.rationale)
        return self._proposal(name, hypothesis, files=changed, mended=mended)

    def _known(self, name: str, opening: str) -> tuple[tools.Propose | tools.NothingLeft, dict[str, str]] | None:
        """Return what a session with this opening handed in before a kill."""
        for entry in self._journal.read(name):
            if entry.data.get("opening") == opening:
                return tools.read_input(entry.data["tool"], entry.data["given"]), dict(entry.data["files"])  # type: ignore[return-value]
        return None

    def _held(
        self, name: str, briefing: Briefing, words: str, editor: TextEditor
    ) -> tuple[tools.Propose | tools.NothingLeft, dict[str, str]]:
        """Hold a session, and return what it handed in with the files that it changed.

        Raises:
            NothingCame: It ended without handing in anything.
            SpendingCapReached: The next call might pass a cap.
        """
        with self._one_at_a_time:
            entries = self._journal.read(name)
            seconds = min(MOST_TRIAL_SECONDS, TRIAL_PART * briefing.train_seconds)
            toolbox = Toolbox(editor, self._workbench, trial_seconds=seconds, rounds=len(briefing.history))
            toolbox.charge(sum(float(entry.data["seconds"]) for entry in entries if entry.kind == "result"))
            turns = MOST_TURNS - sum(entry.kind == "call" for entry in entries)
            if turns < 1:
                raise NothingCame(f"the language model took {MOST_TURNS} turns without handing in an edit")
            ask = self._ask(name, briefing, words, turns=turns, trial_seconds=max(0.0, toolbox.left))
            record = Record(self._journal, name, ask, priced=self._purse.priced)
            held = RoundSession(name, briefing, toolbox, record, self._purse, _opening_hash(words, editor.files))
            held.check_caps()
            try:
                outcome = self._agent.hold(ask, held)
            except AgentUnusable:
                record.end(Outcome(ended="refused_request"))
                raise
            record.end(outcome)
        if held.ending is not None:
            return held.ending, editor.changed
        raise held.stopped or _why(outcome, record)

    def _ask(self, name: str, briefing: Briefing, words: str, *, turns: int, trial_seconds: float) -> Ask:
        dollars, seconds = self._purse.left(name)
        return Ask(
            system="\n\n".join(block["text"] for block in context.standing(briefing, self._prompt.text)),
            words=words,
            tools=offered_tools(),
            model=self._voice.model,
            effort=self._voice.effort,
            max_tokens=self._voice.max_tokens,
            max_turns=turns,
            max_dollars=dollars,
            seconds=LONGEST_SECONDS if seconds is None else seconds + trial_seconds,
        )

    def _none(self, name: str, reason: str, of: Proposal | None) -> Proposal:
        """Return what stands for an edit that did not come, so that its costs are part of the round."""
        hypothesis = Hypothesis(title="no edit", technique="none") if of is None else of.hypothesis
        return self._proposal(name, hypothesis, mended="" if of is None else "nothing", gave_up=reason)

    def _proposal(
        self,
        name: str,
        hypothesis: Hypothesis,
        *,
        files: Mapping[str, str] | None = None,
        mended: str = "",
        gave_up: str = "",
    ) -> Proposal:
        spent, told = self._purse.spent(name), self._told[name]
        self._told[name] = spent
        self._names[code_sha256(files or {})] = name
        return Proposal(
            hypothesis=hypothesis,
            files=dict(files or {}),
            tokens=spent.usage.total - told.usage.total,
            dollars=float(spent.dollars - told.dollars),
            mended=mended,
            gave_up=gave_up,
            prompt_sha256=self._prompt.sha256,
        )


def _why(outcome: Outcome, record: Record) -> Exception:
    """Return what a session comes to that ended without an edit."""
    if record.last is not None and record.last.stop_reason == "refusal":
        return NothingCame("the language model refused to go on")
    if outcome.ended == "refused_request":
        refused = (
            "the key for the language model is refused"
            if outcome.status in {401, 403}
            else "the language model refuses the request"
        )
        return AgentUnusable(f"{refused} ({outcome.status}): {outcome.message}")
    if outcome.ended == "service":
        return ServiceUnavailable(f"The session with the Claude Agent SDK broke off: {outcome.message}")
    reasons = {
        "max_turns": f"the language model took {MOST_TURNS} turns without handing in an edit",
        "max_dollars": "the session reached what it may cost by the SDK's own prices",
        "timeout": f"the session took too long: {outcome.message}",
    }
    return NothingCame(reasons.get(outcome.ended, "the language model ended its session without handing in an edit"))


def _opening_hash(words: str, files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([words, sorted(files.items())]).encode()).hexdigest()
