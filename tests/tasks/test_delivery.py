import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tasks.delivery import DeliveredModel, deliver, predict_images, read_model, reads_inputs
from tasks.domain.errors import ModelDamaged, PredictionsInvalid, TrainingFailed
from tasks.domain.model_input import ModelInput
from tasks.given_inputs import given_inputs
from tasks.machine import Machine
from tasks.sandbox.local import LocalSandbox
from tasks.storage import file_sha256

MACHINE = Machine(
    device="cpu",
    cpus=1,
    memory_bytes=2**30,
    disk_bytes=2**28,
    gpu_memory_bytes=0,
    grace_seconds=10,
    predict_seconds=30,
    weights=None,
)
CLASSIFICATION = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
TEMPLATE = 'name = "brightness"\npredict = ["python", "predict.py"]\n'
PREDICT = """
import csv, json, os, pathlib
from PIL import Image
data, out = pathlib.Path(os.environ["ROUNDS_DATA"]), pathlib.Path(os.environ["ROUNDS_OUT"])
classes = json.loads((data / "task.json").read_text())["classes"]
assert pathlib.Path(os.environ["ROUNDS_CHECKPOINT"]).is_file()
lines = [",".join(["image", *classes])]
for row in csv.DictReader((data / "images.csv").open()):
    bright = Image.open(data / "images" / row["image"]).getpixel((0, 0))[0] / 100
    lines.append(f"{row['image']},{1 - bright:.4f},{bright:.4f}")
(out / "predictions.csv").write_text("\\n".join(lines) + "\\n")
"""
FACTS = {"classes": ["nv", "mel"], "positive": "mel", "threshold": 0.4, "round": 3, "study": "moles"}


@pytest.fixture
def parts(tmp_path):
    """Code and checkpoint of a model that reads its answer from the image's first pixel."""
    code, checkpoint = tmp_path / "code", tmp_path / "best.safetensors"
    code.mkdir()
    (code / "template.toml").write_text(TEMPLATE)
    (code / "predict.py").write_text(PREDICT)
    save_file({"weight": np.zeros(3, dtype=np.float32)}, checkpoint)
    return code, checkpoint


@pytest.fixture
def model(tmp_path, parts):
    deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts=FACTS)
    return tmp_path / "model"


def picture(path, brightness):
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    noise[0, 0] = round(100 * brightness)
    Image.fromarray(noise).save(path, "PNG")
    return path


def predict(model, images, scratch):
    return predict_images(model, images, sandbox=LocalSandbox(), machine=MACHINE, scratch=scratch)


def test_a_delivered_model_says_what_it_is(model):
    card = json.loads((model / "model.json").read_text())
    assert {key: card[key] for key in FACTS} == FACTS
    assert sorted(card["files"]) == ["predict.py", "template.toml"]
    assert read_model(model) == DeliveredModel(folder=model, classes=("nv", "mel"), positive="mel", threshold=0.4)


AGE = {"name": "age", "kind": "number", "values": [], "mean": 50.0, "deviation": 10.0}
BY_AGE = PREDICT.replace(
    'Image.open(data / "images" / row["image"]).getpixel((0, 0))[0] / 100', 'float(row["input_age"] or 50) / 100'
)


@pytest.fixture
def of_age(tmp_path, parts):
    """A model whose answer is the age that it is told, a hundredth of it."""
    (parts[0] / "predict.py").write_text(BY_AGE)
    deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts={**FACTS, "inputs": [AGE]})
    return tmp_path / "model"


