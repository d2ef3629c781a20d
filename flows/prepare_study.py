"""From a request to a study that is ready for its rounds: investigate, split, seal, parse, confirm, freeze."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from agents.semantic_parser import ParsedRequest, SemanticParser
from agents.task_initializer import Resources, TaskInitializer, check_template
from flows.composition import machine_of, prompts_of, semantic_parser_of, task_initializer_of
from flows.settings import Settings
from flows.steps import Steps, artifact_key, shown
from tasks import codebase, holdout
from tasks.development_set import materialise
from tasks.domain.errors import AmbiguousRequest, RequestOutOfScope, StudyBlocked
from tasks.domain.manifest import FINDING, GROUP, LABEL, SPLIT, TEST, Manifest
from tasks.domain.profile import Profile
from tasks.domain.spec import Spec
from tasks.held_out_place import hold_out
from tasks.input_columns import inputs_of
from tasks.investigation import investigate
from tasks.labelling import label_for
from tasks.machine import Machine
from tasks.model_inputs import check_allowed, check_known
from tasks.progress import Progress, show
from tasks.readers.discovery import read_manifest
from tasks.report.profile_page import profile_page
from tasks.scoring.name import read_name
from tasks.splitting import split
from tasks.storage import StudyFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Everything that the preparation of a study needs, chosen in one place."""

    study: StudyFolder
    semantic_parser: SemanticParser
    task_initializer: TaskInitializer
    machine: Machine
    templates: Path
    anchors: Path
    """Folder outside the study that anchors its ledger."""
    step: Steps
    prompts: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each prompt that the study's agent works by."""
    say: Callable[[str], None] = lambda _: None


@flow(name="prepare study", flow_run_name="prepare {study.name}", validate_parameters=False)
def prepare_study(study: Path) -> None:
    """Prepare a study whose request lies in its folder; what an earlier start finished is not done again."""
    settings, folder = Settings(), StudyFolder(study)
    office = Office(
        study=folder,
        semantic_parser=semantic_parser_of(folder.agent, study=folder),
        task_initializer=task_initializer_of(folder),
        machine=machine_of(settings),
        templates=settings.templates,
        anchors=settings.state,
        step=shown,
        prompts=prompts_of(folder.agent),
        say=get_run_logger().info,
    )
    prepare(office)
    create_markdown_artifact(key=artifact_key("readback", study.name), markdown=office.study.text("readback.md"))


def prepare(office: Office) -> None:
    """Prepare a study up to its frozen protocol; `protocol.json` is written last and says that it is ready.

    Raises:
        RequestError: The clinician must answer a question, mend the data or ask for something else.
        EvaluationError: The holdout or the ledger is not as it was left.
    """
    study = office.study
    if study.has("protocol.json"):
        return
    if not study.has("study_id"):
        study.write(f"{uuid.uuid4().hex}\n", "study_id")
    show(study, Progress(stage="looking at the data"))
    manifest, profile = office.step(look_at_the_data, "look at the data")(study)
    show(study, Progress(stage="reading the request"))
    parsed = office.step(read_the_request, "read the request")(office, profile)
    show(study, Progress(stage="splitting the data and sealing the test set"))
    sealed = office.step(split_and_seal, "split and seal the test set")(office, parsed, manifest)
    show(study, Progress(stage="writing the first version of the code"))
    office.step(start_the_codebase, "start the codebase")(office, parsed, profile, sealed)
    office.say(study.text("readback.md"))


def look_at_the_data(study: StudyFolder) -> tuple[Manifest, Profile]:
    """Read and investigate the data.

    Raises:
        StudyBlocked: A hazard would make any test result dishonest.
    """
    request = study.request()
    manifest, profile = investigate(read_manifest(request))
    study.write(profile, "profile.json")
    study.write(profile_page(profile), "profile.html")
    blocking = [hazard.summary for hazard in profile.hazards if hazard.severity == "block"]
    if blocking:
        raise StudyBlocked(" ".join(blocking) + f" See {study.path('profile.html')}.")
    return manifest, profile


