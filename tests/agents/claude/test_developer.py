from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from agents.claude.context import KNOWN_FACTS, LONGEST_REASON, LONGEST_TITLE
from agents.claude.developer import MOST_IDLE_TURNS, MOST_TURNS, ClaudeDeveloper
from agents.claude.dialogue import Office, Voice
from agents.claude.exchange import Block, Reply, ScriptedLanguageModel, Usage
from agents.claude.handing_in import MOST_REPETITIONS
from agents.claude.journal import Journal, MemoryJournal
from agents.claude.prices import load_prices
from agents.claude.prompts import load_prompt
from agents.claude.spending import Caps, Purse
from agents.developer import Briefing
from tasks.domain.errors import SpendingCapReached
from tasks.domain.failure import Failure, FailureKind
from tasks.domain.round import Judgement, Proposal, Verdict
from tasks.domain.trial import ScriptedWorkbench, Trial

VOICE = Voice(model="claude-opus-5-5", effort="high", max_tokens=4_000)
EDIT = {
    "command": "str_replace",
    "path": "recipe.py",
    "old_str": "weight_decay: float = 0.01",
    "new_str": "weight_decay: float = 0.05",
}
PROPOSE = {
    "title": "weight decay 0.05", "technique": "weight_decay", "settings": [{"name": "weight_decay", "value": 0.05}],
    "rationale": "The gap between training and validation grows.", "expected_effect": "A smaller gap.", "source": "", "only_removes": False,
}  # fmt: skip
GOOD = Trial(ended="ok", exit_code=0, seconds=12.0, output="metric epoch=1 loss=0.5")
_ids = itertools.count()


def use(name: str, given: object) -> Block:
    return {"type": "tool_use", "id": f"toolu_{next(_ids)}", "name": name, "input": given}


def says(*blocks: Block | str, stop: str = "") -> Reply:
    content = tuple({"type": "text", "text": block} if isinstance(block, str) else block for block in blocks)
    used = any(block["type"] == "tool_use" for block in content)
    return Reply(
        content=content, stop_reason=stop or ("tool_use" if used else "end_turn"), model=VOICE.model, seconds=1.0,
        usage=Usage(input_tokens=1000, output_tokens=100),
    )  # fmt: skip


def edits(given: dict[str, object] = EDIT) -> Reply:
    return says(use("str_replace_based_edit_tool", given))


def proposes(**changes: object) -> Reply:
    return says(use("propose", {**PROPOSE, **changes}))


class Played:
    """A developer on a script, with what it was given."""

    def __init__(
        self,
        *replies: Reply,
        journal: Journal | None = None,
        bench: ScriptedWorkbench | None = None,
        caps: Caps | None = None,
    ) -> None:
        self.model = ScriptedLanguageModel(*replies)
        self.journal = MemoryJournal() if journal is None else journal
        self.bench = ScriptedWorkbench(GOOD, GOOD) if bench is None else bench
        purse = Purse(load_prices(), caps or Caps(), self.journal)
        office = Office(language_model=self.model, journal=self.journal, purse=purse, sleep=lambda _: None)
        self.developer = ClaudeDeveloper(
            office,
            VOICE,
            self.bench,
            load_prompt("developer"),
            withhold=lambda text: text.replace("Ada Lovelace", "[withheld]"),
        )

    def last_results(self) -> str:
        return "\n".join(str(block.get("content")) for block in self.model.bodies[-1]["messages"][-1]["content"])


def test_what_is_edited_and_handed_in_is_the_proposal(new_briefing: Callable[..., Briefing]) -> None:
    briefing = new_briefing()
    played = Played(edits(), says(use("train_briefly", {"seconds": 20})), proposes())
    proposal = played.developer.propose(briefing)
    assert proposal is not None
    assert set(proposal.files) == {"recipe.py"}
    assert "weight_decay: float = 0.05" in proposal.files["recipe.py"]
    assert proposal.hypothesis.title == "weight decay 0.05"
    assert proposal.hypothesis.settings == {"weight_decay": 0.05}
    assert proposal.tokens == 3 * 1100
    assert proposal.dollars == pytest.approx(3 * (1000 * 4 + 100 * 20) / 1e6)
    assert proposal.prompt_sha256 == load_prompt("developer").sha256
    assert played.bench.files[0]["recipe.py"] == proposal.files["recipe.py"]
    assert "metric epoch=1" in str(played.model.bodies[2])


