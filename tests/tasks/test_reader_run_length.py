import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, LABEL, SUPERVISION
from tasks.domain.request import ColumnRoles, Request
from tasks.readers.discovery import read_folder, read_manifest
from tasks.readers.mask_contents import boxes_of_masks
from tasks.readers.run_length import (
    bounds,
    counts_of_string,
    decode,
    encode,
    from_absolute,
    from_counts,
    from_relative,
    is_absolute,
)
from tasks.readers.run_length_table import check_masks, find_run_length_column
from tasks.readers.table import read_table

CXR = Path(__file__).resolve().parents[2] / "../shared/data/cxr_annotations"
MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def relative(mask):
    """Write a mask as the challenge's own script does: distance from the last run, then length, down the columns."""
    runs, gap, length = [], 0, 0
    for pixel in [*mask.T.ravel(), False]:
        if pixel:
            length += 1
        elif length:
            runs += [gap, length]
            gap, length = 1, 0
        else:
            gap += 1
    return " ".join(map(str, runs))


def read(tmp_path, text, names="abcd", size=(8, 6), **roles):
    folder = tmp_path / "set"
    folder.mkdir()
    for name in names:
        Image.new("L", size).save(folder / f"{name}.png")
    table = tmp_path / "masks.csv"
    table.write_text(text, encoding="utf-8")
    return read_folder(folder, table=table, roles=ColumnRoles(**roles))


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


@given(MASKS)
def test_what_is_encoded_is_decoded(mask):
    height, width = mask.shape
    runs = encode(mask)
    assert np.array_equal(decode(runs, height=height, width=width), mask)
    assert from_absolute(runs) == runs


@given(MASKS)
def test_distances_become_places(mask):
    assert from_relative(relative(mask)) == encode(mask)


@given(MASKS)
def test_a_piece_of_a_picture_is_encoded_where_it_lies(mask):
    height, width = mask.shape
    whole = np.zeros((height + 3, width + 2), dtype=bool)
    whole[1 : 1 + height, 2 : 2 + width] = mask
    assert encode(mask, top=1, left=2, height=height + 3) == encode(whole)


@given(MASKS)
def test_the_bounds_of_runs_are_those_of_the_mask(mask):
    box = Image.fromarray(mask).getbbox()
    assert bounds(encode(mask), height=mask.shape[0]) == box


@pytest.mark.parametrize("runs", ["1 2 3", "a b", "1 -2", "1 0.5", "٣ 1", "1 9999999999999"])
def test_runs_that_are_no_pairs_are_refused(runs):
    with pytest.raises(ValueError, match="pairs of whole numbers"):
        decode(runs, height=4, width=4)


def test_runs_beyond_the_picture_or_over_each_other_are_refused():
    assert decode("1 16", height=4, width=4).all()
    for runs in ("1 17", "17 1", "0 2"):
        with pytest.raises(ValueError, match="beyond"):
            decode(runs, height=4, width=4)
    with pytest.raises(ValueError, match="overlap"):
        from_absolute("5 3 2 1")


def test_the_two_readings_are_told_apart_by_the_order_of_runs():
    assert is_absolute(["5 3 10 2", "1 2 7 3"]) is True
    assert is_absolute(["50 3 10 2", "9 5 7 3", "1 2 3 4"]) is False
    assert is_absolute(["5 3", "7 2"]) is None


@pytest.mark.parametrize("counts", [[1, -2], [1.5, 2], [True, 2], [1, 10**13]])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="whole numbers"):
        from_counts(counts)


@pytest.mark.parametrize("text", ["\x00", "zzzz~", "o", "P" * 30])
def test_damaged_packed_counts_are_refused(text):
    with pytest.raises(ValueError, match="packed mask"):
        counts_of_string(text)


