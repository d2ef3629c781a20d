"""Runs a job in a Docker container: the only place that knows Docker.

The container has no network, a read-only root, no capabilities, no way to gain rights, a user that exists nowhere else, and limits that
the kernel holds. It sees the image and the job's binds. Each container carries its owner and an expiry, so that what a killed
Rounds left behind is found and removed when the next sandbox is made.

What it does not protect against: an error in the kernel, which is shared with the host. Where that matters, set `runtime` to a stronger
one that the engine has (gVisor's `runsc`), or map users (`userns-remap`).
"""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import psutil
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import APIError, DockerException, ImageNotFound
from docker.types import DeviceRequest, LogConfig, Mount, Ulimit
from docker.utils import kwargs_from_env

from tasks.domain.errors import SandboxMissing
from tasks.domain.sandboxing import Completed
from tasks.sandbox.belonging import is_forgotten, labels_of
from tasks.sandbox.log_stream import LogStream
from tasks.sandbox.ownership import group_for_job, lent, user_for_job
from tasks.sandbox.pump import Pump
from tasks.sandbox.surroundings import check_binds, environment_of, writable_folders
from tasks.sandbox.watching import Watch, descendants, disk_is_full

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient
    from docker.models.containers import Container

    from tasks.domain.sandboxing import Job

IMAGE = "rounds-sandbox:latest"
LABEL = "rounds.sandbox"
TEMPORARY_BYTES = 2**30
ANSWER_WITHIN_SECONDS = 60


class DockerSandbox:
    """Runs jobs in containers of one image."""

    name = "docker"
    isolates = True

    def __init__(self, image: str = IMAGE, *, runtime: str | None = None) -> None:
        """Find the engine and the image, and remove what earlier runs left behind.

        Raises:
            SandboxMissing: There is no engine or no image; the message says what to do.
        """
        try:
            _knock()
            with closing(docker.from_env(timeout=ANSWER_WITHIN_SECONDS)) as client:
                self._engine: dict[str, Any] = client.info()
                self._image: dict[str, Any] = client.images.get(image).attrs
                reap(client)
        except ImageNotFound as error:
            raise SandboxMissing(f"Docker has no image {image}: build it with infra/image/build.sh") from error
        except (DockerException, OSError) as error:
            raise SandboxMissing(f"no Docker engine answers ({error}): start one, or choose another sandbox") from error
        self._runtime = runtime

    def run(self, job: Job, on_line: Callable[[str], None] = lambda _: None) -> Completed:
        """Run a job to its end or its limits, and clean up after it.

        Raises:
            ValueError: A bind is missing, a link, or named twice.
            SandboxMissing: The engine refuses the container, for example because it has no such GPU.
        """
        check_binds(job)
        user = user_for_job()
        with (
            closing(docker.from_env(timeout=ANSWER_WITHIN_SECONDS)) as client,
            lent(job, user),
            LogStream(job.log, limit_bytes=job.limits.log_bytes, on_line=on_line) as log,
        ):
            container = self._create(client, job, user)
            try:
                return _run_to_end(container, job, log)
            finally:
                _remove(container)

    def _create(self, client: DockerClient, job: Job, user: int) -> Container:
        places = {bind.name: f"/rounds/{bind.name.lower()}" for bind in job.binds}
        environment = environment_of(job, places=places, home="/tmp", path=self._path())  # noqa: S108 - its own /tmp
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, range(len(job.limits.gpus))))  # renumbered inside
        try:
            return client.containers.create(
                self._image["Id"],
                list(job.command),
                name=f"rounds-{uuid.uuid4().hex[:12]}",
                labels={LABEL: "1", **labels_of(job)},
                environment=environment,
                working_dir=places["CODE"],
                mounts=[
                    Mount(places[bind.name], os.fspath(bind.source.resolve()), "bind", read_only=not bind.writable)
                    for bind in job.binds
                ],
                user=self._user(user),
                runtime=self._runtime,
                **_walls(),
                **_allowances(job, cpus_of_engine=self._engine["NCPU"]),
            )
        except APIError as error:
            raise SandboxMissing(f"Docker cannot make the container: {error.explanation}") from error

    def _user(self, user: int) -> str:
        """Return user and group inside; root of a rootless engine is ourselves outside."""
        rootless = any("rootless" in option for option in self._engine.get("SecurityOptions") or ())
        return "0:0" if rootless else f"{user}:{group_for_job()}"

    def _path(self) -> str:
        variables = dict(entry.split("=", 1) for entry in self._image["Config"].get("Env") or ())
        return str(variables.get("PATH", "/usr/local/bin:/usr/bin:/bin"))