def test_a_killed_process_asks_for_nothing_that_was_answered(new_briefing: Callable[..., Briefing]) -> None:
    briefing, replies = new_briefing(), (edits(), says(use("train_briefly", {"seconds": 20})), proposes())
    killed = Played(*replies[:2])
    with pytest.raises(StopIteration):  # the process ends before the third reply
        killed.developer.propose(briefing)
    resumed = Played(replies[2], journal=killed.journal, bench=ScriptedWorkbench())
    proposal = resumed.developer.propose(briefing)
    assert len(resumed.model.bodies) == 1
    assert resumed.bench.commands == []
    assert proposal is not None
    assert "weight_decay: float = 0.05" in proposal.files["recipe.py"]
    assert proposal.tokens == 3 * 1100
    again = Played(journal=killed.journal, bench=ScriptedWorkbench()).developer.propose(briefing)
    assert again == proposal


def test_a_failed_attempt_goes_back_with_its_log_and_is_mended(new_briefing: Callable[..., Briefing]) -> None:
    briefing = new_briefing()
    second = {**EDIT, "old_str": "weight_decay: float = 0.05", "new_str": "weight_decay: float = 0.02"}
    played = Played(edits(), proposes(), edits(second), proposes(rationale="less decay"))
    first = played.developer.propose(briefing)
    assert first is not None
    failure = Failure(
        kind=FailureKind.CODE_ERROR,
        diagnosis="it crashed: ValueError",
        log_tail="Traceback ... Ada Lovelace",
        seconds_left=60.0,
    )
    mended = played.developer.mend(briefing, first, failure)
    assert mended is not None
    assert "weight_decay: float = 0.02" in mended.files["recipe.py"]
    assert (mended.mended, mended.hypothesis) == ("less decay", first.hypothesis)
    assert first.tokens == mended.tokens == 2 * 1100
    told = str(played.model.bodies[2]["messages"][-1])
    assert "Traceback ... [withheld]" in told
    assert "it crashed: ValueError" in told


def test_nothing_left_ends_the_rounds(new_briefing: Callable[..., Briefing]) -> None:
    assert Played(says(use("nothing_left", {"reason": "no gain expected"}))).developer.propose(new_briefing()) is None


def gave_up(played: Played, briefing: Briefing) -> str:
    proposal = played.developer.propose(briefing)
    assert proposal is not None
    assert proposal.files == {}
    assert proposal.tokens == len(played.model.bodies) * 1100
    return proposal.gave_up


def test_talk_without_tools_ends(new_briefing: Callable[..., Briefing]) -> None:
    played = Played(*[says("Let me think.")] * MOST_IDLE_TURNS)
    assert "without using a tool" in gave_up(played, new_briefing())


def test_the_same_use_of_a_tool_again_and_again_ends(new_briefing: Callable[..., Briefing]) -> None:
    played = Played(*(edits({"command": "view", "path": "train.py"}) for _ in range(MOST_REPETITIONS)))
    assert "with the same input" in gave_up(played, new_briefing())


def test_the_same_mistake_in_other_words_ends(new_briefing: Callable[..., Briefing]) -> None:
    briefing = new_briefing()
    played = Played(
        *(says(use("propose", {**PROPOSE, "title": f"try {number}"})) for number in range(MOST_REPETITIONS))
    )
    assert "you changed no file" in gave_up(played, briefing)


def test_a_conversation_that_never_ends_is_ended(new_briefing: Callable[..., Briefing]) -> None:
    played = Played(
        *(edits({"command": "view", "path": "train.py", "view_range": [1, 1 + number]}) for number in range(MOST_TURNS))
    )
    assert f"{MOST_TURNS} turns" in gave_up(played, new_briefing())


def test_a_refusal_ends(new_briefing: Callable[..., Briefing]) -> None:
    assert "refused" in gave_up(Played(says("I will not.", stop="refusal")), new_briefing())


def test_a_cap_of_a_round_fails_the_round_and_one_of_the_study_ends_the_rounds(
    new_briefing: Callable[..., Briefing],
) -> None:
    small = Decimal("0.0001")
    assert "round's" in gave_up(Played(caps=Caps(conversation_dollars=small)), new_briefing())
    with pytest.raises(SpendingCapReached, match="study's"):
        Played(caps=Caps(study_dollars=small)).developer.propose(new_briefing())