def read_the_request(office: Office, profile: Profile) -> ParsedRequest:
    """Turn the request's words into a spec.

    Raises:
        RequestOutOfScope: It asks for something that Rounds must not or cannot build.
        AmbiguousRequest: It can be read in ways that lead to different specs.
        DataUnusable: It hands attributes to the model that the data do not have, or that it forbids itself.
    """
    request = office.study.request()
    check_known(request.inputs, profile)
    parsed = office.semantic_parser.parse(request.text, profile, inputs=request.inputs)
    if parsed.spec is not None:
        parsed = replace(parsed, spec=replace(parsed.spec, prompts=office.prompts))
    office.study.write(parsed.read_back, "readback.md")
    office.study.write(list(parsed.questions), "questions.json")
    if parsed.refusal:
        raise RequestOutOfScope(parsed.refusal)
    blocking = [question for question in parsed.questions if question.blocking]
    if blocking or parsed.spec is None:
        raise AmbiguousRequest(blocking or parsed.questions)
    check_allowed(parsed.spec)
    check_template(parsed.spec)
    _check_metrics(parsed.spec)
    return parsed


def _check_metrics(spec: Spec) -> None:
    """Refuse what cannot be measured before anything is sealed."""
    asked = [spec.primary, *(item.metric for item in spec.constraints), *(item.metric for item in spec.guardrails)]
    for name in asked:
        try:
            read_name(name, spec.class_names)
        except ValueError as error:
            raise RequestOutOfScope(f"This was understood, but cannot be measured yet: {error}.") from error


def split_and_seal(office: Office, parsed: ParsedRequest, manifest: Manifest) -> Manifest:
    """Give each image the label that the spec needs, split by patient or lesion, and put the test set out of reach."""
    study, spec = office.study, parsed.spec
    if spec is None:
        raise AmbiguousRequest(parsed.questions)
    request = study.request()
    labelled = label_for(manifest, spec, uncertain=request.reading.uncertain)
    if spec.held_out:
        labelled = hold_out(labelled, spec.held_out, needed=spec.class_of_label)
    divided = split(labelled, seed=request.seed)
    holdout.seal(
        study.path("holdout"),
        divided,
        ledger=study.path("ledger.jsonl"),
        anchors=office.anchors,
        inputs=inputs_of(divided, spec),
    )
    # What the study folder shows of the test images ends here: their labels are in the sealed set alone.
    sealed = divided.rows[SPLIT] == TEST
    told = [LABEL, *(name for name in divided.rows.columns if name.startswith(FINDING))]
    study.write(divided.rows.assign(**{name: divided.rows[name].mask(sealed) for name in told}), "manifest.parquet")
    return divided


def start_the_codebase(office: Office, parsed: ParsedRequest, profile: Profile, manifest: Manifest) -> None:
    """Lay out the development set, copy the template, and freeze spec and protocol."""
    study, spec = office.study, parsed.spec
    if spec is None:
        raise AmbiguousRequest(parsed.questions)
    request = study.request()
    materialise(study.path("data"), manifest, spec)
    plan = office.task_initializer.initialize(
        spec, profile, _resources(office, request.budget.minutes_per_round), request=request
    )
    codebase.create(
        study.path("codebase"), office.templates / plan.template, recipe=plan.recipe, locks=study.path("locks.json")
    )
    study.write(spec, "spec.json")
    study.write(_split_counts(manifest, spec), "splits.json")
    notes = (*(note for note in manifest.notes if note not in profile.notes), *plan.notes)
    study.write(list(notes), "notes.json")
    study.write(_with_notes(study.text("readback.md"), notes), "readback.md")
    study.write(plan.protocol, "protocol.json")


def _split_counts(manifest: Manifest, spec: Spec) -> dict[str, dict[str, int]]:
    """Return the images and the patients or lesions of each split, over the labels that are part of the study."""
    rows = manifest.rows[manifest.rows[LABEL].isin(list(spec.class_of_label))]
    return {
        str(name): {"images": len(part), "groups": int(part[GROUP].nunique())} for name, part in rows.groupby(SPLIT)
    }


def _resources(office: Office, minutes_per_round: float) -> Resources:
    machine = office.machine
    return Resources(
        device=machine.device,
        cpu_count=machine.cpus,
        memory_bytes=machine.memory_bytes,
        gpu_memory_bytes=machine.gpu_memory_bytes,
        train_seconds=minutes_per_round * 60,
        cached_weights=machine.cached_weights,
    )


def _with_notes(read_back: str, notes: Sequence[str]) -> str:
    lines = "\n".join(f"- {note}" for note in notes)
    return f"{read_back.rstrip()}\n\n## How it starts\n\n{lines}\n"