def _knock() -> None:
    """Raise an OSError if nothing listens where the engine should; docker-py would leave its socket open in that case."""
    address = kwargs_from_env().get("base_url") or DEFAULT_UNIX_SOCKET
    scheme, _, path = address.partition("://")
    if scheme.endswith("unix"):
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(path)


def _walls() -> dict[str, Any]:
    """Return the settings that part every container from the host."""
    return {
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],  # the engine's own seccomp profile stays on
        "ipc_mode": "private",
        "init": True,
        "entrypoint": "",
        "hostname": "rounds",
        "extra_hosts": {"rounds": "127.0.0.1"},  # so that processes of one job find each other
        "stop_signal": "SIGKILL",
        "log_config": LogConfig(type="none"),  # we read the output directly; the engine's disk stays free of it
    }


def _allowances(job: Job, *, cpus_of_engine: int) -> dict[str, Any]:
    """Return the settings that follow from the limits of a job."""
    limits = job.limits
    gpus = DeviceRequest(device_ids=list(limits.gpus), capabilities=[["gpu"]])
    return {
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "nano_cpus": int(min(limits.cpus, cpus_of_engine) * 1e9),
        "pids_limit": limits.processes,
        "shm_size": limits.shared_memory_bytes,
        "tmpfs": {"/tmp": f"rw,nosuid,nodev,exec,size={TEMPORARY_BYTES},mode=1777"},  # noqa: S108
        "ulimits": [
            Ulimit(name="fsize", soft=limits.disk_bytes + 2**16, hard=limits.disk_bytes + 2**16),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "device_requests": [gpus] if limits.gpus else None,
    }


def _run_to_end(container: Container, job: Job, log: LogStream) -> Completed:
    """Start a container, follow it, stop it at its limits, and say how it ended."""
    stream = container.attach(stream=True, stdout=True, stderr=True, logs=False)
    # docker-py's own close() would leave the connection open
    with Pump(stream, close=vars(stream)["_response"].close) as output:
        try:
            container.start()
        except APIError as error:
            raise SandboxMissing(f"Docker cannot start the container: {error.explanation}") from error
        watch = Watch(job.limits, folders=writable_folders(job), processes=lambda: _processes(container))
        reason = _follow(container, watch, log, output)
        seconds = watch.seconds
    if reason:
        _kill(container)
    exit_code = int(container.wait(timeout=ANSWER_WITHIN_SECONDS)["StatusCode"])
    for data in output.rest():
        log.feed(data)
    container.reload()
    if not reason and container.attrs["State"]["OOMKilled"] and exit_code != 0:
        reason = "out_of_memory"
    if not reason and disk_is_full(writable_folders(job), job.limits):
        reason = "disk_full"
    reason = reason or ("log_flood" if log.flooded else "ok" if exit_code == 0 else "exit")
    return Completed(reason=reason, exit_code=exit_code, seconds=seconds)


def _follow(container: Container, watch: Watch, log: LogStream, output: Pump) -> str:
    """Copy output to the log until the container ends (empty text) or breaks a limit (its reason)."""
    while not output.ended or _is_running(container):
        log.feed(output.next())
        if log.flooded:
            return "log_flood"
        if reason := watch.broken():
            return reason
    return ""


def _is_running(container: Container) -> bool:
    container.reload()
    return bool(container.attrs["State"]["Running"])


def _processes(container: Container) -> list[psutil.Process]:
    """Return the job's processes as this machine sees them; none where the engine runs elsewhere or in a virtual machine."""
    if not container.attrs.get("State", {}).get("Pid"):
        container.reload()
    pid = int(container.attrs["State"]["Pid"])
    groups = Path(f"/proc/{pid}/cgroup")
    try:
        ours = pid > 0 and str(container.id) in groups.read_text()
        return [psutil.Process(pid), *descendants(pid)] if ours else []
    except (OSError, psutil.NoSuchProcess):  # it may end between any two looks
        return []


def _kill(container: Container) -> None:
    try:
        container.kill()
    except APIError as error:
        if error.status_code not in (
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
        ):  # gone already, or not running any more
            raise


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):  # gone already, or being removed
            raise


def reap(client: DockerClient) -> int:
    """Remove containers whose Rounds is gone or whose time is over; return how many."""
    found = client.containers.list(all=True, filters={"label": f"{LABEL}=1"}, ignore_removed=True)
    forgotten = [container for container in found if is_forgotten(container.labels)]
    for container in forgotten:
        _remove(container)
    return len(forgotten)