def test_a_use_of_a_tool_that_was_cut_off_is_not_carried_out(new_briefing: Callable[..., Briefing]) -> None:
    cut = says(
        use("str_replace_based_edit_tool", {"command": "create", "path": "loss.py", "file_text": "half"}),
        stop="max_tokens",
    )
    played = Played(cut, edits(), proposes())
    proposal = played.developer.propose(new_briefing())
    assert proposal is not None
    assert set(proposal.files) == {"recipe.py"}
    assert "cut off" in str(played.model.bodies[1]["messages"][-1])


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("open_holdout", {}, "there is no tool 'open_holdout'"),
        ("run_command", {"command": "ls"}, "seconds: Field required"),
        ("run_command", {"command": "ls", "seconds": 9999}, "at most 300"),
        ("run_command", "ls", "not valid"),
        ("train_briefly", {"seconds": 46}, "only 45 seconds are left"),
        ("read_round", {"number": 7, "part": "log"}, "rounds 0 to 0"),
        ("read_round", {"number": 0, "part": "labels"}, "not valid"),
        ("str_replace_based_edit_tool", {"command": "create", "path": "contract.py", "file_text": ""}, "locked"),
        ("str_replace_based_edit_tool", {"command": "create", "path": "../../holdout/labels.csv", "file_text": ""}, "outside"),
        ("str_replace_based_edit_tool", "view", "must be an object"),
        ("propose", {"title": "x"}, "technique: Field required"),
        ("propose", PROPOSE, "you changed no file"),
        ("propose", {**PROPOSE, "settings": [{"name": "weight (mel)", "value": 2}]}, "snake case"),
        ("propose", {**PROPOSE, "settings": [{"name": "x" * 65, "value": 2}]}, "snake case"),
    ],
)  # fmt: skip
def test_a_misused_tool_is_told_as_an_error_and_the_round_goes_on(
    new_briefing: Callable[..., Briefing], name: str, given: object, words: str
) -> None:
    played = Played(says(use(name, given)), edits(), proposes())
    proposal = played.developer.propose(new_briefing())
    assert proposal is not None
    assert set(proposal.files) == {"recipe.py"}
    result = played.model.bodies[1]["messages"][-1]["content"][0]
    assert result["is_error"]
    assert words in result["content"]


def test_two_ends_at_once_are_none(new_briefing: Callable[..., Briefing]) -> None:
    both = says(use("propose", PROPOSE), use("nothing_left", {"reason": "done"}))
    assert Played(edits(), both, proposes()).developer.propose(new_briefing()) is not None


def test_code_that_was_tried_is_sent_back(
    new_briefing: Callable[..., Briefing], after: Callable[..., Briefing]
) -> None:
    briefing = new_briefing()
    first = Played(edits(), proposes()).developer.propose(briefing)
    later = after(briefing, first, Verdict.REJECTED, -0.01)
    other = {**EDIT, "old_str": "weight_decay: float = 0.05", "new_str": "weight_decay: float = 0.07"}
    played = Played(edits(), proposes(), edits(other), proposes())
    second = played.developer.propose(later)
    assert second is not None
    assert "0.07" in second.files["recipe.py"]
    assert "tried in an earlier round" in str(played.model.bodies[2]["messages"][-1])


def test_rounds_at_the_same_time_have_conversations_of_their_own(new_briefing: Callable[..., Briefing]) -> None:
    briefing = new_briefing()
    other = {**EDIT, "new_str": "weight_decay: float = 0.07"}
    played = Played(edits(), proposes(), edits(other), proposes(title="more decay"))
    first = played.developer.propose(briefing)
    assert first is not None
    second = played.developer.propose(replace(briefing, under_way=(first.hypothesis,)))
    assert second is not None
    assert {name for name, _ in played.journal.all()} == {"round-01", "round-02"}
    assert "weight decay 0.05" in str(played.model.bodies[2]["messages"][0])


def test_what_all_rounds_share_comes_first_and_is_the_same_byte_for_byte(
    new_briefing: Callable[..., Briefing], after: Callable[..., Briefing]
) -> None:
    briefing = new_briefing(rounds=30)
    first = Played(edits(), proposes())
    proposal = first.developer.propose(briefing)
    later = briefing
    for _ in range(29):
        later = after(later, Proposal(hypothesis=proposal.hypothesis, files={}), Verdict.REJECTED, -0.01)
    last = Played(says(use("nothing_left", {"reason": "done"})))
    last.developer.propose(later)
    one, other = first.model.bodies[0], last.model.bodies[0]
    assert (one["system"], one["tools"]) == (other["system"], other["tools"])
    assert one["messages"][0]["content"][0] == other["messages"][0]["content"][0]
    assert len(str(other)) < 1.2 * len(str(one))


def test_an_edit_that_changes_code_is_no_simplification_for_which_a_tie_would_do(
    new_briefing: Callable[..., Briefing],
) -> None:
    away = {"command": "str_replace", "path": "train.py", "old_str": "    model.train()\n", "new_str": ""}
    undo = {**EDIT, "old_str": EDIT["new_str"], "new_str": EDIT["old_str"]}
    played = Played(edits(), proposes(only_removes=True), edits(undo), edits(away), proposes(only_removes=True))
    proposal = played.developer.propose(new_briefing())
    assert proposal is not None
    assert proposal.hypothesis.simplification
    assert set(proposal.files) == {"train.py"}
    assert "takes code away and neither adds nor changes" in str(played.model.bodies[2]["messages"][-1])


def failure_with(log: str) -> Failure:
    return Failure(kind=FailureKind.CODE_ERROR, diagnosis="it crashed", log_tail=log, seconds_left=60.0)