@pytest.mark.skipif(not CXR.exists(), reason="the SIIM table is not here")
def test_the_siim_table_is_read_with_its_odd_column_names_and_distances(tmp_path):
    path = CXR / "siim-pneumothorax-train-rle.csv.gz"
    table = read_table(path)
    names = table.cells["ImageId"].unique()
    for name in names[:-40]:
        (tmp_path / f"{name}.png").touch()
    manifest = read_manifest(Request(text="", images=tmp_path, table=path))
    assert (len(table.cells), len(names), len(manifest.rows)) == (12954, 12047, 12007)
    assert manifest.kind == "rle"
    assert manifest.roles.rle == "EncodedPixels"
    assert set(manifest.rows[SUPERVISION]) == {"mask"}
    missing = table.cells[table.cells["ImageId"].isin(names[-40:])]
    assert {item.row for item in manifest.quarantined} == set(missing.index)
    drawn = table.cells[table.cells["EncodedPixels"] != "-1"]
    assert drawn["ImageId"].nunique() == 2669
    with_mask = drawn["ImageId"].nunique() - missing.loc[missing["EncodedPixels"] != "-1", "ImageId"].nunique()
    assert manifest.rows[LABEL].value_counts().to_dict() == {"mask": with_mask, "no mask": 12007 - with_mask}
    assert set(manifest.masks["problem"]) == {""}
    checked = check_masks(manifest.masks, manifest.rows.assign(width=1024, height=1024))
    assert set(checked["problem"]) == {""}
    assert (check_masks(manifest.masks, manifest.rows.assign(width=512, height=512))["problem"] != "").any()
    mask = decode(manifest.masks["rle"].iloc[0], height=1024, width=1024)
    lengths = [int(number) for number in drawn["EncodedPixels"].iloc[0].split()[1::2]]
    assert mask.sum() == sum(lengths)
    heights = np.flatnonzero(mask.any(axis=1))
    assert heights[-1] - heights[0] < 400  # wrongly decoded it would be torn over the whole picture


def test_masks_of_several_kinds_are_findings(tmp_path):
    lines = [
        "id,class,segmentation",
        "a,stomach,1 3 10 2",
        "a,bowel,",
        "b,stomach,",
        "b,bowel,",
        "c,bowel,4 2 20 2 30 1",
    ]
    manifest = read(tmp_path, "\n".join(lines))
    assert manifest.findings == ("stomach", "bowel")
    assert list(by_file(manifest, LABEL).values()) == ["stomach", "none", "bowel", ""]
    assert list(by_file(manifest, SUPERVISION).values()) == ["mask", "mask", "mask", "none"]
    assert manifest.masks["rle"].tolist() == ["1 3 10 2", "4 2 20 2 30 1"]


def test_starts_that_count_from_zero_are_told_by_a_zero(tmp_path):
    manifest = read(tmp_path, "image,mask_rle\na,0 3 10 2\nb,5 2 9 1\nc,-1\n")
    assert manifest.masks["rle"].tolist() == ["1 3 11 2", "6 2 10 1"]


def test_a_blank_is_not_known_where_minus_one_means_none(tmp_path):
    manifest = read(tmp_path, "image,rle\na,1 3 10 2\na,9 1 30 2\nb,-1\nc,\nd,3 2 1 9\n")
    assert list(by_file(manifest, LABEL).values()) == ["mask", "no mask", "", ""]
    assert [(item.row, item.reason) for item in manifest.quarantined] == [
        (5, "field 'rle' is blank, neither a mask nor -1")
    ]
    assert manifest.masks["problem"].tolist() == ["", "", "the runs of the mask overlap"]


def test_boxes_around_masks_need_the_size_of_the_picture(tmp_path):
    manifest = read(tmp_path, "image,rle\na,2 3 8 3\nb,-1\nc,40 30 71 2\n")
    assert boxes_of_masks(manifest)["problem"].tolist() == ["the size of the picture is not known"] * 2
    rows = manifest.rows.assign(width=8, height=6)
    masks = check_masks(manifest.masks, rows)
    boxes = boxes_of_masks(dataclasses.replace(manifest, rows=rows, masks=masks))
    assert boxes[["x_min", "y_min", "x_max", "y_max"]].iloc[0].tolist() == [0, 1, 2, 4]
    assert boxes["problem"].tolist() == ["", "the mask reaches beyond the picture"]


def test_other_columns_of_numbers_are_no_masks(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("image,spacing,size,note\na,0.1 0.1,512 512,-1\nb,0.2 0.2,512 512,-1\n")
    assert find_run_length_column(read_table(path)) is None
    with pytest.raises(DataUnusable, match=r"field 'note': the column must hold runs"):
        find_run_length_column(read_table(path), "note")
