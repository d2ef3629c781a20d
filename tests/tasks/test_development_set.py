import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.development_set import load_inputs, load_validation, materialise
from tasks.domain.errors import DataUnusable, StudyBlocked, StudyNotFound
from tasks.domain.manifest import Manifest
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import OperatingPoint, Spec, SpecClass

SPEC = Spec(
    task="binary_classification",
    classes=(
        SpecClass(name="benign", labels=("nv", "bkl"), description="harmless"),
        SpecClass(name="mel", labels=("mel",), description="melanoma"),
    ),
    positive="mel",
    priorities=("mel",),
    primary="auroc",
    secondary=(),
    operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive="mel"),
)


@pytest.fixture
def manifest(tmp_path):
    images = tmp_path / "source"
    (images / "melanomas").mkdir(parents=True)
    rows = []
    for number in range(48):
        label = ("mel", "nv", "bkl", "scc")[number % 4]
        file = f"melanomas/{label} of Mrs. K{number // 8} {number}.JPEG"
        Image.new("L", (4, 4), number).save(images / file, "PNG")
        rows.append(
            {
                "image_id": f"{(number * 7919 + 5) % 65536:016x}",
                "file": file,
                "row": number + 2,
                "label": label,
                "group": f"Mrs. K{number // 8}",
                "split": ("train", "train", "validation", "test")[number // 8 % 4],
                "attribute.age": 50.0,
            }
        )
    return Manifest(rows=pd.DataFrame(rows), images=images, kind="table", roles=ColumnRoles())


@pytest.fixture
def data(tmp_path, manifest):
    materialise(tmp_path / "data", manifest, SPEC)
    return tmp_path / "data"


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_train_has_images_labels_and_group_numbers_of_the_classes_of_the_spec(data, manifest):
    table = pd.read_csv(data / "train/train.csv")
    assert list(table.columns) == ["image", "label", "group", "detail"]
    assert len(table) == 24
    truth = {f"{row.image_id}.jpeg": row for row in manifest.rows.itertuples()}
    for row in table.itertuples():
        original = truth[row.image]
        assert original.split == "train"
        assert SPEC.class_of_label[original.label] == row.label
        assert original.label == row.detail
        assert (data / "train/images" / row.image).read_bytes() == (manifest.images / original.file).read_bytes()
    pairs = {(truth[row.image].group, row.group) for row in table.itertuples()}
    assert len(pairs) == table["group"].nunique() == 4
    assert sorted(path.name for path in (data / "train").iterdir()) == ["images", "task.json", "train.csv"]
    assert sorted(path.name for path in (data / "train/images").iterdir()) == sorted(table["image"])


def test_labels_that_say_no_more_than_the_classes_are_not_told_twice(tmp_path, manifest):
    plain = replace(SPEC, classes=(replace(SPEC.classes[0], labels=("nv",)), SPEC.classes[1]))
    materialise(tmp_path / "data", manifest, plain)
    assert list(pd.read_csv(tmp_path / "data/train/train.csv").columns) == ["image", "label", "group"]
    assert set(pd.read_parquet(tmp_path / "data/validation_labels.parquet").columns) == {"image", "label", "group"}


def test_train_is_told_the_task_and_validation_only_the_classes(data):
    assert json.loads((data / "train/task.json").read_text()) == {
        "classes": ["benign", "mel"],
        "positive": "mel",
        "priorities": ["mel"],
        "labels": {"benign": 16, "mel": 8},
    }
    assert json.loads((data / "validation/task.json").read_text()) == {"classes": ["benign", "mel"]}


def test_validation_is_mounted_without_labels_groups_and_names(data):
    files = content(data / "validation")
    assert sorted(name for name in files if "/" not in name) == ["images.csv", "task.json"]
    listed = files["images.csv"].decode().split()
    assert listed[0] == "image"
    assert sorted(f"images/{name}" for name in listed[1:]) == sorted(name for name in files if "/" in name)
    for word in ("Mrs", "melanomas", "nv", "bkl", "group"):
        assert not any(word in name for name in files)
        assert word not in files["images.csv"].decode()


def test_copies_say_nothing_by_name_time_or_right(data):
    for image in [*(data / "train/images").iterdir(), *(data / "validation/images").iterdir()]:
        assert len(image.stem) == 16
        assert image.suffix == ".jpeg"
        assert image.stat().st_mtime == 0
        assert image.stat().st_mode & 0o777 == 0o444


def test_no_test_image_comes_near_the_development_set(data, manifest):
    ids = set(manifest.rows.loc[manifest.rows["split"] == "test", "image_id"])
    assert not ids & {path.stem for path in data.rglob("*")}


def test_validation_labels_come_back_in_the_order_of_the_mounted_list(data, manifest):
    found = load_validation(data, SPEC)
    assert found.images == list(pd.read_csv(data / "validation/images.csv")["image"])
    truth = manifest.rows.set_index("image_id")
    expected = [
        SPEC.class_names.index(SPEC.class_of_label[truth.loc[image.split(".")[0], "label"]]) for image in found.images
    ]
    assert found.labels.tolist() == expected
    assert found.labels.dtype == np.int64
    assert found.groups.dtype == np.int64
    images, labels, groups = found
    assert len(images) == len(labels) == len(groups) == 6


def test_the_order_is_fixed_and_says_nothing(tmp_path, data, manifest):
    shuffled = replace(manifest, rows=manifest.rows.sample(frac=1, random_state=1))
    materialise(tmp_path / "again", shuffled, SPEC)
    assert content(tmp_path / "again/train") == content(data / "train")
    labels = list(pd.read_csv(data / "train/train.csv")["label"])
    assert labels != sorted(labels)
    assert labels != list(
        manifest.rows.loc[manifest.rows["split"] == "train", "label"].map(SPEC.class_of_label).dropna()
    )


def test_laying_out_again_touches_nothing(tmp_path, data, manifest):
    before = {path: path.stat().st_ino for path in data.rglob("*")}
    materialise(tmp_path / "data", manifest, SPEC)
    assert {path: path.stat().st_ino for path in data.rglob("*")} == before


def test_another_spec_is_laid_out_anew(tmp_path, data, manifest):
    other = replace(SPEC, classes=(replace(SPEC.classes[0], labels=("nv",)), SPEC.classes[1]))
    materialise(data, manifest, other)
    assert len(pd.read_csv(data / "train/train.csv")) == 16
    assert len(list((data / "train/images").iterdir())) == 16
    assert len(load_validation(data, other).images) == 4


def test_what_a_kill_left_behind_is_replaced(data, manifest):
    expected = content(data)
    (data / "development_set.json").unlink()
    (data / "train/train.csv").unlink()
    (data / "validation.partial/images").mkdir(parents=True)
    (data / "validation.partial/images/half.jpeg").write_bytes(b"ha")
    materialise(data, manifest, SPEC)
    assert content(data) == expected


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_class_without_an_image_blocks_the_study(tmp_path, manifest, split):
    rows = manifest.rows[(manifest.rows["split"] != split) | (manifest.rows["label"] != "mel")]
    with pytest.raises(StudyBlocked, match=f"no image of mel is left for {split}"):
        materialise(tmp_path / "data", replace(manifest, rows=rows), SPEC)


def test_a_missing_image_is_named_with_its_row(tmp_path, manifest):
    row = manifest.rows[manifest.rows["split"] == "validation"].iloc[0]
    (manifest.images / row["file"]).unlink()
    with pytest.raises(DataUnusable) as unusable:
        materialise(tmp_path / "data", manifest, SPEC)
    assert unusable.value.file == row["file"]
    assert unusable.value.row == row["row"]
    with pytest.raises(StudyNotFound):
        load_validation(tmp_path / "data", SPEC)


@pytest.fixture
def with_inputs(manifest):
    """Images whose table says age, sex (with gaps) and a ward; only age and sex may be seen."""
    numbers = range(len(manifest.rows))
    is_validation = (manifest.rows["split"] == "validation").to_numpy()
    sexes = np.array([("female", "male", None)[number % 3] for number in numbers], dtype=object)
    sexes[np.flatnonzero(is_validation)[0]] = "diverse"  # which no training image is
    ages = np.where(is_validation, 1000.0, [20.0 + number for number in numbers])
    ages[0] = np.nan
    columns = {
        "attribute.age": ages,
        "attribute.sex": sexes,
        "attribute.ward": [f"ward {number}" for number in numbers],
    }
    return replace(manifest, rows=manifest.rows.assign(**columns)), replace(SPEC, inputs=("age", "sex"))


def test_only_the_inputs_that_were_asked_for_travel_with_the_images(tmp_path, with_inputs):
    materialise(tmp_path / "data", *with_inputs)
    train = pd.read_csv(tmp_path / "data/train/train.csv", dtype=str, keep_default_na=False)
    asked = pd.read_csv(tmp_path / "data/validation/images.csv", dtype=str, keep_default_na=False)
    assert list(train.columns) == ["image", "label", "group", "input_age", "input_sex", "detail"]
    assert list(asked.columns) == ["image", "input_age", "input_sex"]
    labels = pd.read_parquet(tmp_path / "data/validation_labels.parquet")
    assert list(labels.columns) == ["image", "label", "group"]
    for path in (tmp_path / "data").rglob("*"):
        assert path.suffix in {".jpeg", ".parquet", ""} or b"ward" not in path.read_bytes(), path
    truth = with_inputs[0].rows.set_index("image_id")
    for row in pd.concat([train, asked]).itertuples():
        original = truth.loc[row.image.split(".")[0]]
        age, sex = original["attribute.age"], original["attribute.sex"]
        assert row.input_age == ("" if np.isnan(age) else f"{age:g}")
        assert row.input_sex == ("" if pd.isna(sex) or sex == "diverse" else sex)


def test_what_is_told_of_the_inputs_rests_on_the_training_images_alone(tmp_path, with_inputs):
    manifest, spec = with_inputs
    materialise(tmp_path / "data", manifest, spec)
    rows = manifest.rows
    ages = rows.loc[(rows["split"] == "train") & (rows["label"] != "scc"), "attribute.age"].dropna()
    age, sex = json.loads((tmp_path / "data/train/task.json").read_text())["inputs"]
    assert age == {"name": "age", "kind": "number", "values": [], "mean": age["mean"], "deviation": age["deviation"]}
    assert age["mean"] == pytest.approx(ages.mean())
    assert age["deviation"] == pytest.approx(ages.std(ddof=0))
    assert (sex["name"], sex["kind"], sex["values"]) == ("sex", "category", ["female", "male"])
    assert json.loads((tmp_path / "data/validation/task.json").read_text()) == {"classes": ["benign", "mel"]}
    assert [item.name for item in load_inputs(tmp_path / "data")] == ["age", "sex"]


def test_other_inputs_are_laid_out_anew_and_none_as_ever(tmp_path, with_inputs, data, manifest):
    before = content(data)
    materialise(data, *with_inputs)
    assert "input_age" in (data / "train/train.csv").read_text()
    materialise(data, with_inputs[0], replace(SPEC, inputs=("sex",)))
    assert "input_age" not in (data / "train/train.csv").read_text()
    materialise(data, manifest, SPEC)
    assert content(data) == before
    assert load_inputs(data) == ()


def test_an_input_without_a_value_in_training_is_refused(tmp_path, with_inputs):
    manifest, spec = with_inputs
    is_train = manifest.rows["split"] == "train"
    gone = manifest.rows.assign(**{"attribute.sex": manifest.rows["attribute.sex"].mask(is_train)})
    with pytest.raises(DataUnusable, match="no training image has a value of 'sex'"):
        materialise(tmp_path / "data", replace(manifest, rows=gone), spec)
