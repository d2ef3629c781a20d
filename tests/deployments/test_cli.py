from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from agents.claude.scripted_server import ScriptedServer
from tasks.conversations import Conversations
from tasks.delivery import deliver
from tasks.domain.conversation import Entry
from tasks.domain.request import Budget, Request
from tasks.ledger import append
from tasks.storage import StudyFolder

ROUNDS = Path(sys.executable).with_name("rounds")
TINY = Path(__file__).resolve().parents[1] / "flows" / "tiny_template"


def rounds(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "ROUNDS_STATE": str(folder / "state"),
        "ROUNDS_TEMPLATES": str(TINY),
        "PREFECT_HOME": str(folder / "prefect"),
        "COLUMNS": "200",
        **environment,
    }
    command = [str(ROUNDS), *(str(item) for item in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=folder, timeout=300)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of pictures with one sub-folder a class."""
    for number in range(120):
        label = ("dark", "bright")[number % 2]
        (tmp_path / "pictures" / label).mkdir(parents=True, exist_ok=True)
        grey = (90 if label == "dark" else 150) + (number * 37) % 50
        image = Image.new("RGB", (24, 24), (grey, grey, number))
        for step in range(24):
            image.putpixel(((number * 7 + step) % 24, (number * step) % 24), (step * 10, number * 2, 255 - number))
        image.save(tmp_path / "pictures" / label / f"{number:03d}.png")
    return tmp_path / "pictures"


def test_a_study_that_is_not_there_is_told_with_exit_code_4(tmp_path: Path) -> None:
    for command in (["resume"], ["status"], ["report"], ["ledger", "verify"]):
        done = rounds(tmp_path, *command, "nowhere")
        assert done.returncode == 4, done.stderr
        assert "there is no study in" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_request_without_words_or_images_is_told_with_exit_code_3(tmp_path: Path) -> None:
    done = rounds(tmp_path, "develop", "--images", tmp_path)
    assert (done.returncode, "say in your own words" in done.stderr) == (3, True)
    done = rounds(tmp_path, "develop", "--text", "tell a from b")
    assert (done.returncode, "name the folder of images" in done.stderr) == (3, True)


def test_an_unknown_sandbox_or_too_many_rounds_is_a_wrong_command_line(tmp_path: Path) -> None:
    assert rounds(tmp_path, "develop", "--sandbox", "none").returncode == 2
    assert rounds(tmp_path, "develop", "--rounds", "31").returncode == 2


def test_an_unknown_agent_is_told_before_anything_is_begun(tmp_path: Path, pictures: Path) -> None:
    done = rounds(tmp_path, "develop", "--text", "tell bright from dark", "--images", pictures, "--agent", "oracle")
    assert done.returncode == 3
    assert "no agent 'oracle'" in done.stderr


def test_claude_without_a_key_is_told_before_anything_is_begun_and_so_is_who_works_instead(
    tmp_path: Path, pictures: Path
) -> None:
    study = tmp_path / "study"
    given = ("develop", "--text", "tell bright from dark", "--images", pictures, "--agent", "claude", "--study", study)
    done = rounds(tmp_path, *given, ANTHROPIC_API_KEY="")
    assert done.returncode == 3
    assert "set ANTHROPIC_API_KEY" in done.stderr
    assert "--agent playbook" in done.stderr
    assert not study.exists()


def test_a_model_without_a_price_is_refused_before_anything_is_begun(tmp_path: Path, pictures: Path) -> None:
    given = ("develop", "--text", "tell bright from dark", "--images", pictures, "--agent", "claude")
    done = rounds(tmp_path, *given, ANTHROPIC_API_KEY="written", ROUNDS_CLAUDE_MODEL="claude-unheard-of")
    assert done.returncode == 3
    assert "no price is known for the model 'claude-unheard-of'" in done.stderr.replace("\n", " ")


def test_a_cap_that_does_not_cover_the_first_call_is_told_and_nothing_is_asked_or_sealed(
    tmp_path: Path, pictures: Path
) -> None:
    study = tmp_path / "study"
    given = (
        "develop",
        "--text",
        "tell bright from dark",
        "--images",
        pictures,
        "--agent",
        "claude",
        "--study",
        study,
        "--yes",
    )
    with ScriptedServer([]) as server:
        environment = {
            "ANTHROPIC_API_KEY": "written",
            "ROUNDS_CLAUDE_BASE_URL": server.url,
            "ROUNDS_CLAUDE_STUDY_DOLLARS": "0.0001",
        }
        done = rounds(tmp_path, *given, **environment)
        assert server.requests == []
    told = " ".join(done.stderr.split())
    assert done.returncode == 3
    assert "The next call might cost up to $" in told
    assert "Raise the cap (ROUNDS_CLAUDE_STUDY_DOLLARS" in told
    assert "will likely cost between" in told
    assert not (study / "ledger.jsonl").exists()


def test_a_conversation_is_shown_and_one_that_never_was_is_told(tmp_path: Path) -> None:
    study = StudyFolder(tmp_path / "study")
    study.write(Request(text="x", images=tmp_path), "request.json")
    data = {"kind": "529", "message": "It was busy.", "waited_seconds": 0.0, "usage": {}}
    Conversations(study.path("conversations")).append("round-03", Entry(kind="fault", key="k", data=data))
    shown = rounds(tmp_path, "transcript", study.root, "3")
    assert shown.returncode == 0
    assert "# Conversation round-03" in shown.stdout
    assert "It was busy." in shown.stdout
    done = rounds(tmp_path, "transcript", study.root, "parse")
    assert done.returncode == 4
    assert "no conversation 'parse'; there are: round-03" in done.stderr


def test_a_study_folder_that_is_taken_is_left_alone(tmp_path: Path, pictures: Path) -> None:
    study = StudyFolder(tmp_path / "taken")
    study.write(Request(text="older", images=pictures, budget=Budget()), "request.json")
    append(study.path("ledger.jsonl"), "holdout_sealed", actor="system", facts={}, anchors=tmp_path / "state")
    done = rounds(tmp_path, "develop", "--text", "tell bright from dark", "--images", pictures, "--study", study.root)
    assert done.returncode == 3
    assert "rounds resume" in done.stderr
    assert study.request().text == "older"


def test_a_ledger_that_was_cut_is_told_with_exit_code_4(tmp_path: Path, pictures: Path) -> None:
    study = StudyFolder(tmp_path / "study")
    study.write(Request(text="x", images=pictures), "request.json")
    for number in range(3):
        append(study.path("ledger.jsonl"), "note", actor="system", facts={"n": number}, anchors=tmp_path / "state")
    assert "3 entries, chain intact" in rounds(tmp_path, "ledger", "verify", study.root).stdout
    lines = study.path("ledger.jsonl").read_text().splitlines(keepends=True)
    study.path("ledger.jsonl").write_text("".join(lines[:-1]))
    done = rounds(tmp_path, "ledger", "verify", study.root)
    assert done.returncode == 4
    assert "LedgerBroken" in done.stderr


PREDICT_BY_AGE = """
import csv, os, pathlib
data, out = pathlib.Path(os.environ["ROUNDS_DATA"]), pathlib.Path(os.environ["ROUNDS_OUT"])
lines = ["image,no,yes"]
for row in csv.DictReader((data / "images.csv").open()):
    old = float(row.get("input_age") or 50) / 100
    lines.append(f"{row['image']},{1 - old:.4f},{old:.4f}")
(out / "predictions.csv").write_text("\\n".join(lines) + "\\n")
"""


def delivered(folder: Path, inputs: list[dict[str, object]], *, trusted: bool = True) -> StudyFolder:
    """Return a study whose model answers with the age that it is told."""
    study = StudyFolder(folder / "study")
    study.write(Request(text="x", images=folder), "request.json")
    (folder / "code").mkdir()
    (folder / "code" / "predict.py").write_text(PREDICT_BY_AGE)
    (folder / "code" / "template.toml").write_text('predict = ["python", "predict.py"]\n')
    save_file({"weight": np.zeros(1, dtype=np.float32)}, folder / "checkpoint.safetensors")
    facts = {"classes": ["no", "yes"], "positive": "yes", "threshold": 0.6, "inputs": inputs, "trusted_code": trusted}
    deliver(study.path("model"), code=folder / "code", checkpoint=folder / "checkpoint.safetensors", facts=facts)
    return study


def test_a_model_that_sees_more_than_images_is_given_it_or_says_so(tmp_path: Path, pictures: Path) -> None:
    age = {"name": "age", "kind": "number", "values": [], "mean": 50.0, "deviation": 10.0}
    study, images = delivered(tmp_path, [age]), sorted((pictures / "dark").iterdir())[:2]
    known = tmp_path / "known.csv"
    known.write_text(f"image,age\n{images[1].name},80\n")
    done = rounds(tmp_path, "predict", study.root, *images, "--inputs", known, "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["yes"], row["decision"]) for row in rows] == [("0.5", "no"), ("0.8", "yes")]
    assert "1 of 2 images are not in known.csv." in done.stderr
    done = rounds(tmp_path, "predict", study.root, *images, "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    assert [row["yes"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["0.5", "0.5"]
    assert "built to see age beside the image" in done.stderr
    assert "--inputs TABLE" in done.stderr
    known.write_text(f"image,weight\n{images[1].name},80\n")
    done = rounds(tmp_path, "predict", study.root, *images, "--inputs", known, "--sandbox", "local")
    assert done.returncode == 3
    assert "it sees age; the table has: image, weight" in " ".join(done.stderr.split())


def test_a_model_of_images_alone_has_no_use_for_a_table(tmp_path: Path, pictures: Path) -> None:
    study, image = delivered(tmp_path, []), next((pictures / "dark").iterdir())
    done = rounds(tmp_path, "predict", study.root, image, "--inputs", tmp_path / "known.csv", "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    assert "sees nothing but the images; known.csv is not used" in done.stderr
    assert [row["yes"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["0.5"]


def test_a_model_that_a_language_model_wrote_is_not_used_in_the_local_sandbox_whatever_the_study_says(
    tmp_path: Path, pictures: Path
) -> None:
    study, image = delivered(tmp_path, [], trusted=False), next((pictures / "dark").iterdir())
    study.write("playbook\n", "agent")
    done = rounds(tmp_path, "predict", study.root, image, "--sandbox", "local")
    assert (done.returncode, "does not isolate" in done.stderr) == (4, True), done.stderr


def test_a_study_with_a_round_of_a_language_model_is_not_gone_on_with_in_the_local_sandbox(tmp_path: Path) -> None:
    study = StudyFolder(tmp_path / "study")
    study.write(Request(text="x", images=tmp_path), "request.json")
    Conversations(study.path("conversations")).append("round-01", Entry(kind="fault", key="k", data={}))
    done = rounds(tmp_path, "resume", study.root, "--sandbox", "local")
    assert (done.returncode, "does not isolate" in done.stderr) == (4, True), done.stderr


def test_a_setting_that_cannot_be_is_a_sentence_with_exit_code_3(tmp_path: Path) -> None:
    done = rounds(tmp_path, "status", ROUNDS_CLAUDE_STUDY_DOLLARS="nan")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert "the setting ROUNDS_CLAUDE_STUDY_DOLLARS cannot be 'nan'" in " ".join(done.stderr.split())


@pytest.mark.prefect
def test_from_words_to_predictions_by_the_command_line_alone(tmp_path: Path, pictures: Path) -> None:
    """The whole job with a learner that takes no time: develop, status, report, predict, ledger, resume."""
    study = tmp_path / "studies" / "one"
    done = rounds(
        tmp_path, "develop", "--text", "Tell bright from dark.", "--images", pictures, "--rounds", 2, "--minutes", 0.1,
        "--sandbox", "local", "--study", study, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["study"] == str(study)
    assert result["rounds"][0]["verdict"] == "baseline"
    primary = result["metrics"][result["primary"]]
    assert set(primary["initial"]) >= {"value", "low", "high"}
    assert set(primary["difference"]) >= {"value", "low", "high", "p"}
    assert primary["final"]["value"] > 0.5
    assert {"n", "n_groups", "opened_at"} <= set(result)

    assert "done" in rounds(tmp_path, "status", study).stdout
    assert json.loads((study / "ran_in.json").read_text()) == {"local": False}
    assert rounds(tmp_path, "report", study).stdout.strip().endswith("report.html")
    assert "<dd>local (no isolation), on cpu</dd>" in (study / "report.html").read_text()
    card = json.loads((study / "model" / "model.json").read_text())
    assert (card["agent"], card["trusted_code"]) == ("playbook", True)
    (study / "agent").write_text("claude\n")
    (study / "ran_in.json").unlink()
    done = rounds(tmp_path, "report", study, PATH="/nowhere")  # it runs nothing, so that it needs no sandbox
    assert done.returncode == 0, done.stderr
    assert "<dd>unknown, on cpu</dd>" in (study / "report.html").read_text()
    (study / "agent").write_text("playbook\n")
    assert "chain intact" in rounds(tmp_path, "ledger", "verify", study).stdout

    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    images = [*sorted((pictures / "bright").iterdir())[:3], broken]
    done = rounds(tmp_path, "predict", study, *images, "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert "1 of 4 images could not be read" in done.stderr

    before = (study / "evaluation.json").read_bytes()
    done = rounds(tmp_path, "resume", study, "--sandbox", "local", "--json")
    assert json.loads(done.stdout.splitlines()[-1]) == result
    assert (study / "evaluation.json").read_bytes() == before


@pytest.mark.prefect
def test_questions_and_refusals_are_told_with_exit_code_3(tmp_path: Path, pictures: Path) -> None:
    done = rounds(tmp_path, "develop", "--text", "Something for bleeds.", "--images", pictures, "--sandbox", "local")
    assert done.returncode == 3
    assert "Add the answer to the text" in done.stderr
    assert "Traceback" not in done.stderr
    done = rounds(
        tmp_path, "develop", "--text", "Prescribe antibiotics automatically from these pictures.", "--images", pictures,
        "--sandbox", "local",
    )  # fmt: skip
    assert done.returncode == 3
    assert "RequestOutOfScope" in done.stderr


@pytest.mark.prefect
def test_a_tracking_server_that_is_down_loses_nothing(tmp_path: Path, pictures: Path) -> None:
    study = tmp_path / "studies" / "one"
    done = rounds(
        tmp_path, "develop", "--text", "Tell bright from dark.", "--images", pictures, "--rounds", 0, "--minutes", 0.1,
        "--sandbox", "local", "--study", study, MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (study / "report.html").exists()
    assert "tracking_pending" in {item.stem for item in study.iterdir()}
    assert "MLflow at http://127.0.0.1:9 could not be brought up to date" in done.stderr
    done = rounds(tmp_path, "resume", study, "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    assert not (study / "tracking_pending.txt").exists()


def findings_table(folder: Path) -> Path:
    """Write pictures and a table of findings that can occur together, and return the table."""
    lines = ["Image Index,Finding Labels,Patient ID"]
    (folder / "films").mkdir()
    for number in range(120):
        image = Image.new("L", (24, 24), 60 + 80 * (number % 2))
        for step in range(24):
            image.putpixel(((number * 7 + step) % 24, (number * step) % 24), (step * 10 + number) % 255)
        image.save(folder / "films" / f"{number:03d}.png")
        names = [name for name, every in (("Effusion", 2), ("Mass", 3)) if number % every]
        lines.append(f"{number:03d}.png,{'|'.join(names) or 'No Finding'},{number}")
    (folder / "films" / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "films" / "labels.csv"


def test_a_folder_is_investigated_without_any_request(tmp_path: Path) -> None:
    findings_table(tmp_path)
    done = rounds(tmp_path, "investigate", "films", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["images"], result["kind"]) == (120, "multi_label")
    assert result["page"] == str(tmp_path / "films-profile" / "profile.html")
    page = Path(result["page"]).read_text()
    assert "Findings that can occur together" in page
    assert not (tmp_path / "films" / "profile.html").exists()


def test_an_investigation_without_a_folder_or_images_is_told_with_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, words in (("nowhere", "no such folder"), ("empty", "no image file")):
        done = rounds(tmp_path, "investigate", name)
        assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (3, True, False), done.stderr


def test_a_request_is_parsed_without_starting_a_study(tmp_path: Path) -> None:
    table = findings_table(tmp_path)
    words = "Tell effusion from no effusion."
    done = rounds(tmp_path, "parse", "--text", words, "--images", table.parent, "--table", table, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["level"], result["spec"]["task"]) == ("none", "binary_classification")
    assert [name for item in result["spec"]["classes"] for name in item["labels"]] == ["no Effusion", "Effusion"]
    assert not list(tmp_path.glob("stud*"))


def test_a_profile_serves_instead_of_images_and_questions_are_told_with_exit_code_3(tmp_path: Path) -> None:
    findings_table(tmp_path)
    assert rounds(tmp_path, "investigate", "films").returncode == 0
    profile = tmp_path / "films-profile" / "profile.json"
    done = rounds(
        tmp_path, "parse", "--text", "Prescribe antibiotics to whoever has an effusion.", "--profile", profile
    )
    assert done.returncode == 3
    done = rounds(tmp_path, "parse", "--text", "Who will die within a year?", "--profile", profile, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout.splitlines()[-1])["level"] == "blocking"
    (tmp_path / "broken.json").write_text("{}")
    done = rounds(tmp_path, "parse", "--text", "Find effusion.", "--profile", tmp_path / "broken.json")
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)