def test_answers_change_with_the_inputs_and_each_image_gets_its_own(of_age, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    images = [
        picture(tmp_path / "a.jpg", 0.1),
        broken,
        picture(tmp_path / "b.jpg", 0.1),
        picture(tmp_path / "c.jpg", 0.1),
    ]
    (tmp_path / "known.csv").write_text("image,age\nc,20\na,90\nbroken,70\n")
    inputs = read_model(of_age).inputs
    assert inputs == (ModelInput(name="age", kind="number", mean=50.0, deviation=10.0),)
    given = given_inputs(tmp_path / "known.csv", images, inputs)
    sandbox, scratch = LocalSandbox(), tmp_path / "scratch"
    table = predict_images(of_age, images, sandbox=sandbox, machine=MACHINE, scratch=scratch, inputs=given.columns)
    assert table["mel"].tolist() == pytest.approx([0.9, math.nan, 0.5, 0.2], nan_ok=True)


def test_inputs_may_be_missing_altogether(of_age, tmp_path):
    images = [picture(tmp_path / "a.jpg", 0.1), picture(tmp_path / "b.jpg", 0.1)]
    given = given_inputs(None, images, read_model(of_age).inputs)
    assert len(given.notes) == 1
    table = predict_images(
        of_age, images, sandbox=LocalSandbox(), machine=MACHINE, scratch=tmp_path / "scratch", inputs=given.columns
    )
    assert table["mel"].tolist() == [0.5, 0.5]


def test_only_code_that_names_the_columns_of_inputs_reads_them(tmp_path, parts):
    assert not reads_inputs(parts[0])
    assert not reads_inputs(CLASSIFICATION)
    (parts[0] / "predict.py").write_text(BY_AGE)
    assert reads_inputs(parts[0])


def test_a_delivery_leaves_nothing_but_the_model_folder(model, tmp_path):
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.safetensors", "code", "model"]


def test_a_second_delivery_replaces_the_first(model, parts):
    deliver(model, code=parts[0], checkpoint=parts[1], facts={**FACTS, "threshold": 0.7})
    assert read_model(model).threshold == 0.7
    assert sorted(path.name for path in model.parent.iterdir()) == ["best.safetensors", "code", "model"]


def test_a_refused_delivery_leaves_the_older_one_in_place(model, parts):
    parts[1].write_bytes(b"\x80\x04K\x01.")  # a pickle
    with pytest.raises(ModelDamaged, match="no safetensors"):
        deliver(model, code=parts[0], checkpoint=parts[1], facts=FACTS)
    assert read_model(model).threshold == 0.4
    assert sorted(path.name for path in model.parent.iterdir()) == ["best.safetensors", "code", "model"]


def test_a_checkpoint_that_is_a_link_is_not_followed(tmp_path, parts):
    link = tmp_path / "link.safetensors"
    link.symlink_to(parts[1])
    with pytest.raises(ModelDamaged, match=r"link\.safetensors cannot be delivered"):
        deliver(tmp_path / "model", code=parts[0], checkpoint=link, facts=FACTS)


def test_a_link_in_the_codebase_is_not_followed(tmp_path, parts):
    (parts[0] / "passwords.py").symlink_to("/etc/passwd")
    with pytest.raises(ModelDamaged, match=r"passwords\.py cannot be delivered"):
        deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts=FACTS)


@pytest.mark.parametrize("missing", ["classes", "positive", "threshold"])
def test_a_delivery_without_a_needed_fact_is_refused(tmp_path, parts, missing):
    facts = {key: value for key, value in FACTS.items() if key != missing}
    with pytest.raises(ValueError, match=missing):
        deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts=facts)


def test_images_come_back_in_order_with_the_frozen_threshold_applied(model, tmp_path):
    images = [picture(tmp_path / f"{name}.jpg", value) for name, value in (("a", 0.9), ("b", 0.39), ("c", 0.4))]
    table = predict(model, images, tmp_path / "scratch")
    assert list(table.columns) == ["file", "nv", "mel", "decision", "flagged", "reason"]
    assert table["file"].tolist() == [str(image) for image in images]
    assert table["mel"].tolist() == pytest.approx([0.9, 0.39, 0.4])
    assert table["decision"].tolist() == ["mel", "nv", "mel"]
    assert table["flagged"].tolist() == [True, False, True]


