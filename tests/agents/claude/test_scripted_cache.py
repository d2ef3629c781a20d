"""The prompt cache as the API plays it."""

import itertools

import pytest

from agents.claude.scripted_cache import PromptCache, tokens_of

LONG = {"type": "ephemeral", "ttl": "1h"}
SHORT = {"type": "ephemeral"}
RULES = {"type": "text", "text": "The house rules. " * 200, "cache_control": LONG}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def block(words):
    return {"type": "text", "text": words * 100}


def asking(*turns, system=(RULES,), **more):
    roles = itertools.cycle(["user", "assistant"])
    messages = [{"role": role, "content": [block(words)]} for role, words in zip(roles, turns, strict=False)]
    return {"model": "m", "max_tokens": 10, "system": list(system), "messages": messages, **more}


def size(*words):
    return sum(tokens_of(block(word)) for word in words)


RULES_SIZE = tokens_of({"type": "text", "text": RULES["text"]})


@pytest.fixture
def cache():
    return PromptCache(clock=Clock(), smallest_tokens=100)


def test_without_breakpoints_all_is_input(cache):
    body = asking("one", system=[{"type": "text", "text": RULES["text"]}])
    for _ in range(2):
        usage = cache.charge(body)
        assert (usage.input_tokens, usage.prompt) == (RULES_SIZE + size("one"), RULES_SIZE + size("one"))


def test_a_prefix_is_written_once_and_then_read(cache):
    first, second = cache.charge(asking("one")), cache.charge(asking("two"))
    assert (first.cache_write_1h_tokens, first.cache_read_tokens, first.input_tokens) == (RULES_SIZE, 0, size("one"))
    assert (second.cache_write_1h_tokens, second.cache_read_tokens, second.input_tokens) == (0, RULES_SIZE, size("two"))


def test_a_conversation_reads_what_it_said_before_and_writes_what_is_new(cache):
    cache.charge(asking("one", cache_control=SHORT))
    usage = cache.charge(asking("one", "two", "three", cache_control=SHORT))
    assert usage.cache_read_tokens == RULES_SIZE + size("one")
    assert usage.cache_write_5m_tokens == size("two", "three")
    assert usage.cache_write_1h_tokens == usage.input_tokens == 0


def test_two_conversations_share_their_beginning_only(cache):
    cache.charge(asking("one", cache_control=SHORT))
    usage = cache.charge(asking("other", cache_control=SHORT))
    assert usage.cache_read_tokens == RULES_SIZE
    assert usage.cache_write_5m_tokens == size("other")


@pytest.mark.parametrize(
    "other",
    [
        {"model": "another"},
        {"tools": [{"name": "view", "input_schema": {"type": "object"}}]},
        {"system": [{**RULES, "text": "Other rules. " * 300}]},
    ],
)
def test_another_model_tool_or_rule_is_another_prefix(cache, other):
    cache.charge(asking("one"))
    assert cache.charge({**asking("one"), **other}).cache_read_tokens == 0


def test_the_cache_forgets_after_its_time_unless_it_is_used(cache):
    cache.charge(asking("one", cache_control=SHORT))
    for now, read in ((299, RULES_SIZE + size("one")), (598, RULES_SIZE + size("one")), (899, RULES_SIZE), (5000, 0)):
        cache.clock.now = now
        assert cache.charge(asking("one", cache_control=SHORT)).cache_read_tokens == read


def test_a_short_prefix_is_not_cached(cache):
    cache.smallest_tokens = RULES_SIZE + 1
    for _ in range(2):
        usage = cache.charge(asking("one"))
        assert (usage.cache_read_tokens, usage.cache_write_1h_tokens) == (0, 0)


def test_the_search_for_a_kept_prefix_goes_back_twenty_blocks(cache):
    plain = [{"type": "text", "text": RULES["text"]}]
    turns = [f"turn {number}" for number in range(41)]
    cache.charge(asking(*turns[:1], system=plain, cache_control=SHORT))
    assert cache.charge(asking(*turns[:21], system=plain, cache_control=SHORT)).cache_read_tokens == 0
    assert cache.charge(asking(*turns[:39], system=plain, cache_control=SHORT)).cache_read_tokens > 0


@pytest.mark.parametrize("turns", [("one",), ("one", "two", "three")])
def test_each_token_is_charged_once(cache, turns):
    for _ in range(2):
        assert cache.charge(asking(*turns, cache_control=SHORT)).prompt == RULES_SIZE + size(*turns)
