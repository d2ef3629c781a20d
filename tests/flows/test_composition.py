from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.composition import check_agent, prompts_of, sandbox_of
from flows.language_model import check_access, forecast_of, office_of, record_spending, voices_of
from flows.settings import Settings
from tasks.conversations import Conversations
from tasks.domain.conversation import Entry
from tasks.domain.errors import AgentUnusable, RequestError, SandboxMissing, SettingUnusable
from tasks.domain.request import Budget, Request
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.domain.spec import OperatingPoint, Spec
from tasks.storage import StudyFolder

WITH_KEY = Settings(ANTHROPIC_API_KEY=SecretStr("written"))


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder(tmp_path / "study")
    folder.write(Request(text="x", images=tmp_path, budget=Budget(rounds=8, dollars=2.5)), "request.json")
    return folder


def test_code_that_a_language_model_wrote_never_runs_in_the_sandbox_that_does_not_isolate() -> None:
    assert sandbox_of("local", trusted_code=True, settings=Settings()).isolates is False
    with pytest.raises(SandboxMissing, match="does not isolate"):
        sandbox_of("local", trusted_code=False, settings=Settings())


def test_trust_is_what_the_study_holds_and_not_what_a_file_in_it_says(study: StudyFolder) -> None:
    assert study.trusted_code
    study.write("claude\n", "agent")
    assert not study.trusted_code
    study.path("agent").unlink()
    assert study.trusted_code
    kept = Conversations(study.path("conversations"))
    kept.append("parse", Entry(kind="fault", key="a", data={}))
    assert study.trusted_code, "what the request means is no code"
    kept.append("round-01", Entry(kind="fault", key="a", data={}))
    assert not study.trusted_code
    study.write("playbook\n", "agent")
    assert not study.trusted_code


def test_a_round_or_a_spec_that_a_prompt_made_is_not_trusted(study: StudyFolder) -> None:
    edit = Hypothesis(title="less noise", technique="noise")
    first = Judgement(verdict=Verdict.BASELINE, reason="first")
    made = Round(number=0, hypothesis=edit, judgement=first, incumbent=-1, commit="0")
    study.write(made, "rounds", "00", "round.json")
    assert study.trusted_code
    study.write(replace(made, number=1, prompt_sha256="ab"), "rounds", "01", "round.json")
    assert not study.trusted_code
    study.path("rounds", "01", "round.json").unlink()
    assert study.trusted_code
    spec = Spec(
        task="binary_classification", classes=(), positive="", priorities=(), primary="auroc", secondary=(),
        operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive=""), prompts=(("developer", "ab"),),
    )  # fmt: skip
    study.write(spec, "spec.json")
    assert not study.trusted_code


def test_a_study_keeps_its_agent_and_one_from_before_agents_were_kept_is_the_playbooks(study: StudyFolder) -> None:
    assert study.agent == "playbook"
    study.write("claude\n", "agent")
    assert study.agent == "claude"


def test_an_agent_that_nobody_knows_is_refused() -> None:
    with pytest.raises(RequestError, match="choose one of: playbook, claude"):
        check_agent("oracle")


def test_the_prompts_are_part_of_the_record_of_claude_alone() -> None:
    assert prompts_of("playbook") == ()
    assert {name for name, _ in prompts_of("claude")} == {"semantic_parser", "task_initializer", "developer"}
    assert all(len(sha256) == 64 for _, sha256 in prompts_of("claude"))


@pytest.mark.parametrize("provider", ["anthropic", "foundry"])
def test_without_a_key_claude_cannot_be_asked(provider: str) -> None:
    settings = Settings(ANTHROPIC_API_KEY=SecretStr(""), claude_provider=provider)  # type: ignore[arg-type]
    with pytest.raises(AgentUnusable, match="set ANTHROPIC_API_KEY"):
        check_access(settings)


def test_each_role_may_have_a_model_of_its_own() -> None:
    settings = WITH_KEY.model_copy(update={"claude_developer_model": "claude-fable-5-2"})
    voices = voices_of(settings)
    assert (voices.parser.model, voices.developer.model) == ("claude-opus-5-5", "claude-fable-5-2")


def test_the_lower_of_the_caps_of_request_and_settings_holds(study: StudyFolder) -> None:
    office = office_of(WITH_KEY, study)
    assert office.purse._caps.study_dollars == Decimal("2.5")
    stricter = WITH_KEY.model_copy(update={"claude_study_dollars": 1.0})
    assert office_of(stricter, study).purse._caps.study_dollars == Decimal("1.0")


def test_the_forecast_names_rounds_model_and_caps(study: StudyFolder) -> None:
    sentence = forecast_of(WITH_KEY, study)
    assert sentence.startswith("8 rounds with claude-opus-5-5 will likely cost between $")
    assert "$2.50 a study or $5.00 a round" in sentence


def test_what_was_spent_is_written_by_conversation_and_exactly(study: StudyFolder) -> None:
    record_spending(WITH_KEY, study)
    assert study.spending() is None
    kept = Conversations(study.path("conversations"))
    usage = {
        "input_tokens": 10,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "cache_read_tokens": 90,
        "output_tokens": 3,
    }
    call = {"model": "claude-opus-5-5", "usage": usage, "seconds": 2.0}
    kept.append("parse", Entry(kind="call", key="a", data=call))
    kept.append("round-01", Entry(kind="call", key="b", data=call))
    kept.append("round-01", Entry(kind="fault", key="b", data={**call, "waited_seconds": 1.5}))
    record_spending(WITH_KEY, study)
    spending = study.spending()
    assert spending is not None
    once = (10 * Decimal(4) + 90 * Decimal("0.2") + 3 * Decimal(20)) / 1_000_000
    assert Decimal(spending.dollars) == 3 * once
    assert Decimal(spending.conversations["round-01"].dollars) == 2 * once
    assert (spending.tokens, spending.cached_tokens, spending.calls) == (309, 270, 2)
    assert spending.conversations["round-01"].seconds == 5.5


def test_a_study_that_asks_nothing_more_needs_no_price_list(study: StudyFolder) -> None:
    kept = Conversations(study.path("conversations"))
    data = {"model": "a-model-of-ours", "usage": {"input_tokens": 1_000_000}, "seconds": 1.0, "dollars": "4.0"}
    kept.append("round-01", Entry(kind="call", key="a", data=data))
    gone = WITH_KEY.model_copy(update={"claude_prices": Path("/nonexistent/prices.toml")})
    record_spending(gone, study)
    spending = study.spending()
    assert spending is not None
    assert spending.dollars == "4.0"


@pytest.mark.parametrize("name", ["study_dollars", "round_dollars", "study_hours", "round_minutes"])
@pytest.mark.parametrize("value", ["nan", "-1", "1e400", "much"])
def test_a_cap_that_is_no_amount_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    variable = f"ROUNDS_CLAUDE_{name.upper()}"
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingUnusable, match=f"the setting {variable} cannot be '"):
        Settings()


def test_a_key_that_cannot_be_sent_is_told_before_anything_is_begun() -> None:
    with pytest.raises(AgentUnusable, match="copy it anew"):
        check_access(WITH_KEY.model_copy(update={"anthropic_api_key": SecretStr("sk-abc\n")}))
