"""How a step of a flow is shown: as a Prefect task with a name for a person, or plainly, for callers without a server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

P = ParamSpec("P")
R = TypeVar("R")


class Steps(Protocol):
    """Turns a function into a step."""

    def __call__(self, function: Callable[P, R], name: str) -> Callable[P, R]:
        """Return a function that does the same, and shows under the given name."""
        ...


def shown(function: Callable[P, R], name: str) -> Callable[P, R]:
    """Return the function as a Prefect task.

    A step is never cached: training and proposing are draws, and what resumes a study is its folder. The arguments stay out of
    Prefect's sight, which would walk through every array of them.
    """
    kind = getattr(function, "__name__", "step").replace("_", " ")
    # Braces would be read as a template of Prefect's.
    run_name = name.replace("{", "(").replace("}", ")")

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        @task(name=kind, task_run_name=run_name, cache_policy=NO_CACHE, persist_result=False)
        def run() -> R:
            return function(*args, **kwargs)

        return run()

    return call


def plain(function: Callable[P, R], name: str) -> Callable[P, R]:  # noqa: ARG001
    """Return the function itself."""
    return function


def artifact_key(kind: str, study_id: str) -> str:
    """Return the key of a Prefect artifact of one study; keys are global, of lower-case letters, digits and dashes."""
    return f"{kind}-{re.sub(r'[^a-z0-9]+', '-', study_id.lower()).strip('-')}"
