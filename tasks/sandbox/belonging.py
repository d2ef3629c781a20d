"""Whose a container is: written on it when it is made, read when a later Rounds looks for what was left behind."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.sandboxing import Job

EXPIRES_AFTER_SECONDS = 120.0
"""How long after its wall-clock limit a container counts as forgotten, whoever made it."""

CLOCK_SLACK_SECONDS = 10.0
"""Start times of processes shift when the machine's clock is set."""


def labels_of(job: Job) -> dict[str, str]:
    """Return what tells later whose container this is, and when its time is over."""
    expires = time.time() + job.limits.wall_seconds + EXPIRES_AFTER_SECONDS
    owner = psutil.Process()
    return {
        **{f"rounds.{name}": value for name, value in job.labels.items()},
        "rounds.expires": str(int(expires)),
        "rounds.place": _place(),
        "rounds.owner": f"{owner.pid} {owner.create_time():.0f}",
    }


def is_forgotten(labels: Mapping[str, str]) -> bool:
    """Return whether the process that made a container is gone, or the container's time is over."""
    if time.time() > float(labels["rounds.expires"]):
        return True
    if labels["rounds.place"] != _place():
        return False
    pid, created = labels["rounds.owner"].split()
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) > CLOCK_SLACK_SECONDS
    except psutil.NoSuchProcess:
        return True


def _place() -> str:
    """Return what tells machines and containers that share one engine apart, so that process ids can be compared."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():
        return platform.node()
    return f"{boot.read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
