"""How a scripted server counts tokens and plays the prompt cache: by simple rules that always give the same.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching, "How automatic prefix checking works".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.claude.exchange import Usage
from agents.claude.scripted_replies import PARTIAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.claude.exchange import Block, Body

BYTES_PER_TOKEN = 4
LIFE_SECONDS = {"5m": 300.0, "1h": 3600.0}
LOOK_BACK = 20
"""Blocks before a breakpoint at which the API looks for what it may have kept."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt that a breakpoint may follow: a tool, a block of the system prompt or of a message."""

    tokens: int
    prefix: str
    """Hash of the prompt up to its end."""
    life: str
    """`5m` or `1h` if a breakpoint follows it, else empty."""


def segments(body: Body) -> list[Segment]:
    """Return a prompt cut into the pieces that the cache knows, in its order: tools, system, messages."""
    blocks: list[tuple[str, Block]] = [("tools", block) for block in body.get("tools", ())]
    blocks += [("system", block) for block in _blocks(body.get("system", ()))]
    for turn in body["messages"]:
        blocks += [(turn["role"], block) for block in _blocks(turn["content"])]
    lives = [_life(block.get("cache_control")) for _, block in blocks]
    if body.get("cache_control") and not lives[-1]:
        lives[-1] = _life(body["cache_control"])
    digest = hashlib.sha256(json.dumps([body["model"], body.get("tool_choice")]).encode())
    cut = []
    for (place, block), life in zip(blocks, lives, strict=True):
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        digest.update(json.dumps([place, bare], sort_keys=True).encode())
        cut.append(Segment(tokens_of(bare), digest.hexdigest(), life))
    return cut


def tokens_of(value: Any) -> int:
    """Return the tokens of a block: one per four bytes of its JSON."""
    return -(-len(json.dumps(value, ensure_ascii=False).encode()) // BYTES_PER_TOKEN)


def output_tokens(content: tuple[Block, ...]) -> int:
    """Return the tokens of a reply."""
    return max(1, sum(tokens_of(block.get(PARTIAL, block)) for block in content))


@dataclass(slots=True)
class PromptCache:
    """Which prefixes of prompts are kept, and until when."""

    clock: Callable[[], float]
    smallest_tokens: int
    """A prefix with fewer is not kept."""
    _kept: dict[str, tuple[float, str]] = field(default_factory=dict)
    """By hash: when it is forgotten, and how long it lives from each use."""

    def charge(self, body: Body) -> Usage:
        """Return how the tokens of a prompt are charged, and keep what it asks to be kept."""
        cut, now = segments(body), self.clock()
        ends = [0]
        for segment in cut:
            ends.append(ends[-1] + segment.tokens)
        marked = [
            index for index, segment in enumerate(cut) if segment.life and ends[index + 1] >= self.smallest_tokens
        ]
        hit = max((found for index in marked if (found := self._found(cut, index, now)) is not None), default=-1)
        if hit >= 0:
            life = self._kept[cut[hit].prefix][1]
            self._kept[cut[hit].prefix] = (now + LIFE_SECONDS[life], life)
        written = {"5m": 0, "1h": 0}
        reached = hit + 1
        for index in (index for index in marked if index > hit):
            life = cut[index].life
            written[life] += ends[index + 1] - ends[reached]
            self._kept[cut[index].prefix] = (now + LIFE_SECONDS[life], life)
            reached = index + 1
        return Usage(
            input_tokens=ends[-1] - ends[reached],
            cache_write_5m_tokens=written["5m"],
            cache_write_1h_tokens=written["1h"],
            cache_read_tokens=ends[hit + 1],
        )

    def _found(self, cut: list[Segment], index: int, now: float) -> int | None:
        """Return the last piece, at a breakpoint or a little before it, up to which the prompt is still kept."""
        for earlier in range(index, max(index - LOOK_BACK, -1), -1):
            kept = self._kept.get(cut[earlier].prefix)
            if kept and kept[0] > now:
                return earlier
        return None


def _blocks(content: Any) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _life(control: Any) -> str:
    return str(control.get("ttl", "5m")) if control else ""
