"""Which implementation plays which part: the choices that settings and a request leave open are made here, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import cast, get_args

import pandas as pd

from agents.claude.developer import ClaudeDeveloper
from agents.claude.prompts import load_prompt, prompt_hashes
from agents.claude.semantic_parser import ClaudeSemanticParser
from agents.claude.task_initializer import ClaudeTaskInitializer
from agents.claude_sdk.developer import SdkDeveloper
from agents.claude_sdk.door import AgentSdk
from agents.developer import Developer
from agents.playbook.developer import PlaybookDeveloper
from agents.playbook.semantic_parser import PlaybookSemanticParser
from agents.playbook.task_initializer import PlaybookTaskInitializer
from agents.semantic_parser import SemanticParser
from agents.task_initializer import TaskInitializer
from flows.language_model import check_access, check_sdk, office_of, record_spending, voices_of
from flows.run_round import Bench
from flows.settings import Settings
from tasks import tracking
from tasks.codebase import Codebase
from tasks.development_set import load_validation
from tasks.domain.errors import RequestError, ServiceUnavailable
from tasks.domain.sandboxing import Sandbox
from tasks.machine import Machine, find_machine
from tasks.sandbox.choice import SandboxName, choose_sandbox
from tasks.storage import StudyFolder
from tasks.template import template_sources
from tasks.withholding import Withholder
from tasks.workbench import SandboxWorkbench, tellable

AGENTS = ("playbook", "claude", "claude-sdk")
"""The last is the second but for the developer, which works in the loop of the Claude Agent SDK."""


def check_agent(name: str) -> None:
    """Check that an agent of this name is at hand.

    Raises:
        RequestError: There is none, or it cannot work as things are.
    """
    if name not in AGENTS:
        raise RequestError(f"there is no agent {name!r}; choose one of: {', '.join(AGENTS)}")
    if name == "claude":
        check_access(Settings())
    elif name == "claude-sdk":
        check_sdk(Settings())


def prompts_of(agent: str) -> tuple[tuple[str, str], ...]:
    """Return name and SHA-256 of each prompt that an agent works by."""
    return () if agent == "playbook" else tuple(prompt_hashes().items())


def semantic_parser_of(agent: str, *, study: StudyFolder | None = None) -> SemanticParser:
    """Return the semantic parser of an agent; what it spends is recorded in the study, if there is one."""
    check_agent(agent)
    if agent == "playbook":
        return PlaybookSemanticParser()
    settings = Settings()
    return ClaudeSemanticParser(office_of(settings, study), voices_of(settings).parser)


def task_initializer_of(study: StudyFolder) -> TaskInitializer:
    """Return the task initializer of a study's agent."""
    check_agent(study.agent)
    if study.agent == "playbook":
        return PlaybookTaskInitializer()
    settings = Settings()
    voice, templates = voices_of(settings).initializer, template_sources(settings.templates)
    return ClaudeTaskInitializer(office_of(settings, study), voice, templates=templates)


def developer_of(study: StudyFolder, bench: Bench) -> Developer:
    """Return the developer of a study's agent, with a bench to try code on for one that writes its own."""
    check_agent(study.agent)
    if study.agent == "playbook":
        return PlaybookDeveloper()
    settings = Settings()
    workbench = SandboxWorkbench(
        study=study,
        codebase=Codebase(study.path("codebase"), locks=study.path("locks.json")),
        sandbox=bench.sandbox,
        machine=bench.machine,
        folder=study.path("trial"),
        cache=study.path("trial-cache"),
        seed=bench.protocol.seed,
        withholder=_withholder_of(study.path("manifest.parquet")),
        allow_images=study.request().allow_images,
        labels={"study": study.id, "round": "trial"},
    )
    office, voice, prompt = office_of(settings, study), voices_of(settings).developer, load_prompt("developer")
    if study.agent == "claude-sdk":
        sdk = AgentSdk(api_key=settings.anthropic_api_key.get_secret_value(), base_url=settings.claude_base_url)
        return SdkDeveloper(
            sdk, voice, workbench, prompt, journal=office.journal, purse=office.purse, withhold=tellable_of(study)
        )
    return ClaudeDeveloper(office, voice, workbench, prompt, withhold=tellable_of(study))


