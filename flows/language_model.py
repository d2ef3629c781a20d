"""What Claude needs to play the roles in a study: access, prices, caps and the record, put together from the settings."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from decimal import Decimal

from agents.claude.client import Access, ClaudeClient, check_key
from agents.claude.dialogue import Office, Voice
from agents.claude.exchange import LanguageModel
from agents.claude.forecast import forecast
from agents.claude.journal import Journal, MemoryJournal
from agents.claude.prices import Prices, in_dollars, load_prices
from agents.claude.prompts import load_prompt
from agents.claude.spending import Caps, Purse, all_priced
from agents.claude_sdk.door import check_installed
from flows.settings import Settings
from tasks.conversations import Conversations
from tasks.domain.errors import AgentUnusable
from tasks.domain.request import Budget
from tasks.domain.spending import ConversationCost, StudyCost
from tasks.storage import StudyFolder
from tasks.template import template_sources

FACTS_BYTES = 8_000
"""Of spec, profile and the digest of past rounds in the middle of a study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """Which model plays which role, and how."""

    parser: Voice
    initializer: Voice
    developer: Voice


def check_access(settings: Settings) -> None:
    """Check that Claude can be asked at all, before anything is begun.

    Raises:
        AgentUnusable: There is no key, one that cannot be sent, or a model without a known price.
    """
    if settings.claude_provider in ("anthropic", "foundry") and not settings.anthropic_api_key.get_secret_value():
        raise AgentUnusable(
            "the agent claude needs a key: set ANTHROPIC_API_KEY. Without one, `--agent playbook` works here: it needs no key, "
            "and plays all three roles by rules and published techniques"
        )
    check_key(settings.anthropic_api_key.get_secret_value())
    prices = load_prices(settings.claude_prices)
    voices = voices_of(settings)
    for voice in (voices.parser, voices.initializer, voices.developer):
        prices.of(voice.model)


def check_sdk(settings: Settings) -> None:
    """Check that the Claude Agent SDK can be used: it does the developer's part, Claude the others.

    Raises:
        AgentUnusable: There is no package, no key, no known price, or the models are in one of the clouds.
    """
    check_installed()
    if settings.claude_provider != "anthropic":
        raise AgentUnusable(
            f"the agent claude-sdk knows Anthropic's own service, or a gateway to it (ROUNDS_CLAUDE_BASE_URL), not {settings.claude_provider}; "
            "`--agent claude` works there"
        )
    check_access(settings)


def voices_of(settings: Settings) -> Voices:
    """Return the model of each role."""

    def voice(model: str, effort: str) -> Voice:
        return Voice(model=model or settings.claude_model, effort=effort, max_tokens=settings.claude_reply_tokens)

    return Voices(
        parser=voice(settings.claude_parser_model, settings.claude_parser_effort),
        initializer=voice(settings.claude_initializer_model, settings.claude_initializer_effort),
        developer=voice(settings.claude_developer_model, settings.claude_developer_effort),
    )


def office_of(settings: Settings, study: StudyFolder | None) -> Office:
    """Return what the conversations of a study share; without a study their record ends with the process.

    Raises:
        AgentUnusable: There is no key, or the price list cannot be read.
    """
    check_access(settings)
    journal: Journal = MemoryJournal() if study is None else Conversations(study.path("conversations"))
    budget = Budget() if study is None else study.request().budget
    purse = Purse(load_prices(settings.claude_prices), _caps(settings, budget), journal)
    return Office(language_model=_client(settings), journal=journal, purse=purse, sleep=time.sleep)


def forecast_of(settings: Settings, study: StudyFolder) -> str:
    """Return what the rounds of a study will likely cost and what caps hold, as sentences for whoever starts it."""
    rounds, voice = study.request().budget.rounds, voices_of(settings).developer
    sources = template_sources(settings.templates).values()
    code = max((sum(len(text.encode()) for text in files.values()) for files in sources), default=0)
    prompt_bytes = len(load_prompt("developer").text.encode()) + code + FACTS_BYTES
    price = load_prices(settings.claude_prices).of(voice.model)
    caps = _caps(settings, study.request().budget)
    expected = forecast(voice.model, price, rounds=rounds, prompt_bytes=prompt_bytes)
    return (
        f"{expected.sentence} No call is made that might pass {in_dollars(caps.study_dollars or Decimal(0))} a study or "
        f"{in_dollars(caps.conversation_dollars or Decimal(0))} a round."
    )


def developer_name(study: StudyFolder) -> str:
    """Return who proposed a study's edits, for its report: the agent, and the models that answered it."""
    kept = Conversations(study.path("conversations"))
    entries = (entry for name in kept.names() if name.startswith("round-") for entry in kept.read(name))
    models = sorted({str(entry.data["model"]) for entry in entries if entry.kind == "call"})
    return f"{study.agent} ({', '.join(models)})" if models else study.agent


def record_spending(settings: Settings, study: StudyFolder) -> None:
    """Write what the study has spent so far, by conversation, to `spending.json`; nothing where no call was made."""
    journal = Conversations(study.path("conversations"))
    if not journal.names():
        return
    prices = Prices({}) if all_priced(journal) else load_prices(settings.claude_prices)
    purse = Purse(prices, Caps(), journal)
    found = {name: purse.spent(name) for name in journal.names()}
    costs = {
        name: ConversationCost(
            dollars=str(item.dollars),
            tokens=asdict(item.usage),
            seconds=item.seconds,
            calls=item.calls,
            faults=item.faults,
        )
        for name, item in found.items()
    }
    study.write(StudyCost(conversations=costs, dollars=str(purse.spent().dollars)), "spending.json")


def _client(settings: Settings) -> LanguageModel:
    return ClaudeClient(
        Access(
            provider=settings.claude_provider,
            api_key=settings.anthropic_api_key.get_secret_value(),
            base_url=settings.claude_base_url,
            region=settings.claude_region,
            project=settings.claude_project,
            timeout_seconds=settings.claude_timeout_seconds,
        )
    )


def _caps(settings: Settings, budget: Budget) -> Caps:
    dollars = (
        settings.claude_study_dollars if budget.dollars is None else min(budget.dollars, settings.claude_study_dollars)
    )
    return Caps(
        study_dollars=Decimal(str(dollars)),
        conversation_dollars=Decimal(str(settings.claude_round_dollars)),
        study_seconds=settings.claude_study_hours * 3600,
        conversation_seconds=settings.claude_round_minutes * 60,
    )