def test_unreadable_images_come_back_with_a_reason_and_stop_nothing(model, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    good, absent = picture(tmp_path / "good.jpg", 0.8), tmp_path / "absent.jpg"
    table = predict(model, [broken, good, absent], tmp_path / "scratch")
    assert table["decision"].tolist() == ["", "mel", ""]
    assert table["mel"].isna().tolist() == [True, False, True]
    assert table["flagged"].isna().tolist() == [True, False, True]
    assert "no image" in table["reason"][0]
    assert table["reason"].tolist()[1:] == ["", "there is no such file"]


def test_a_dicom_file_is_predicted_as_the_picture_that_it_shows(model, tmp_path, make_dicom):
    shown = np.random.default_rng(0).integers(0, 100, (8, 8, 3), dtype=np.uint8)
    shown[0, 0] = 70
    single = make_dicom(tmp_path / "Jane Doe.dcm", shown)
    film = make_dicom(tmp_path / "film.dcm", np.stack([shown, shown]))
    table = predict(model, [single, film], tmp_path / "scratch")
    assert table["mel"][0] == pytest.approx(0.7)
    assert table["reason"].tolist() == ["", "holds 2 pictures; name one, or save each as a file of its own"]


def test_with_no_readable_image_no_sandbox_is_needed(model, tmp_path):
    table = predict_images(
        model, [tmp_path / "absent.jpg"], sandbox=None, machine=MACHINE, scratch=tmp_path / "scratch"
    )
    assert table["reason"].tolist() == ["there is no such file"]
    assert math.isnan(table["mel"][0])


def test_the_same_image_may_be_asked_twice(model, tmp_path):
    image = picture(tmp_path / "a.jpg", 0.9)
    assert predict(model, [image, image], tmp_path / "scratch")["decision"].tolist() == ["mel", "mel"]


def test_the_program_does_not_learn_file_names_and_copies_are_removed(model, tmp_path):
    image = picture(tmp_path / "Jane Doe melanoma.jpg", 0.9)
    spy = PREDICT + '\nprint("ASKED", (data / "images.csv").read_text())\n'
    (model / "code" / "predict.py").write_text(spy)
    card = json.loads((model / "model.json").read_text())
    card["files"]["predict.py"] = file_sha256(model / "code" / "predict.py")
    (model / "model.json").write_text(json.dumps(card))
    predict(model, [image], tmp_path / "scratch")
    log = (tmp_path / "scratch" / "predict.log").read_text()
    assert "ASKED" in log
    assert "Jane" not in log
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["predict.log"]


@pytest.mark.parametrize("change", ["edit", "add", "remove", "checkpoint"])
def test_a_changed_model_is_not_run(model, tmp_path, change):
    code = model / "code"
    if change == "edit":
        (code / "predict.py").write_text(PREDICT + "# more\n")
    elif change == "add":
        (code / "numpy.py").write_text("")
    elif change == "remove":
        (code / "template.toml").unlink()
    else:
        save_file({"weight": np.ones(3, dtype=np.float32)}, model / "model.safetensors")
    with pytest.raises(ModelDamaged, match="not what was delivered"):
        predict(model, [picture(tmp_path / "a.jpg", 0.9)], tmp_path / "scratch")


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(ModelDamaged, match="no delivered model"):
        read_model(tmp_path)


def test_a_crash_of_the_program_carries_its_log(tmp_path, parts):
    (parts[0] / "predict.py").write_text("raise RuntimeError('no such layer')\n")
    deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts=FACTS)
    with pytest.raises(TrainingFailed, match="predict") as caught:
        predict(tmp_path / "model", [picture(tmp_path / "a.jpg", 0.9)], tmp_path / "scratch")
    assert "no such layer" in caught.value.log_tail


def test_predictions_for_other_images_are_refused(tmp_path, parts):
    forged = PREDICT.replace("lines.append(f\"{row['image']}", 'lines.append(f"other.jpg')
    (parts[0] / "predict.py").write_text(forged)
    deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts=FACTS)
    with pytest.raises(PredictionsInvalid):
        predict(tmp_path / "model", [picture(tmp_path / "a.jpg", 0.9)], tmp_path / "scratch")


def test_of_three_classes_the_most_probable_is_decided_for_and_the_threshold_flags(tmp_path):
    three = DeliveredModel(folder=tmp_path, classes=("a", "b", "c"), positive="a", threshold=0.3)
    decided, flagged = three.decide(np.array([[0.35, 0.6, 0.05], [0.2, 0.2, 0.6]]))
    assert decided == ["b", "c"]
    assert flagged == [True, False]


def test_without_a_threshold_nothing_is_flagged(tmp_path):
    free = DeliveredModel(folder=tmp_path, classes=("a", "b"), positive="", threshold=math.nan)
    assert free.decide(np.array([[0.35, 0.65]])) == (["b"], [None])


@pytest.mark.parametrize(
    ("said", "trusted"), [({"trusted_code": True}, True), ({"trusted_code": False}, False), ({}, False)]
)
def test_a_model_is_trusted_only_if_it_says_that_its_code_is_shipped_with_rounds(tmp_path, parts, said, trusted):
    deliver(tmp_path / "model", code=parts[0], checkpoint=parts[1], facts={**FACTS, **said})
    assert read_model(tmp_path / "model").trusted_code is trusted
