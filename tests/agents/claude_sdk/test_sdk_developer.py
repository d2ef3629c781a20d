"""The developer on recorded sessions: what it makes of them, without package, process or network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from agents.claude import scripted_replies as replies
from agents.claude.dialogue import Voice
from agents.claude.exchange import Usage
from agents.claude.handing_in import MOST_REPETITIONS
from agents.claude.journal import Journal, MemoryJournal
from agents.claude.prices import load_prices
from agents.claude.prompts import load_prompt
from agents.claude.scripted_events import events, message
from agents.claude.spending import Caps, Purse
from agents.claude_sdk.developer import SdkDeveloper
from agents.claude_sdk.session import PREFIX, Ask, Listener, Outcome, ScriptedCodingAgent
from agents.developer import Briefing
from tasks.conversation_spans import spans_of
from tasks.domain.errors import AgentUnusable, ServiceUnavailable, SpendingCapReached
from tasks.domain.failure import Failure, FailureKind
from tasks.domain.round import Hypothesis, Proposal
from tasks.domain.trial import ScriptedWorkbench, Trial
from tasks.report.transcript import transcript

VOICE = Voice(model="claude-opus-5-5", effort="high", max_tokens=4_000)
USAGE = Usage(input_tokens=1000, output_tokens=100)
PROPOSE = {
    "title": "weight decay 0.05", "technique": "weight_decay", "settings": [{"name": "weight_decay", "value": 0.05}],
    "rationale": "The gap between training and validation grows.", "expected_effect": "A smaller gap.", "source": "", "only_removes": False,
}  # fmt: skip
GOOD = Trial(ended="ok", exit_code=0, seconds=12.0, output="metric epoch=1 loss=0.5")
DONE = Outcome(ended="completed")


def edits(old: str = "0.01", new: str = "0.05") -> replies.ScriptedReply:
    return replies.tool(
        PREFIX + "str_replace_based_edit_tool",
        command="str_replace",
        path="recipe.py",
        old_str=f"weight_decay: float = {old}",
        new_str=f"weight_decay: float = {new}",
    )


def proposes(**changes: object) -> replies.ScriptedReply:
    return replies.tool(PREFIX + "propose", **{**PROPOSE, **changes})


def nothing_left() -> replies.ScriptedReply:
    return replies.tool(PREFIX + "nothing_left", reason="no gain expected")


def session(
    *said: replies.ScriptedReply, end: Outcome = DONE, usage: Usage = USAGE
) -> tuple[list[Mapping[str, Any]], Outcome]:
    """Return a session of these replies as the SDK would show it."""
    shown: list[Mapping[str, Any]] = []
    for number, reply in enumerate(said):
        whole = message(reply, {"model": VOICE.model, "turn": number}, usage)
        shown += [{"type": name, **data} for name, data in events(whole)]
    return shown, end


class Played:
    """A developer on recorded sessions, with what it was given."""

    def __init__(
        self,
        *sessions: tuple[list[Mapping[str, Any]], Outcome],
        journal: Journal | None = None,
        caps: Caps | None = None,
    ) -> None:
        self.agent = ScriptedCodingAgent(list(sessions))
        self.journal = MemoryJournal() if journal is None else journal
        self.bench = ScriptedWorkbench(GOOD, GOOD)
        self.purse = Purse(load_prices(), caps or Caps(), self.journal)
        self.developer = SdkDeveloper(
            self.agent, VOICE, self.bench, load_prompt("developer"), journal=self.journal, purse=self.purse,
            withhold=lambda text: text.replace("Ada Lovelace", "[withheld]"),
        )  # fmt: skip


def gave_up(played: Played, briefing: Briefing) -> str:
    proposal = played.developer.propose(briefing)
    assert proposal is not None
    assert proposal.files == {}
    return proposal.gave_up


TRY = replies.tool(PREFIX + "train_briefly", seconds=20)


def test_what_is_edited_and_handed_in_is_the_proposal_and_costs_what_was_counted(
    new_briefing: Callable[..., Briefing],
) -> None:
    played = Played(session(edits(), TRY, proposes(), replies.text("never said")))
    proposal = played.developer.propose(new_briefing())
    assert proposal is not None
    assert set(proposal.files) == {"recipe.py"}
    assert "weight_decay: float = 0.05" in proposal.files["recipe.py"]
    assert proposal.hypothesis.title == "weight decay 0.05"
    assert proposal.tokens == 3 * 1100
    assert proposal.dollars == pytest.approx(3 * (1000 * 4 + 100 * 20) / 1e6)
    assert proposal.prompt_sha256 == load_prompt("developer").sha256
    assert played.bench.files[0]["recipe.py"] == proposal.files["recipe.py"]


def test_the_journal_tells_the_session_to_a_person_and_as_a_trace(new_briefing: Callable[..., Briefing]) -> None:
    played = Played(session(edits(), TRY, proposes()))
    played.developer.propose(new_briefing())
    entries = played.journal.read("round-01")
    assert [entry.kind for entry in entries] == [
        "asked",
        "call",
        "asked",
        "result",
        "call",
        "asked",
        "result",
        "call",
        "result",
    ]
    told = transcript("round-01", entries)
    assert load_prompt("developer").text.splitlines()[0] in told
    assert "metric epoch=1 loss=0.5" in told
    assert "3 calls of claude-opus-5-5, 3,300 tokens" in told
    names = [span.name for span in spans_of(entries) if span.kind == "TOOL"]
    assert names == [f"tool {PREFIX}{name}" for name in ("str_replace_based_edit_tool", "train_briefly", "propose")]
    assert entries[6].data["seconds"] == 12.0


def test_what_was_handed_in_before_a_kill_is_not_paid_for_again(new_briefing: Callable[..., Briefing]) -> None:
    first = Played(session(edits(), proposes()))
    proposal = first.developer.propose(new_briefing())
    resumed = Played(journal=first.journal)
    assert resumed.developer.propose(new_briefing()) == proposal
    assert resumed.agent.asks == []


def test_a_session_that_a_kill_ended_is_begun_again_and_belongs_to_the_round(
    new_briefing: Callable[..., Briefing],
) -> None:
    killed = Played(session(edits(), TRY, TRY, TRY))
    killed.bench = ScriptedWorkbench(GOOD)
    killed.developer._workbench = killed.bench
    with pytest.raises(StopIteration):  # the process ends in the second trial
        killed.developer.propose(new_briefing())
    whole = Played(session(edits(), proposes()), journal=killed.journal)
    proposal = whole.developer.propose(new_briefing())
    assert proposal is not None
    assert proposal.tokens == 5 * 1100
    assert whole.agent.asks[0].max_turns == killed.agent.asks[0].max_turns - 3


def test_a_failed_attempt_is_mended_in_a_session_that_finds_its_files(new_briefing: Callable[..., Briefing]) -> None:
    briefing = new_briefing()
    played = Played(session(edits(), proposes()), session(edits("0.05", "0.02"), proposes(rationale="less decay")))
    first = played.developer.propose(briefing)
    assert first is not None
    failure = Failure(
        kind=FailureKind.CODE_ERROR, diagnosis="it crashed: ValueError", log_tail="Traceback ... Ada Lovelace", seconds_left=60.0
    )  # fmt: skip
    mended = played.developer.mend(briefing, first, failure)
    assert mended is not None
    assert "weight_decay: float = 0.02" in mended.files["recipe.py"]
    assert (mended.mended, mended.hypothesis) == ("less decay", first.hypothesis)
    assert first.tokens == mended.tokens == 2 * 1100
    told = played.agent.asks[1].words
    assert "Traceback ... [withheld]" in told
    assert "it crashed: ValueError" in told
    assert "weight decay 0.05" in told


def test_nothing_left_ends_the_rounds(new_briefing: Callable[..., Briefing]) -> None:
    assert Played(session(nothing_left())).developer.propose(new_briefing()) is None


def test_a_session_that_hands_in_nothing_gives_up_with_its_costs(new_briefing: Callable[..., Briefing]) -> None:
    played = Played(session(edits(), replies.text("That is all.")))
    proposal = played.developer.propose(new_briefing())
    assert proposal is not None
    assert "without handing in" in proposal.gave_up
    assert proposal.tokens == 2 * 1100


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Outcome(ended="max_turns"), "60 turns"),
        (Outcome(ended="max_dollars"), "SDK's own prices"),
        (Outcome(ended="timeout", message="It still worked after 9 seconds."), "after 9 seconds"),
    ],
)
def test_a_limit_of_the_session_fails_the_round(
    new_briefing: Callable[..., Briefing], end: Outcome, words: str
) -> None:
    assert words in gave_up(Played(session(edits(), end=end)), new_briefing())


def test_a_refusal_fails_the_round(new_briefing: Callable[..., Briefing]) -> None:
    assert "refused" in gave_up(Played(session(replies.refusal("No."))), new_briefing())


def test_a_service_that_fails_lets_the_round_be_gone_on_with_and_a_refused_key_does_not(
    new_briefing: Callable[..., Briefing],
) -> None:
    with pytest.raises(ServiceUnavailable, match="exit code 1"):
        Played(session(end=Outcome(ended="service", message="exit code 1"))).developer.propose(new_briefing())
    with pytest.raises(AgentUnusable, match="key for the language model is refused"):
        Played(session(end=Outcome(ended="refused_request", status=401))).developer.propose(new_briefing())


def test_the_same_use_again_and_again_ends_the_session(new_briefing: Callable[..., Briefing]) -> None:
    view = replies.tool(PREFIX + "str_replace_based_edit_tool", command="view", path="train.py")
    played = Played(session(*[view] * (MOST_REPETITIONS + 5)))
    assert "with the same input" in gave_up(played, new_briefing())
    assert played.purse.spent().calls == MOST_REPETITIONS


def test_a_cap_is_kept_before_the_first_call_and_before_each_next_one(new_briefing: Callable[..., Briefing]) -> None:
    small = Decimal("0.0001")
    played = Played(caps=Caps(conversation_dollars=small))
    assert "round's" in gave_up(played, new_briefing())
    assert played.agent.asks == []
    with pytest.raises(SpendingCapReached, match="study's"):
        Played(caps=Caps(study_dollars=small)).developer.propose(new_briefing())
    views = [
        replies.tool(PREFIX + "str_replace_based_edit_tool", command="view", path="train.py", view_range=[1, 1 + line])
        for line in range(50)
    ]
    cap = Decimal("0.50")
    dear = Usage(input_tokens=10_000, output_tokens=500)
    long = Played(session(*views, usage=dear), caps=Caps(conversation_dollars=cap))
    assert "round's" in gave_up(long, new_briefing())
    assert 1 < long.purse.spent().calls < 50
    assert long.purse.spent().dollars <= cap
    assert long.agent.asks[0].max_dollars == cap


def test_tokens_that_the_sdk_counts_and_does_not_show_are_paid_too(new_briefing: Callable[..., Briefing]) -> None:
    counted = Outcome(ended="completed", usage={VOICE.model: Usage(input_tokens=2500, output_tokens=200)})
    played = Played(session(edits(), proposes(), end=counted))
    proposal = played.developer.propose(new_briefing())
    assert proposal is not None
    assert proposal.tokens == 2 * 1100 + 500
    assert "beyond the calls that it showed" in transcript("round-01", played.journal.read("round-01"))


def test_the_model_is_told_what_the_other_back_end_tells_it_and_offered_its_tools_alone(
    new_briefing: Callable[..., Briefing],
) -> None:
    from agents.claude import context, tools  # noqa: PLC0415

    briefing = new_briefing()
    played = Played(session(nothing_left()))
    played.developer.propose(briefing)
    ask = played.agent.asks[0]
    assert all(block["text"] in ask.words for block in context.opening(briefing, lambda text: text))
    assert ask.system == "\n\n".join(
        block["text"] for block in context.standing(briefing, load_prompt("developer").text)
    )
    assert [item["name"] for item in ask.tools] == [item["name"] for item in tools.definitions()]
    assert all(item["input_schema"]["type"] == "object" and item["description"] for item in ask.tools)


def test_an_edit_is_mended_in_the_round_that_proposed_it_also_where_others_are_under_way(
    new_briefing: Callable[..., Briefing],
) -> None:
    played = Played(session(edits(), proposes()), session(edits("0.05", "0.02"), proposes(rationale="less decay")))
    briefing = new_briefing()
    proposal = played.developer.propose(replace(briefing, under_way=(Hypothesis(title="other", technique="o"),)))
    assert proposal is not None
    failure = Failure(kind=FailureKind.CODE_ERROR, diagnosis="it crashed", log_tail="", seconds_left=60.0)
    assert played.developer.mend(briefing, proposal, failure) is not None
    assert {name for name, _ in played.journal.all()} == {"round-02"}


def test_an_edit_of_another_developer_is_not_mended(new_briefing: Callable[..., Briefing]) -> None:
    taken_back = Proposal(hypothesis=Hypothesis(title="taken back", technique="ablation"), files={"recipe.py": "x"})
    failure = Failure(kind=FailureKind.CODE_ERROR, diagnosis="it crashed", log_tail="", seconds_left=60.0)
    assert Played().developer.mend(new_briefing(), taken_back, failure) is None


@pytest.mark.parametrize("given", [{"seconds": float("inf")}, {"seconds": 20, "note": "\ud800"}])
def test_an_input_that_no_request_can_carry_is_told_as_unreadable(
    new_briefing: Callable[..., Briefing], given: dict[str, object]
) -> None:
    strange = replies.tool(PREFIX + "train_briefly", **given)
    played = Played(session(strange, edits(), proposes()))
    assert played.developer.propose(new_briefing()) is not None
    entries = played.journal.read("round-01")
    json.dumps([entry.data for entry in entries], allow_nan=False, ensure_ascii=False).encode()
    assert next(entry for entry in entries if entry.kind == "result").data["is_error"]
    assert played.bench.files == []


def test_a_session_that_a_kill_ends_within_a_call_counts_with_what_the_call_can_have_cost(
    new_briefing: Callable[..., Briefing],
) -> None:
    class Killed(ScriptedCodingAgent):
        def hold(self, ask: Ask, listener: Listener) -> Outcome:
            raise KeyboardInterrupt

    played = Played()
    played.developer._agent = Killed([])
    with pytest.raises(KeyboardInterrupt):
        played.developer.propose(new_briefing())
    bound = Decimal(played.journal.read("round-01")[0].data["dollars"])
    assert bound > Decimal("0.08")  # 4,000 tokens of reply
    whole = Played(session(edits(), proposes()), journal=played.journal)
    assert whole.developer.propose(new_briefing()) is not None
    assert whole.purse.spent().dollars == bound + 2 * (1000 * Decimal(4) + 100 * Decimal(20)) / 1_000_000
    assert "of which no end is known" in transcript("round-01", played.journal.read("round-01"))


def test_a_package_that_is_missing_costs_nothing(new_briefing: Callable[..., Briefing]) -> None:
    class Missing(ScriptedCodingAgent):
        def hold(self, ask: Ask, listener: Listener) -> Outcome:
            raise AgentUnusable("the program is missing")

    played = Played()
    played.developer._agent = Missing([])
    with pytest.raises(AgentUnusable, match="missing"):
        played.developer.propose(new_briefing())
    assert played.purse.spent().dollars == 0
