"""The sandboxes as fixtures, and a bench that runs small programs in them."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tasks.domain.sandboxing import Bind, Completed, Job, Limits, Sandbox
from tasks.sandbox.bubblewrap import BubblewrapSandbox
from tasks.sandbox.docker import DockerSandbox
from tasks.sandbox.local import LocalSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOCAL = pytest.param("local", id="local")
BUBBLEWRAP = pytest.param("bubblewrap", id="bubblewrap", marks=pytest.mark.bubblewrap)
DOCKER = pytest.param("docker", id="docker", marks=pytest.mark.docker)


@dataclass
class Bench:
    """Runs programs in one sandbox, each with folders code, data and out."""

    sandbox: Sandbox
    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def job(
        self, code: str, *, binds: tuple[Bind, ...] = (), environment: Mapping[str, str] | None = None, **limits: Any
    ) -> Job:
        for name in ("code", "data", "out"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "code" / "program.py").write_text(textwrap.dedent(code))
        return Job(
            command=("python", "program.py"),
            binds=(
                Bind(name="CODE", source=self.folder / "code"),
                Bind(name="DATA", source=self.folder / "data"),
                Bind(name="OUT", source=self.out, writable=True),
                *binds,
            ),
            limits=Limits(**{"wall_seconds": 60, **limits}),
            log=self.folder / "log",
            environment=environment or {},
            labels={"study": "a-test", "round": "7"},
        )

    def run(self, code: str, on_line: Callable[[str], None] = lambda _: None, **settings: Any) -> Completed:
        return self.sandbox.run(self.job(code, **settings), on_line)


def _make(name: str) -> Sandbox:
    if name == "docker":
        return DockerSandbox()  # asked for by its marker, so a missing engine is a failure
    if name == "bubblewrap":
        if shutil.which("bwrap") is None:
            pytest.skip("bwrap is not installed")
        return BubblewrapSandbox()
    return LocalSandbox()


@pytest.fixture(params=[LOCAL, BUBBLEWRAP, DOCKER])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Every sandbox in turn."""
    return Bench(_make(request.param), tmp_path)


@pytest.fixture(params=[BUBBLEWRAP, DOCKER])
def walled_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Every sandbox that isolates."""
    return Bench(_make(request.param), tmp_path)