def test_a_mend_that_hands_in_what_failed_is_sent_back(new_briefing: Callable[..., Briefing]) -> None:
    briefing, second = (
        new_briefing(),
        {**EDIT, "old_str": "weight_decay: float = 0.05", "new_str": "weight_decay: float = 0.02"},
    )
    played = Played(edits(), proposes(), proposes(), edits(second), proposes(rationale="less"))
    first = played.developer.propose(briefing)
    assert first is not None
    mended = played.developer.mend(briefing, first, failure_with("x"))
    assert mended is not None
    assert "this is the code that failed" in str(played.model.bodies[3]["messages"][-1])
    assert mended.mended == "less"


def test_a_mend_that_was_paid_for_is_not_asked_for_again_though_the_failure_reads_otherwise_after_a_kill(
    new_briefing: Callable[..., Briefing],
) -> None:
    briefing, second = (
        new_briefing(),
        {**EDIT, "old_str": "weight_decay: float = 0.05", "new_str": "weight_decay: float = 0.02"},
    )
    killed = Played(edits(), proposes(), edits(second), proposes(rationale="less"))
    first = killed.developer.propose(briefing)
    assert first is not None
    mended = killed.developer.mend(briefing, first, failure_with("after 12.3 s"))
    resumed = Played(journal=killed.journal, bench=ScriptedWorkbench())
    again = resumed.developer.propose(briefing)
    assert again is not None
    later = resumed.developer.mend(briefing, again, failure_with("after 45.6 s"))
    assert later is not None
    assert mended is not None
    assert (again.files, later.files) == (first.files, mended.files)
    assert again.tokens + later.tokens == first.tokens + mended.tokens
    assert resumed.model.bodies == []


def test_a_cap_of_the_study_within_a_mend_leaves_its_costs_with_the_round(
    new_briefing: Callable[..., Briefing],
) -> None:
    briefing = new_briefing()
    played = Played(
        edits(),
        proposes(),
        edits({**EDIT, "old_str": "0.05", "new_str": "0.02"}),
        caps=Caps(study_dollars=Decimal("0.80")),
    )
    first = played.developer.propose(briefing)
    assert first is not None
    played.developer._office.purse._caps = Caps(
        study_dollars=played.developer._office.purse.spent().dollars + Decimal("0.0000001")
    )
    mended = played.developer.mend(briefing, first, failure_with("x"))
    assert mended is not None
    assert "study's" in mended.gave_up
    assert mended.files == {}


def opening_of(briefing: Briefing) -> str:
    played = Played(says(use("nothing_left", {"reason": "done"})))
    played.developer.propose(briefing)
    return str(played.model.bodies[0])


def test_a_name_is_withheld_before_a_reason_is_cut(new_briefing: Callable[..., Briefing]) -> None:
    briefing = new_briefing()
    reason = "x" * (LONGEST_REASON - 5) + " Ada Lovelace"
    failed = replace(
        briefing.history[0], number=1, judgement=Judgement(verdict=Verdict.FAILED, reason=reason), score=math.nan
    )
    under_way = replace(failed.hypothesis, title="y" * (LONGEST_TITLE - 5) + " Ada Lovelace")
    told = opening_of(replace(briefing, history=(*briefing.history, failed), under_way=(under_way,)))
    assert "xxxx" in told
    assert "yyyy" in told
    assert not re.search(r"\bAda\b", told)


def test_of_what_code_prints_about_itself_only_known_names_are_shown(new_briefing: Callable[..., Briefing]) -> None:
    told = opening_of(
        new_briefing(facts={"loss": 0.25, "images_per_second": 400.0, "ignore_all_rules": 1.0, "Lovelace": 2.0})
    )
    assert "loss 0.25, images_per_second 400" in told
    assert "ignore_all_rules" not in told
    assert "Lovelace" not in told


def test_every_name_that_template_and_techniques_print_is_known(request: pytest.FixtureRequest) -> None:
    root = request.config.rootpath
    files = [root / "model_templates/classification/train.py", *(root / "agents/playbook/techniques").glob("*.py")]
    calls = [
        call
        for path in files
        for call in re.findall(r"print_metrics\((.*?)\n? *\)\s", path.read_text() + "\n", re.DOTALL)
    ]
    printed = {name for call in calls for name in re.findall(r"(\w+)=", call)}
    assert len(printed) >= 8
    assert printed <= KNOWN_FACTS


def test_it_is_told_whether_its_commands_see_images(new_briefing: Callable[..., Briefing]) -> None:
    assert "it finds no $ROUNDS_DATA" in opening_of(new_briefing())
    allowed = opening_of(replace(new_briefing(), allow_images=True))
    assert "their owner allows" in allowed
    assert "it finds no $ROUNDS_DATA" not in allowed
