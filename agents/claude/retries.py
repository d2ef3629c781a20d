"""Patience with a service that is busy or broken for a moment: a bounded number of tries, further and further apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.claude.exchange import Fault
from tasks.domain.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.claude.exchange import Body, LanguageModel, Reply

TRIES = 5
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0
"""A server that asks for more is not waited for longer: after the last try the study stops, and can be resumed."""


def send_patiently(
    model: LanguageModel,
    body: Body,
    *,
    before_each: Callable[[], None],
    on_fault: Callable[[Fault], None],
    sleep: Callable[[float], None],
) -> Reply:
    """Return the answer to a request, trying again where that may help.

    Args:
        model: Carries one try.
        body: The request.
        before_each: Called before each try; may raise, as a cap does, and then no try is made.
        on_fault: Told of each try that came to nothing, with the seconds that are waited then, before they are waited.
        sleep: Waits so many seconds.

    Raises:
        ServiceUnavailable: No try was answered.
        AgentUnusable: Trying again is no use.
    """
    for tried in range(1, TRIES + 1):
        before_each()
        answer = model.send(body)
        if not isinstance(answer, Fault):
            return answer
        fault = replace(answer, waited_seconds=_wait_seconds(answer, tried) if tried < TRIES else 0.0)
        on_fault(fault)
        if tried < TRIES:
            sleep(fault.waited_seconds)
    raise ServiceUnavailable(
        f"the language model did not answer, {TRIES} times in a row; the last time: {fault.message} "
        "All that was done is kept: `rounds resume` goes on from here."
    )


def _wait_seconds(fault: Fault, tried: int) -> float:
    grown: float = FIRST_WAIT_SECONDS * 2 ** (tried - 1)
    return min(max(grown, fault.retry_after_seconds or 0.0), LONGEST_WAIT_SECONDS)
