"""From a request to a delivered model: the whole of Rounds on one page.

prepare_study   investigate, split, seal, parse, confirm, freeze
improve_model   the rounds
evaluate_model  the gate: the holdout, once
deliver_model   model, report, model card, registry
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.deliver_model import deliver_model
from flows.evaluate_model import evaluate_model, is_opened
from flows.improve_model import improve_model
from flows.prepare_study import prepare_study
from tasks.progress import Progress, show
from tasks.storage import StudyFolder


@flow(name="develop model", flow_run_name="develop {study.name}", validate_parameters=False)
def develop_model(study: Path, *, sandbox: str = "auto") -> None:
    """Develop the model that the request in a study folder asks for.

    Started again for the same study it goes on after the last finished step.

    Args:
        study: The study's folder, with its `request.json`; it says who plays the three roles.
        sandbox: `auto`, `docker`, `bubblewrap` or `local`.

    Raises:
        RequestError: The clinician must act.
        EvaluationError: A person must look.
        TrainingFailed: The unedited baseline does not train.
        StudyInUse: Another process works on this study.
    """
    folder = StudyFolder(Path(study))
    with folder.locked():
        if not folder.has("protocol.json"):  # a prepared study asks its agent nothing here, so that no key is needed
            prepare_study(folder.root)
        if not is_opened(folder):
            improve_model(folder.root, sandbox=sandbox)
        evaluate_model(folder.root, sandbox=sandbox)
        deliver_model(folder.root)
        show(folder, Progress(stage="done"))
