"""The real package, its program and HTTP, against a server on this machine that plays the model."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from agents.claude import scripted_replies as replies
from agents.claude.dialogue import Voice
from agents.claude.journal import MemoryJournal
from agents.claude.prices import load_prices
from agents.claude.prompts import load_prompt
from agents.claude.scripted_server import ScriptedServer
from agents.claude.spending import Caps, Purse
from agents.claude_sdk.developer import SdkDeveloper
from agents.claude_sdk.door import AgentSdk, check_installed
from agents.claude_sdk.offered_tools import offered_tools
from agents.claude_sdk.session import PREFIX, Ask
from agents.developer import Briefing
from tasks.domain.errors import AgentUnusable, ServiceUnavailable
from tasks.domain.round import Proposal
from tasks.domain.trial import ScriptedWorkbench, Trial

PRICES = load_prices()
VOICE = Voice(model="claude-opus-5-5", effort="high", max_tokens=2_000)
GOOD = Trial(ended="ok", exit_code=0, seconds=12.0, output="metric epoch=1 loss=0.5")
VIEW = replies.tool(PREFIX + "str_replace_based_edit_tool", command="view", path="recipe.py")
EDIT = replies.tool(
    PREFIX + "str_replace_based_edit_tool", command="str_replace", path="recipe.py",
    old_str="weight_decay: float = 0.01", new_str="weight_decay: float = 0.05",
)  # fmt: skip
TRY = replies.tool(PREFIX + "train_briefly", seconds=20)
PROPOSE = replies.tool(
    PREFIX + "propose", title="weight decay 0.05", technique="weight_decay", settings=[{"name": "weight_decay", "value": 0.05}],
    rationale="The gap grows.", expected_effect="A smaller gap.", source="", only_removes=False,
)  # fmt: skip
NEVER = replies.text("This call should not be made.")


def test_a_missing_package_is_told_with_how_to_install_it() -> None:
    if importlib.util.find_spec("claude_agent_sdk"):
        pytest.skip("the package is installed")
    with pytest.raises(AgentUnusable, match=r"pip install 'rounds\[claude-sdk\]'"):
        check_installed()


def test_nothing_of_this_process_but_key_and_address_is_handed_on(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("CLAUDE_CODE_USE_BEDROCK", "1")
    ask = Ask(
        system="", words="", tools=offered_tools(), model="m", effort="", max_tokens=1, max_turns=1, max_dollars=None, seconds=1.0
    )  # fmt: skip
    given = AgentSdk(api_key="secret", base_url="http://gateway").environment(tmp_path, ask)
    assert given["AWS_SECRET_ACCESS_KEY"] == given["CLAUDE_CODE_USE_BEDROCK"] == ""
    assert (given["ANTHROPIC_API_KEY"], given["ANTHROPIC_BASE_URL"]) == ("secret", "http://gateway")
    assert given["HOME"] == str(tmp_path)


class Developed:
    """A developer whose sessions are the real SDK's."""

    def __init__(self, server: ScriptedServer, *, caps: Caps | None = None, key: str = "secret") -> None:
        self.journal = MemoryJournal()
        self.purse = Purse(PRICES, caps or Caps(), self.journal)
        self.developer = SdkDeveloper(
            AgentSdk(api_key=key, base_url=server.url), VOICE, ScriptedWorkbench(GOOD, GOOD), load_prompt("developer"),
            journal=self.journal, purse=self.purse,
        )  # fmt: skip


@pytest.fixture
def develop(new_briefing: Callable[..., Briefing]) -> Callable[..., tuple[Developed, ScriptedServer, Proposal | None]]:
    """Return what proposes once on a script."""
    pytest.importorskip("claude_agent_sdk", reason="the extra claude-sdk is not installed")

    def run(*script: object, caps: Caps | None = None) -> tuple[Developed, ScriptedServer, Proposal | None]:
        with ScriptedServer(script[0] if callable(script[0]) else script, key="secret") as server:
            developed = Developed(server, caps=caps)
            return developed, server, developed.developer.propose(new_briefing())

    return run


