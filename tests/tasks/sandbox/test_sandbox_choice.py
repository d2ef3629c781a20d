"""Which sandbox a study gets, and what it is told where there is none."""

from __future__ import annotations

import shutil
import time

import pytest

from tasks.domain.errors import SandboxMissing
from tasks.domain.sandboxing import Bind, Job, Limits
from tasks.sandbox.belonging import is_forgotten, labels_of
from tasks.sandbox.choice import choose_sandbox
from tasks.sandbox.docker import DockerSandbox


@pytest.fixture
def no_docker(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.fixture
def no_bubblewrap(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_local_sandbox_is_only_for_code_that_rounds_ships():
    assert choose_sandbox("local", trusted_code=True).name == "local"
    with pytest.raises(SandboxMissing, match="choose docker or bubblewrap"):
        choose_sandbox("local", trusted_code=False)


@pytest.mark.usefixtures("no_docker", "no_bubblewrap")
def test_without_a_real_sandbox_only_trusted_code_runs():
    chosen = choose_sandbox("auto", trusted_code=True)
    assert (chosen.name, chosen.isolates) == ("local", False)
    with pytest.raises(SandboxMissing, match="real sandbox") as refusal:
        choose_sandbox("auto", trusted_code=False)
    assert "start one" in str(refusal.value)
    assert "install the package `bubblewrap`" in str(refusal.value)


@pytest.mark.usefixtures("no_docker", "no_bubblewrap")
@pytest.mark.parametrize("name", ["docker", "bubblewrap"])
def test_a_named_sandbox_is_never_replaced_by_another(name):
    with pytest.raises(SandboxMissing):
        choose_sandbox(name, trusted_code=True)


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("no_docker")
def test_bubblewrap_is_next_where_docker_is_missing():
    if shutil.which("bwrap") is None:
        pytest.skip("bwrap is not installed")
    chosen = choose_sandbox("auto", trusted_code=False)
    assert (chosen.name, chosen.isolates) == ("bubblewrap", True)


def test_a_bubblewrap_that_does_not_work_says_why(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SandboxMissing, match=r"No permissions to create new namespace.*unprivileged_userns"):
        choose_sandbox("bubblewrap", trusted_code=True)


@pytest.mark.docker
def test_docker_comes_first():
    assert choose_sandbox("auto", trusted_code=True).name == "docker"


@pytest.mark.docker
def test_a_missing_image_says_how_to_build_it():
    with pytest.raises(SandboxMissing, match=r"build it with infra/image/build\.sh"):
        DockerSandbox("rounds-never-built:latest")


def test_a_container_is_forgotten_when_its_rounds_is_gone_or_its_time_is_over(local_job):
    labels = labels_of(local_job)
    assert labels["rounds.study"] == "a-test"
    assert not is_forgotten(labels)
    assert is_forgotten({**labels, "rounds.expires": str(time.time() - 1)})
    assert is_forgotten({**labels, "rounds.owner": "1 12345"})
    assert is_forgotten({**labels, "rounds.owner": f"{2**22} {time.time()}"})
    assert not is_forgotten({**labels, "rounds.owner": "1 12345", "rounds.place": "another machine"})


@pytest.fixture
def local_job(tmp_path):
    return Job(
        command=("python", "-c", ""),
        binds=(Bind(name="CODE", source=tmp_path),),
        limits=Limits(wall_seconds=5),
        log=tmp_path / "log",
        labels={"study": "a-test"},
    )
