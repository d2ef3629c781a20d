"""The parsers of the Claude back end for the benchmark: the real service, and the same path with written replies and no key.

The written replies are what the playbook understands, turned into the form that Claude fills in. So request, HTTP, structured output,
checks and conversion are gone through, and the scores must be those of the playbook.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.claude.client import Access, ClaudeClient
from agents.claude.dialogue import Office, Voice
from agents.claude.journal import MemoryJournal
from agents.claude.prices import load_prices
from agents.claude.scripted_replies import text, thinking
from agents.claude.scripted_server import ScriptedServer
from agents.claude.seen import names_of
from agents.claude.semantic_parser import ClaudeSemanticParser
from agents.claude.spec_writing import form_of_parsed
from agents.claude.spending import Caps, Purse
from agents.playbook.semantic_parser import PlaybookSemanticParser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.claude.exchange import Body
    from agents.claude.scripted_replies import ScriptedReply
    from agents.semantic_parser import ParsedRequest, SemanticParser
    from tasks.domain.profile import Profile

MODEL = "claude-opus-5-5"
MOST_DOLLARS = Decimal(20)
"""Of one run of the benchmark; a request that might pass it counts as failed."""


def _office(client: ClaudeClient) -> Office:
    journal = MemoryJournal()
    purse = Purse(load_prices(), Caps(study_dollars=MOST_DOLLARS), journal)
    return Office(language_model=client, journal=journal, purse=purse, sleep=time.sleep)


@contextmanager
def claude() -> Iterator[SemanticParser]:
    """Give the parser over the real service, with the key of the environment."""
    key = os.environ.get("ANTHROPIC_API_KEY", "")
    if not key:
        raise SystemExit(
            "--parser claude needs ANTHROPIC_API_KEY; --parser scripted-claude goes the same way without one"
        )
    access = Access(api_key=key, base_url=os.environ.get("ANTHROPIC_BASE_URL", ""))
    voice = Voice(model=os.environ.get("ROUNDS_INTENT_MODEL", MODEL), effort="high", max_tokens=32_000)
    with ClaudeClient(access) as client:
        yield ClaudeSemanticParser(_office(client), voice)


@dataclass(slots=True)
class Echo:
    """A parser that has the scripted server say what the playbook understood, and lets Claude's back end read it."""

    parser: SemanticParser
    next_reply: list[str]
    playbook: PlaybookSemanticParser = field(default_factory=PlaybookSemanticParser)

    def parse(self, text: str, profile: Profile, *, inputs: Sequence[str] = ()) -> ParsedRequest:
        """Return what Claude's back end makes of the playbook's understanding."""
        understood = self.playbook.parse(text, profile)
        self.next_reply[:] = [form_of_parsed(understood, text, names_of(profile)).model_dump_json()]
        return self.parser.parse(text, profile, inputs=inputs)


@contextmanager
def scripted_claude() -> Iterator[Echo]:
    """Give the parser over real HTTP to a server on this machine that says what the playbook understood."""
    replies: list[str] = []

    def say(_: Body) -> ScriptedReply:
        return thinking("", text(replies.pop()))

    with (
        ScriptedServer(say) as server,
        ClaudeClient(Access(api_key="written", base_url=server.url)) as client,
    ):
        yield Echo(ClaudeSemanticParser(_office(client), Voice(model=MODEL, effort="", max_tokens=32_000)), replies)
