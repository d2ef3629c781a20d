import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from tasks import holdout, ledger
from tasks.domain.errors import (
    DataUnusable,
    HoldoutAlreadyOpened,
    HoldoutChanged,
    LedgerBroken,
    StudyBlocked,
    StudyNotFound,
)
from tasks.domain.manifest import Manifest
from tasks.domain.model_input import ModelInput
from tasks.domain.request import ColumnRoles

PRINTS = {name: name[0] * 64 for name in holdout.FINGERPRINTS}
CLASSES = ("nevus", "melanoma")


def manifest_in(folder, count):
    images = folder / "images"
    images.mkdir(parents=True)
    rows = []
    for number in range(count):
        label = ("mel", "nv", "bkl")[(number // 6 + number % 2) % 3]
        file = f"{label}_patient{number // 2}_{number}.JPG"
        Image.new("L", (4, 4), number).save(images / file, "PNG")
        rows.append(
            {
                "image_id": f"{(number * 7919) % 65536:016x}",
                "file": file,
                "row": number + 2,
                "label": label,
                "group": f"patient{number // 2}",
                "split": ("train", "validation", "test")[number // 2 % 3],
                "attribute.age": 40.0 + number,
                "attribute.sex": ("f", None)[number % 2],
            }
        )
    return Manifest(rows=pd.DataFrame(rows), images=images, kind="table", roles=ColumnRoles())


# Python 3.12 warns of forks beside threads; pyarrow's threads are made for them.
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class Study:
    def __init__(self, root, count=18):
        self.manifest = manifest_in(root, count)
        self.root = root / "study"
        self.folder = self.root / "holdout"
        self.books = {"ledger": self.root / "ledger.jsonl", "anchors": root / "anchors"}
        self.root.mkdir()

    def seal(self, inputs=()):
        return holdout.seal(self.folder, self.manifest, **self.books, inputs=inputs)

    def open(self, **fingerprints):
        prints = PRINTS | fingerprints
        return holdout.open_once(self.folder, **self.books, fingerprints=prints, classes=CLASSES)

    def events(self):
        return [entry.event for entry in self.entries()]

    def entries(self):
        return ledger.verify(self.books["ledger"], anchors=self.books["anchors"]).entries


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path)


@pytest.fixture
def sealed(study):
    study.seal()
    return study


def test_the_sealed_folder_is_private_and_its_images_are_opaque(sealed):
    assert sealed.folder.stat().st_mode & 0o777 == 0o700
    images = sorted((sealed.folder / "data/images").iterdir())
    assert len(images) == 6
    for image in images:
        assert len(image.stem) == 16
        assert image.suffix == ".jpg"
        assert image.stat().st_mtime == 0
        assert image.stat().st_mode & 0o777 == 0o444
    assert sorted(path.name for path in (sealed.folder / "data").iterdir()) == ["images", "images.csv"]


def test_inputs_are_sealed_as_they_are_asked_for_and_nothing_else_of_the_table_is_mounted(study):
    study.seal((ModelInput(name="sex", kind="category", values=("f",)),))
    opened = study.open()
    asked = pd.read_csv(opened.data / "images.csv", dtype=str, keep_default_na=False)
    assert list(asked.columns) == ["image", "input_sex"]
    assert asked["image"].tolist() == opened.labels["image"].tolist()
    assert asked["input_sex"].tolist() == opened.labels["attribute.sex"].fillna("").tolist()
    assert set(asked["input_sex"]) == {"f", ""}
    writable(opened.data / "images.csv").write_text((opened.data / "images.csv").read_text().replace(",f", ","))
    with pytest.raises(HoldoutChanged, match=r"images\.csv was changed"):
        study.open()


def test_what_is_mounted_holds_no_label_group_or_file_name(sealed):
    sealed.open()
    texts = [path.read_text() for path in (sealed.folder / "data").iterdir() if path.is_file()]
    names = [path.name for path in (sealed.folder / "data").rglob("*")]
    for word in ("mel,", "nv", "patient", "bkl", "attribute"):
        assert not any(word in text for text in [*texts, *names])
    assert json.loads((sealed.folder / "data/task.json").read_text()) == {"classes": list(CLASSES)}


def test_the_ledger_knows_what_was_sealed(sealed):
    facts = holdout.sealed_facts(**sealed.books)
    assert facts["images"] == 6
    assert facts["groups"] == 3
    assert facts["labels"] == {"bkl": 2, "mel": 2, "nv": 2}
    assert facts["seal"] == holdout._sha256(sealed.folder / "seal.json")
    assert not holdout.is_opened(**sealed.books)


def test_an_unsealed_study_has_no_sealed_facts_and_cannot_be_opened(study):
    assert holdout.sealed_facts(**study.books) is None
    with pytest.raises(StudyNotFound, match="never sealed"):
        study.open()
    with pytest.raises(StudyNotFound, match="never opened"):
        holdout.close(**study.books, evaluation_sha256="e")


def test_sealing_again_changes_nothing(sealed):
    before = sorted(path.stat().st_ino for path in sealed.folder.rglob("*"))
    assert sealed.seal() == sealed.seal()
    assert sorted(path.stat().st_ino for path in sealed.folder.rglob("*")) == before
    assert sealed.events().count(holdout.SEALED) == 1


def test_the_seal_does_not_depend_on_the_order_of_the_rows(study, tmp_path):
    other = Study(tmp_path / "other")
    rows = other.manifest.rows.sample(frac=1, random_state=0)
    other.manifest = replace(other.manifest, rows=rows)
    study.seal()
    other.seal()
    table, again = (pd.read_parquet(item.folder / "labels.parquet") for item in (study, other))
    assert list(table["image"]) == list(again["image"])
    assert list(table["label"]) == list(again["label"])


@pytest.mark.parametrize(
    ("column", "value"), [("label", "nv"), ("group", "patient99"), ("split", "test"), ("split", "train")]
)
def test_another_test_set_is_not_taken_for_the_sealed_one(sealed, column, value):
    rows = sealed.manifest.rows.copy()
    row = rows.index[rows["split"] == ("train" if value == "test" else "test")][0]
    rows.loc[row, column] = value
    sealed.manifest = replace(sealed.manifest, rows=rows)
    with pytest.raises(HoldoutChanged, match="another test set"):
        sealed.seal()


def test_a_missing_test_set_blocks_the_study(study):
    study.manifest = replace(study.manifest, rows=study.manifest.rows.assign(split="train"))
    with pytest.raises(StudyBlocked):
        study.seal()


def test_an_unreadable_image_is_named_and_nothing_is_sealed(study):
    row = study.manifest.rows[study.manifest.rows["split"] == "test"].iloc[0]
    (study.manifest.images / row["file"]).unlink()
    with pytest.raises(DataUnusable, match=row["file"]):
        study.seal()
    assert not study.folder.exists()
    assert holdout.SEALED not in study.events()


def test_two_images_of_one_id_are_refused(study):
    study.manifest = replace(study.manifest, rows=study.manifest.rows.assign(image_id="0" * 16))
    with pytest.raises(ValueError, match="unique"):
        study.seal()


def test_opening_hands_over_images_and_labels_in_one_order(sealed):
    opened = sealed.open()
    listed = pd.read_csv(opened.data / "images.csv")["image"]
    assert list(opened.labels["image"]) == list(listed)
    truth = {f"{row.image_id}.jpg": row.label for row in sealed.manifest.rows.itertuples()}
    assert list(opened.labels["label"]) == [truth[image] for image in listed]
    assert opened.labels["group"].dtype.kind == "i"
    assert opened.labels["group"].nunique() == 3
    assert "attribute.age" in opened.labels
    assert opened.anchored
    for image in listed:
        original = sealed.manifest.rows.set_index("image_id").loc[image.split(".")[0], "file"]
        assert (opened.data / "images" / image).read_bytes() == (sealed.manifest.images / original).read_bytes()


def test_opening_is_one_entry_with_all_fingerprints(sealed):
    opened = sealed.open()
    entry = sealed.entries()[-1]
    assert entry.event == holdout.OPENED
    assert entry.facts["fingerprints"] == PRINTS
    assert entry.at == opened.opened_at
    assert holdout.is_opened(**sealed.books)


def test_a_killed_evaluation_may_be_finished_with_the_same_hashes(sealed):
    first, again = sealed.open(), sealed.open()
    assert again.opened_at == first.opened_at
    assert again.labels.equals(first.labels)
    assert sealed.events().count(holdout.OPENED) == 1
    assert sealed.events().count(holdout.RESUMED) == 1


@pytest.mark.parametrize("name", [*holdout.FINGERPRINTS, "more"])
def test_an_opening_with_other_hashes_is_refused_and_the_refusal_is_an_entry(sealed, name):
    sealed.open()
    with pytest.raises(HoldoutAlreadyOpened, match="with other hashes"):
        sealed.open(**{name: "0" * 64})
    entry = sealed.entries()[-1]
    assert entry.event == holdout.REFUSED
    assert entry.facts["fingerprints"][name] == "0" * 64
    sealed.open()  # the first one may still finish


@pytest.mark.parametrize("name", holdout.FINGERPRINTS)
def test_an_opening_that_does_not_say_what_it_tests_is_refused(sealed, name):
    with pytest.raises(ValueError, match=name):
        sealed.open(**{name: ""})
    assert not holdout.is_opened(**sealed.books)


def test_an_agent_may_not_open(sealed):
    with pytest.raises(ValueError, match="agent"):
        holdout.open_once(sealed.folder, **sealed.books, fingerprints=PRINTS, classes=CLASSES, actor="agent:developer")
    assert not holdout.is_opened(**sealed.books)


def test_a_closed_holdout_never_opens_again_not_even_with_the_same_hashes(sealed):
    sealed.open()
    holdout.close(**sealed.books, evaluation_sha256="e")
    holdout.close(**sealed.books, evaluation_sha256="e")
    assert sealed.events().count(holdout.CLOSED) == 1
    with pytest.raises(HoldoutAlreadyOpened, match="closed"):
        sealed.open()
    assert sealed.events()[-1] == holdout.REFUSED
    with pytest.raises(HoldoutAlreadyOpened, match="another result"):
        holdout.close(**sealed.books, evaluation_sha256="f")


def writable(file):
    file.chmod(0o600)
    return file


def image_of(study):
    return next(iter(sorted((study.folder / "data/images").iterdir())))


def _change_image(study):
    file = writable(image_of(study))
    file.write_bytes(file.read_bytes() + b"!")
    return f"data/images/{file.name} was changed"


def _empty_image(study):
    file = writable(image_of(study))
    file.write_bytes(b"")
    return f"data/images/{file.name} was changed"


def _remove_image(study):
    file = image_of(study)
    file.unlink()
    return f"data/images/{file.name} is missing"


def _link_image(study):
    file = image_of(study)
    target = file.rename(study.root / "moved.jpg")
    file.symlink_to(target)
    return f"data/images/{file.name} is missing"


def _add_image(study):
    (study.folder / "data/images/new.jpg").write_bytes(b"x")
    return "data/images/new.jpg was added"


def _add_link(study):
    (study.folder / "data/images/folder").symlink_to(study.root)
    return "data/images/folder was added"


def _change_labels(study):
    file = writable(study.folder / "labels.parquet")
    pd.read_parquet(file).assign(label="mel").to_parquet(file)
    return "labels.parquet was changed"


def _remove_labels(study):
    (study.folder / "labels.parquet").unlink()
    return "labels.parquet is missing"


def _change_list(study):
    writable(study.folder / "data/images.csv").write_text("image\n")
    return "data/images.csv was changed"


def _change_seal(study):
    file = writable(study.folder / "seal.json")
    file.write_text(file.read_text() + " ")
    return "seal.json is not the one"


def _remove_seal(study):
    (study.folder / "seal.json").unlink()
    return "seal cannot be read"


def _remove_all(study):
    shutil.rmtree(study.folder)
    return "seal cannot be read"


@pytest.mark.parametrize(
    "tamper",
    [
        _change_image,
        _empty_image,
        _remove_image,
        _link_image,
        _add_image,
        _add_link,
        _change_labels,
        _remove_labels,
        _change_list,
        _change_seal,
        _remove_seal,
        _remove_all,
    ],
)
def test_a_changed_holdout_is_not_opened_and_what_changed_is_named_and_entered(sealed, tamper):
    problem = tamper(sealed)
    with pytest.raises(HoldoutChanged, match=problem):
        sealed.open()
    assert sealed.events()[-1] == holdout.CHANGED
    assert problem in str(sealed.entries()[-1].facts["problem"])
    assert not holdout.is_opened(**sealed.books)


def test_a_change_after_the_opening_stops_the_finishing_of_it(sealed):
    sealed.open()
    _change_labels(sealed)
    with pytest.raises(HoldoutChanged):
        sealed.open()


def test_many_changes_are_counted(sealed):
    for number in range(9):
        (sealed.folder / f"data/images/new{number}.jpg").write_bytes(b"x")
    with pytest.raises(HoldoutChanged, match="and 4 more"):
        sealed.open()


def test_a_lost_ledger_does_not_make_the_holdout_new(sealed):
    sealed.open()
    sealed.books["ledger"].unlink()
    for attempt in (sealed.seal, sealed.open, sealed.events):
        with pytest.raises(LedgerBroken):
            attempt()


def test_a_holdout_that_came_without_its_ledger_is_not_sealed_anew(sealed, tmp_path):
    sealed.books["ledger"].unlink()
    sealed.books["anchors"] = tmp_path / "other machine"
    with pytest.raises(LedgerBroken, match="the ledger is gone"):
        sealed.seal()
    with pytest.raises(LedgerBroken, match="the ledger is gone"):
        sealed.entries()
    assert sealed.folder.exists()


def test_a_holdout_that_the_ledger_does_not_know_is_not_replaced(study):
    ledger.append(study.books["ledger"], "noted", actor="system", facts={}, anchors=study.books["anchors"])
    study.folder.mkdir()
    with pytest.raises(HoldoutChanged, match="knows nothing of it"):
        study.seal()


def test_a_study_made_anew_in_the_place_of_a_deleted_one_says_so(sealed):
    sealed.open()
    shutil.rmtree(sealed.root)
    sealed.root.mkdir()
    sealed.seal()
    sealed.open(final_code="0" * 64)
    assert sealed.events() == [ledger.EARLIER, holdout.SEALING, holdout.SEALED, holdout.OPENED]
    assert sealed.entries()[0].facts["entries"] == 3


def test_an_opening_cannot_be_forgotten_by_cutting_the_ledger(sealed):
    sealed.open()
    lines = sealed.books["ledger"].read_bytes().splitlines(keepends=True)
    sealed.books["ledger"].write_bytes(b"".join(lines[:-1]))
    with pytest.raises(LedgerBroken, match="row 3: missing"):
        sealed.open(final_code="0" * 64)


def test_of_two_copies_of_a_study_one_opens(sealed):
    copy = sealed.root.with_name("copy")
    shutil.copytree(sealed.root, copy)
    sealed.open()
    with pytest.raises(LedgerBroken, match="missing"):
        holdout.open_once(
            copy / "holdout",
            ledger=copy / "ledger.jsonl",
            anchors=sealed.books["anchors"],
            fingerprints=PRINTS | {"final_code": "0" * 64},
            classes=CLASSES,
        )


def test_an_opening_on_another_machine_says_that_it_is_not_anchored(sealed, tmp_path):
    sealed.books["anchors"] = tmp_path / "other machine"
    assert not sealed.open().anchored
    assert not sealed.open().anchored
    assert ledger.ANCHORED_ANEW in sealed.events()


def _try_to_open(study, name, results):
    try:
        study.open(final_code=name * 64)
    except HoldoutAlreadyOpened:
        results.put((name, False))
    else:
        results.put((name, True))


@forks
def test_of_processes_that_open_at_once_exactly_one_wins(sealed):
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    rivals = [context.Process(target=_try_to_open, args=(sealed, name, results)) for name in "0123"]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(30)
        assert rival.exitcode == 0
    outcome = dict(results.get() for _ in rivals)
    winners = [name for name, won in outcome.items() if won]
    assert len(winners) == 1
    opened = [entry for entry in sealed.entries() if entry.event == holdout.OPENED]
    assert [entry.facts["fingerprints"]["final_code"] for entry in opened] == [winners[0] * 64]
    assert sealed.events().count(holdout.REFUSED) == 3


def killed_at(step, act):
    """Do something in a process that is killed as it reaches its n-th line in our modules; return whether it got to its end."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(frame, event, _):
            nonlocal seen
            if frame.f_code.co_filename.endswith(("/holdout.py", "/ledger.py", "/anchoring.py", "/image_copies.py")):
                seen += event == "line"
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status == 0


@forks
def test_a_kill_between_any_two_steps_of_sealing_is_made_good_by_sealing_again(tmp_path):
    step, done = 1, False
    while not done:
        study = Study(tmp_path / str(step), count=6)
        done = killed_at(step, study.seal)
        study.seal()
        assert study.events().count(holdout.SEALED) == 1
        assert not study.folder.with_name("holdout.partial").exists()
        study.open()
        step += 17


@forks
def test_a_kill_between_any_two_steps_of_opening_leaves_it_to_be_finished_by_the_same_only(tmp_path):
    step, done = 1, False
    while not done:
        study = Study(tmp_path / str(step), count=6)
        study.seal()
        done = killed_at(step, study.open)
        if holdout.is_opened(**study.books):
            with pytest.raises(HoldoutAlreadyOpened):
                study.open(final_code="0" * 64)
        study.open()
        assert study.events().count(holdout.OPENED) == 1
        step += 17


def _seal_and_open_for_ever(study, ready):
    ready.set()
    study.seal()
    while True:
        study.open()


@forks
def test_after_kills_at_random_moments_the_holdout_is_sealed_once_and_opened_once(study):
    context = multiprocessing.get_context("fork")
    chance = random.Random(3)
    for _ in range(10):
        ready = context.Event()
        child = context.Process(target=_seal_and_open_for_ever, args=(study, ready))
        child.start()
        assert ready.wait(10)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        child.join(10)
        study.entries()
    study.seal()
    study.open()
    assert study.events().count(holdout.SEALED) == 1
    assert study.events().count(holdout.OPENED) == 1
    with pytest.raises(HoldoutAlreadyOpened):
        study.open(spec="0" * 64)
