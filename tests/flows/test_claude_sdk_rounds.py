"""The agent claude-sdk in the flows: what it needs, what it may run in, and rounds that the real package develops."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from agents.claude import scripted_replies as replies
from agents.claude.dialogue import Voice
from agents.claude.prices import load_prices
from agents.claude.prompts import load_prompt
from agents.claude.scripted_server import ScriptedServer
from agents.claude.spending import Caps, Purse
from agents.claude_sdk.developer import SdkDeveloper
from agents.claude_sdk.door import AgentSdk
from agents.claude_sdk.session import PREFIX
from flows.attempt import Workshop
from flows.composition import check_agent, sandbox_of
from flows.improve_model import run_rounds
from flows.settings import Settings
from tasks.conversations import Conversations
from tasks.domain.errors import AgentUnusable, RequestError, SandboxMissing
from tasks.domain.round import Verdict
from tasks.withholding import Withholder
from tasks.workbench import SandboxWorkbench

PRICES = load_prices()


def test_it_is_named_among_the_agents_and_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="claude-sdk"):
        check_agent("oracle")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    lacks = "set ANTHROPIC_API_KEY" if importlib.util.find_spec("claude_agent_sdk") else "pip install"
    with pytest.raises(AgentUnusable, match=lacks):
        check_agent("claude-sdk")


def test_its_code_does_not_run_in_a_sandbox_that_does_not_isolate() -> None:
    with pytest.raises(SandboxMissing):
        sandbox_of("local", trusted_code=False, settings=Settings())


def edit(old: str, new: str, path: str = "recipe.py") -> replies.ScriptedReply:
    editor = PREFIX + "str_replace_based_edit_tool"
    return replies.tool(editor, command="str_replace", path=path, old_str=old, new_str=new)


def create(path: str, text: str) -> replies.ScriptedReply:
    return replies.tool(PREFIX + "str_replace_based_edit_tool", command="create", path=path, file_text=text)


def propose(title: str, **more: object) -> replies.ScriptedReply:
    given = {
        "title": title, "technique": title.replace(" ", "_"), "settings": [], "rationale": "The log says so.",
        "expected_effect": "A higher score.", "source": "", "only_removes": False, **more,
    }  # fmt: skip
    return replies.tool(PREFIX + "propose", **given)


def test_it_tries_code_mends_a_crash_and_its_bill_is_the_servers_own(workshop: Callable[..., Workshop]) -> None:
    pytest.importorskip("claude_agent_sdk", reason="the extra claude-sdk is not installed")
    script = [
        replies.tool(PREFIX + "run_command", command="python -c 'import recipe; print(recipe.Recipe().noise)'", seconds=10),
        create("loss.py", "x = 1\n"), edit("recipe = Recipe()", "import loss; recipe = Recipe(); loss.y", "train.py"), propose("a loss"),
        create("loss.py", "y = 1\n"), edit("noise: float = 120.0", "noise: float = 5.0"), propose("a loss", rationale="the name is y"),
        replies.tool(PREFIX + "nothing_left", reason="no further gain is worth a round"),
    ]  # fmt: skip
    with ScriptedServer(script, key="secret") as server:
        work = workshop([])
        withholder = Withholder(pd.read_parquet(work.study.path("manifest.parquet")))
        bench = SandboxWorkbench(
            study=work.study, codebase=work.codebase, sandbox=work.bench.sandbox, machine=work.bench.machine,
            folder=work.study.path("trial"), cache=work.study.path("trial-cache"), seed=0, withholder=withholder,
        )  # fmt: skip
        journal = Conversations(work.study.path("conversations"))
        purse = Purse(PRICES, Caps(), journal)
        voice = Voice(model="claude-opus-5-5", effort="high", max_tokens=2_000)
        developer = SdkDeveloper(
            AgentSdk(api_key="secret", base_url=server.url), voice, bench, load_prompt("developer"),
            journal=journal, purse=purse, withhold=withholder.withhold,
        )  # fmt: skip
        protocol = replace(work.bench.protocol, max_rounds=3, train_seconds=60.0)
        rounds = run_rounds(replace(work, bench=replace(work.bench, protocol=protocol), developer=developer))
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.KEPT]
    assert "mended: the name is y" in rounds[1].mends[0]
    told = [str(request.body["messages"]) for request in server.requests]
    assert "120.0" in told[1]
    assert "AttributeError" in told[4]
    assert purse.spent().usage == server.usage_total
    assert purse.spent().dollars == server.dollars(PRICES)
    assert rounds[1].tokens == purse.spent("round-01").usage.total
    assert "nothing left" in work.study.text("ended.txt")