def test_a_session_edits_tries_and_hands_in_and_its_bill_is_the_servers_own(develop) -> None:
    developed, server, proposal = develop(VIEW, EDIT, TRY, PROPOSE, NEVER)
    assert proposal is not None
    assert "weight_decay: float = 0.05" in proposal.files["recipe.py"]
    assert len(server.requests) == 4
    assert developed.purse.spent().usage == server.usage_total
    assert developed.purse.spent().dollars == server.dollars(PRICES) == Decimal(str(proposal.dollars))
    assert [entry.kind for entry in developed.journal.read("round-01")] == ["call", "result"] * 4


def test_the_model_has_our_tools_alone_and_hears_nothing_of_this_machine(
    develop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "planted-in-the-environment")
    script = [replies.tool("Bash", command="id"), replies.tool("Read", file_path="/etc/passwd"), EDIT, PROPOSE]
    _, server, proposal = develop(*script)
    assert proposal is not None
    for request in server.requests:
        names = {tool["name"] for tool in request.body["tools"]}
        assert names == {PREFIX + item["name"] for item in offered_tools()}
        said = json.dumps(request.body)
        assert "planted-in-the-environment" not in said
        assert "OS Version" not in said
        assert "working directory" not in said
    told = [str(request.body["messages"][-1]) for request in server.requests]
    assert "No such tool available: Bash" in told[1]
    assert "No such tool available: Read" in told[2]
    assert "root:" not in "".join(told)


def test_a_path_in_what_is_told_reads_no_file(develop, new_briefing, tmp_path) -> None:
    from dataclasses import replace  # noqa: PLC0415

    secret = tmp_path / "secret.txt"
    secret.write_text("planted-in-a-file")
    with ScriptedServer([replies.tool(PREFIX + "nothing_left", reason="done")], key="secret") as server:
        briefing = replace(new_briefing(), last_log=f"see @{secret} and /clear")
        assert Developed(server).developer.propose(briefing) is None
    assert "planted-in-a-file" not in json.dumps(server.requests[0].body)
    assert str(secret) in json.dumps(server.requests[0].body)


def test_a_busy_service_is_asked_again_and_it_is_in_the_record(develop) -> None:
    developed, _, proposal = develop(replies.status(529), EDIT, PROPOSE)
    assert proposal is not None
    assert [entry.data["kind"] for entry in developed.journal.read("round-01") if entry.kind == "fault"] == ["529"]


def test_a_cap_ends_the_session_before_the_call_that_might_pass_it(develop) -> None:
    def look(body: dict[str, object]) -> replies.ScriptedReply:
        lines = [1, 1 + len(body["messages"])]
        return replies.tool(PREFIX + "str_replace_based_edit_tool", command="view", path="train.py", view_range=lines)

    cap = Decimal("0.40")
    developed, server, proposal = develop(look, caps=Caps(conversation_dollars=cap))
    assert proposal is not None
    assert "the round's $0.40 is left" in proposal.gave_up
    assert developed.purse.spent().dollars == server.dollars(PRICES) <= cap


def test_a_refused_request_is_told_and_a_service_that_stays_away_is_waited_for(develop) -> None:
    with pytest.raises(AgentUnusable, match=r"refuses the request \(400\): Credit balance is too low"):
        develop(replies.status(400, message="credit balance is too low"))
    with pytest.raises(ServiceUnavailable, match="broke off"):
        develop(*[replies.status(500)] * 10)


def test_a_stream_that_breaks_off_is_a_fault_with_what_was_shown_of_it(develop) -> None:
    broken = replies.dropped_stream(replies.text("word " * 500), after_events=50)
    developed, server, proposal = develop(broken, EDIT, PROPOSE)
    assert proposal is not None
    kinds = [entry.kind for entry in developed.journal.read("round-01")]
    assert kinds == ["fault", "call", "result", "call", "result"]
    assert developed.purse.spent().usage.prompt == server.usage_total.prompt