def tellable_of(study: StudyFolder) -> Callable[[str], str]:
    """Return what makes text from a sandbox fit for the developer of a study's agent: the playbook, which sends nothing, sees all."""
    if study.agent == "playbook":
        return lambda text: text
    withholder = _withholder_of(study.path("manifest.parquet"))
    return partial(tellable, withholder=withholder, allow_images=study.request().allow_images)


@lru_cache(maxsize=2)
def _withholder_of(manifest: Path) -> Withholder:
    """Return what knows the names of a study, learnt once: that takes seconds for some hundred thousand images."""
    return Withholder(pd.read_parquet(manifest))


def machine_of(settings: Settings) -> Machine:
    """Return what one run gets of this machine, within the limits of the settings."""
    return parts_of_machine(settings)[0]


def parts_of_machine(settings: Settings) -> tuple[Machine, ...]:
    """Return the equal parts of this machine on which runs train at the same time.

    Raises:
        RequestError: The machine is too small for so many, or a named GPU is not there.
    """
    machine = find_machine(
        device=settings.device,
        cpus=settings.cpus,
        memory_bytes=int(settings.memory_gib * 2**30),
        disk_bytes=int(settings.disk_gib * 2**30),
        grace_seconds=settings.grace_seconds,
        predict_seconds=settings.predict_seconds,
        weights=settings.weights,
        gpus=settings.gpus,
    )
    return machine.parts(settings.parallel)


def sandbox_of(name: str, *, trusted_code: bool, settings: Settings) -> Sandbox:
    """Return a sandbox; only code that Rounds ships may run in one that does not isolate.

    Raises:
        RequestError: There is no sandbox of this name.
        SandboxMissing: The named one, or any that may run this code, is not at hand.
    """
    if name not in get_args(SandboxName):
        raise RequestError(f"there is no sandbox {name!r}; choose one of: {', '.join(get_args(SandboxName))}")
    return choose_sandbox(cast("SandboxName", name), trusted_code=trusted_code, image=settings.image)


def benches_of(study: StudyFolder, *, sandbox: str) -> tuple[Bench, ...]:
    """Return the benches on which the rounds of a prepared study are run, one for each that runs at the same time.

    Each has a cache of its own: what a run may write no other run beside it may touch. In which sandbox they run is noted in the
    study, for its report.
    """
    settings = Settings()
    first, *others = parts_of_machine(settings)
    bench = _bench(study, first, sandbox_of(sandbox, trusted_code=study.trusted_code, settings=settings))
    study.write({**study.ran_in(), bench.sandbox.name: bench.sandbox.isolates}, "ran_in.json")
    beside = enumerate(others, start=1)
    return bench, *(replace(bench, machine=part, cache=study.path(f"cache-{number}")) for number, part in beside)


def bench_of(study: StudyFolder, *, sandbox: str) -> Bench:
    """Return the bench on which the rounds of a prepared study are run, one after the other."""
    return benches_of(study, sandbox=sandbox)[0]


def _bench(study: StudyFolder, machine: Machine, sandbox: Sandbox) -> Bench:
    spec = study.spec()
    return Bench(
        sandbox=sandbox,
        machine=machine,
        data=study.path("data"),
        cache=study.path("cache"),
        images=tuple(load_validation(study.path("data"), spec).images),
        classes=spec.class_names,
        protocol=study.protocol(),
        study_id=study.id,
        on_line=_teller(study.path("last_line.txt")),
    )


def _teller(file: Path) -> Callable[[str], None]:
    """Return what keeps the last line of a training run for whoever watches."""

    def tell(line: str) -> None:
        file.write_text(line[:300], encoding="utf-8")

    return tell


def publisher_of(study: StudyFolder) -> Callable[[], None]:
    """Return what brings MLflow up to date with a study; a server that is down is noted, and made up for later."""
    uri = Settings().tracking_uri(study.root.parent)

    def publish() -> None:
        record_spending(Settings(), study)
        pending = study.path("tracking_pending.txt")
        try:
            tracking.publish(study, uri)
            pending.unlink(missing_ok=True)
        except ServiceUnavailable as error:
            pending.write_text(
                f"{error}\nNothing is lost: `rounds resume {study.root}` publishes it.\n", encoding="utf-8"
            )

    return publish
