"""Edits in plain words, applied to requests and to descriptions of data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from edits import EditNotUnderstood, apply_edit

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "intent"
SHARED = FOLDER.parents[3] / "shared" / "clinical" / "requests.jsonl"
TEXT = (
    "Find melanoma, please. Catch at least 95% of melanomas; ideally 98%, and don't miss any. Skip 'uncertain' labels."
)
MANIFEST = {
    "images": 900, "labels": {"melanoma": "binary, 25 positives", "dx": ["mel", "nv"]}, "metadata": ["patient_id", "skin_type (62% missing)", "site"], "split": "given",
}  # fmt: skip


def edited(edit, text=TEXT):
    return apply_edit(edit, text, MANIFEST).request


@pytest.mark.parametrize(
    ("edit", "text", "after"),
    [
        ("'a mole' -> 'a wart'", "Is it a mole?", "Is it a wart?"),
        ("'a mole' → 'a wart'", "Is it a mole?", "Is it a wart?"),
        ('"a mole" => "a wart"', "Is it a mole?", "Is it a wart?"),
        ("a mole -> a wart", "Is it a mole?", "Is it a wart?"),
        ("replace 'a mole' by 'a wart'", "Is it a mole?", "Is it a wart?"),
        ("replace 'a mole' with 'a wart'", "Is it a mole?", "Is it a wart?"),
        ("change 'a mole' to 'a wart'", "Is it a mole?", "Is it a wart?"),
        ("'a mole' becomes 'a wart'", "Is it a mole?", "Is it a wart?"),
        ("'it' -> 'this' ; 'mole' -> 'wart'", "Is it a mole?", "Is this a wart?"),
        ("'it' -> 'this' and 'mole' -> 'wart'", "Is it a mole?", "Is this a wart?"),
        ("'test' -> 'validation' throughout", "Use the test set. The latest test AUC.", "Use the validation set. The latest validation AUC."),
        ("'at least 95%' -> 'all'", "At least 95%, please.", "All, please."),
        ("change both to 85%", "98% of these and 98% of those in 3 weeks.", "85% of these and 85% of those in 3 weeks."),
        ("change both numbers to 85%", "98% of these and 90% of those.", "85% of these and 85% of those."),
        ("change the number to 90%", "At least 95% of 3 kinds.", "At least 90% of 3 kinds."),
        ("change the specificity to 90%", "Sensitivity 95%, specificity 80%.", "Sensitivity 95%, specificity 90%."),
        ("change 95% to 90%", "At least 95%.", "At least 90%."),
        ("raise the threshold from 95% to 99%", "At least 95%.", "At least 99%."),
        ("replace the request by 'Detect pneumonia'", "Anything.", "Detect pneumonia"),
        ("replace the whole request with 'Detect pneumonia'", "Anything.", "Detect pneumonia"),
        ("the request becomes 'Detect pneumonia'", "Anything.", "Detect pneumonia"),
        ("paraphrase: 'Is there pneumonia?'", "Pneumonia?", "Is there pneumonia?"),
        ("append 'at least 95%'", "Find it.", "Find it. at least 95%"),
        ("append ' - any bleed'", "Find it.", "Find it. - any bleed"),
        ("append ', any bleed'", "Find it", "Find it, any bleed"),
        ("add the sentence 'Be quick.'", "Find it.", "Find it. Be quick."),
        ("prepend 'Please.'", "Find it.", "Please. Find it."),
        ("insert 'large' before 'polyps'", "Find polyps.", "Find large polyps."),
        ("add 'and cysts' after 'polyps'", "Find polyps.", "Find polyps and cysts."),
        ("swap 'mole' and 'wart'", "A mole, not a wart.", "A wart, not a mole."),
        ("swap: 'Keep alarms under 20% and catch all you can'", "Find it. Catch 95% and keep alarms low.", "Find it. Keep alarms under 20% and catch all you can."),
        ("delete the second sentence", "One. Two. Three.", "One. Three."),
        ("delete the last sentence", "One. Two. Three.", "One. Two."),
        ("remove the first sentence", "One e.g. this. Two.", "Two."),
        ("delete the 'uncertain' sentence", "One. Take uncertain as no. Three.", "One. Three."),
        ("delete the sentence about rulers", "One. Ignore rulers. Three.", "One. Three."),
        ("delete the 'not sure' clause", "They disagree; I want 'not sure'.", "They disagree."),
        ("delete the 'quick' clause", "Find it, be quick, please.", "Find it, please."),
        ("delete 'because of this'", "Find it, because of this.", "Find it."),
        ("delete 'and don't care'", "Find it and don't care.", "Find it."),
        ("'and that' removed", "Find this and that.", "Find this."),
        ("drop 'and that'", "Find this and that.", "Find this."),
        ("lower-case everything", "Find ROP.", "find rop."),
    ],
)  # fmt: skip
def test_an_edit_of_the_request_is_made(edit, text, after):
    assert edited(edit, text) == after


@pytest.mark.parametrize(
    "edit",
    ["delete 'no such words'", "'no such words' -> 'x'", "make it sound nicer", "", "delete the ninth sentence", "'melanoma' -> 'melanoma'", "remove nothing from the manifest"],
)  # fmt: skip
def test_an_edit_that_changes_nothing_is_not_understood(edit):
    with pytest.raises(EditNotUnderstood):
        apply_edit(edit, TEXT, MANIFEST)


def test_an_edit_tells_what_it_took_out_and_what_it_brought_in():
    result = apply_edit("'at least 95%' -> 'miss no more than 1 in 20'", TEXT, MANIFEST)
    assert [TEXT[start:end] for start, end in result.removed] == ["at least 95%"]
    assert result.written == "miss no more than 1 in 20"
    assert apply_edit("append 'x'", TEXT, MANIFEST).removed == ()
    removed = apply_edit("delete the last sentence", TEXT, MANIFEST).removed
    assert [TEXT[start:end] for start, end in removed] == ["Skip 'uncertain' labels."]


@pytest.mark.parametrize(
    ("edit", "key", "value", "names"),
    [
        ("remove site from the manifest", "metadata", ["patient_id", "skin_type (62% missing)"], ("site",)),
        ("remove skin_type from the metadata", "metadata", ["patient_id", "site"], ("skin_type",)),
        ("remove site and skin type from the manifest", "metadata", ["patient_id"], ("skin_type", "site")),
        ("add age to the manifest", "metadata", ["patient_id", "skin_type (62% missing)", "site", "age"], ("age",)),
        ("add sex (male, female) to the metadata", "metadata", ["patient_id", "skin_type (62% missing)", "site", "sex (male, female)"], ("sex",)),
        ("add death_1y (binary) to the labels", "labels", {"melanoma": "binary, 25 positives", "dx": ["mel", "nv"], "death_1y": "binary"}, ("death_1y",)),
        ("remove the label dx", "labels", {"melanoma": "binary, 25 positives"}, ("dx",)),
        ("remove nv from the labels", "labels", {"melanoma": "binary, 25 positives", "dx": ["mel"]}, ("nv",)),
        ("change the manifest to 250 positives", "labels", {"melanoma": "binary, 250 positives", "dx": ["mel", "nv"]}, ()),
        ("set images to 5000 in the manifest", "images", 5000, ()),
        ("manifest: split none", "split", "none", ()),
        ("in the manifest, skin_type is 5% missing", "metadata", ["patient_id", "skin_type (5% missing)", "site"], ("skin_type",)),
    ],
)  # fmt: skip
def test_an_edit_of_the_data_is_made(edit, key, value, names):
    result = apply_edit(edit, TEXT, MANIFEST)
    assert result.request == TEXT
    assert result.manifest == MANIFEST | {key: value}
    assert result.names == names


def test_an_edit_leaves_the_description_that_it_was_given_alone():
    before = json.dumps(MANIFEST)
    apply_edit("remove site from the manifest", TEXT, MANIFEST)
    apply_edit("change the manifest to 250 positives", TEXT, MANIFEST)
    assert json.dumps(MANIFEST) == before


def rows_of(*files):
    lines = [line for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def test_every_edit_of_our_own_requests_is_understood():
    for row in rows_of(FOLDER / "requests_own.jsonl", FOLDER / "requests_variants.jsonl"):
        for pair in row["minimal_pairs"]:
            apply_edit(pair["edit"], row["request"], row["data_manifest"])


@pytest.mark.skipif(not SHARED.exists(), reason="the benchmark's requests are not beside this checkout")
def test_every_edit_of_the_twelve_is_understood():
    edits = [
        apply_edit(pair["edit"], row["request"], row["data_manifest"])
        for row in rows_of(SHARED)
        for pair in row["minimal_pairs"]
    ]
    assert len(edits) == 20
