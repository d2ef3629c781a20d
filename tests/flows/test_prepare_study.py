"""A study of findings that can occur together is prepared: labelled for its spec, split, sealed, and nothing of the test told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from agents.playbook.semantic_parser import PlaybookSemanticParser
from agents.playbook.task_initializer import PlaybookTaskInitializer
from flows.prepare_study import Office, prepare
from flows.steps import plain
from tasks.domain.errors import AmbiguousRequest, DataUnusable, RequestOutOfScope
from tasks.domain.manifest import LABEL, SPLIT, TEST
from tasks.domain.request import Budget, Request
from tasks.machine import Machine
from tasks.storage import StudyFolder

TEMPLATES = Path(__file__).resolve().parent / "tiny_template"
FINDINGS = ("finding.Effusion", "finding.Mass")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Return a folder of 150 films of 75 patients, with a table of findings that can occur together."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "films"
    folder.mkdir()
    rows = []
    for number in range(150):
        Image.fromarray(rng.integers(0, 255, (20, 20), dtype=np.uint8)).save(folder / f"{number:03d}.png")
        present = [name for name, every in (("Effusion", 2), ("Mass", 3)) if (number // 2) % every]
        age, sex = 20 + number * 7 % 60, "FM"[number // 3 % 2]
        rows.append((f"{number:03d}.png", "|".join(present) or "No Finding", number // 2, age, sex))
    pd.DataFrame(rows, columns=["Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Sex"]).to_csv(
        folder / "labels.csv", index=False
    )
    return folder


@pytest.fixture
def office(tmp_path: Path, films: Path, machine: Machine):
    """Return what makes the office of a study with given words."""

    def make(text: str, inputs: tuple[str, ...] = ()) -> Office:
        study = StudyFolder(tmp_path / "studies" / "films")
        budget = Budget(rounds=1, minutes_per_round=0.1)
        study.write(
            Request(text=text, images=films, table=films / "labels.csv", inputs=inputs, budget=budget), "request.json"
        )
        return Office(
            study=study,
            semantic_parser=PlaybookSemanticParser(),
            task_initializer=PlaybookTaskInitializer(),
            machine=machine,
            templates=TEMPLATES.parents[2] / "model_templates",
            anchors=tmp_path / "anchors",
            step=plain,
        )

    return make


def test_one_finding_of_several_is_made_a_study_and_the_test_set_keeps_all_its_findings_to_itself(office) -> None:
    place = office("Tell effusion from no effusion.")
    prepare(place)
    study = place.study
    rows = pd.read_parquet(study.path("manifest.parquet"))
    sealed = rows[SPLIT] == TEST
    assert sealed.sum() > 0
    assert rows.loc[sealed, [LABEL, *FINDINGS]].isna().all(axis=None)
    assert set(rows.loc[~sealed, LABEL]) == {"Effusion", "no Effusion"}
    labels = pd.read_parquet(study.path("holdout", "labels.parquet"))["label"]
    assert set(labels) == {"Effusion", "no Effusion"}
    assert study.has("protocol.json")


def test_what_cannot_be_trained_yet_is_refused_before_anything_is_sealed(office) -> None:
    place = office("Find both effusion and mass on these films; an image can show both.")
    with pytest.raises(RequestOutOfScope, match="no template for multilabel classification"):
        prepare(place)
    assert not place.study.has("ledger.jsonl")
    assert not place.study.path("holdout").exists()


def test_a_request_that_asks_back_stops_before_anything_is_sealed(office) -> None:
    place = office("Tell me who will die within a year.")
    with pytest.raises(AmbiguousRequest):
        prepare(place)
    assert not place.study.has("ledger.jsonl")


def test_inputs_travel_to_train_validation_and_test_alike_and_nothing_else_does(office) -> None:
    place = office("Tell effusion from no effusion.", inputs=("Patient Age", "Patient Sex"))
    prepare(place)
    study = place.study
    assert study.spec().inputs == ("Patient Age", "Patient Sex")
    assert "Beside the image it may also see `Patient Age` and `Patient Sex`" in study.text("readback.md")
    columns = ["input_Patient Age", "input_Patient Sex"]
    tables = [
        pd.read_csv(study.path(*parts), dtype=str, keep_default_na=False)
        for parts in (
            ("data", "train", "train.csv"),
            ("data", "validation", "images.csv"),
            ("holdout", "data", "images.csv"),
        )
    ]
    assert list(tables[0].columns) == ["image", "label", "group", *columns]
    assert [list(table.columns) for table in tables[1:]] == [["image", *columns]] * 2
    for table in tables:
        assert set(table[columns[1]]) == {"F", "M"}
        assert table[columns[0]].astype(float).between(20, 80).all()


def test_inputs_that_the_data_do_not_have_stop_before_anything_is_sealed(office) -> None:
    place = office("Tell effusion from no effusion.", inputs=("Patient Weight",))
    with pytest.raises(DataUnusable, match=r"'Patient Weight' is no attribute.*Patient Age, Patient Sex"):
        prepare(place)
    assert not place.study.has("ledger.jsonl")


def test_what_the_words_forbid_cannot_be_an_input(office) -> None:
    place = office(
        "Tell effusion from no effusion. The model must not rely on the patient age.", inputs=("Patient Age",)
    )
    with pytest.raises(DataUnusable, match="must not lean on"):
        prepare(place)
    assert not place.study.has("ledger.jsonl")
