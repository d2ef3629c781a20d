"""Chooses the sandbox for a study: never a weaker one than was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tasks.domain.errors import SandboxMissing
from tasks.sandbox.bubblewrap import BubblewrapSandbox
from tasks.sandbox.docker import IMAGE, DockerSandbox
from tasks.sandbox.local import LocalSandbox

if TYPE_CHECKING:
    from tasks.domain.sandboxing import Sandbox

SandboxName = Literal["auto", "docker", "bubblewrap", "local"]


def choose_sandbox(name: SandboxName = "auto", *, trusted_code: bool, image: str = IMAGE) -> Sandbox:
    """Return a sandbox that works on this machine.

    Args:
        name: A sandbox, or `auto` for the strongest one at hand: Docker, bubblewrap, and the local one for trusted code.
        trusted_code: Whether only code that Rounds itself ships will run in it.
        image: The Docker image for jobs.

    Raises:
        SandboxMissing: The named one does not work here or may not run this code; the message says what to do.
    """
    if name == "local":
        if not trusted_code:
            raise SandboxMissing(
                "the local sandbox does not isolate, and may only run code that Rounds ships: choose docker or bubblewrap"
            )
        return LocalSandbox()
    if name == "bubblewrap":
        return BubblewrapSandbox()
    if name == "docker":
        return DockerSandbox(image)
    problems = []
    for find in (lambda: DockerSandbox(image), BubblewrapSandbox):
        try:
            return find()
        except SandboxMissing as error:
            problems.append(str(error))
    if trusted_code:
        return LocalSandbox()
    raise SandboxMissing(f"code that was not shipped with Rounds needs a real sandbox. {'; '.join(problems)}")
