import bz2
import datetime as dt
import gzip
import io
import lzma
import struct
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from tasks.domain.errors import DataUnusable, RequestError
from tasks.domain.manifest import FILE, FRAME, LABEL, ROW, SUPERVISION
from tasks.domain.request import ColumnRoles, ReadingRules
from tasks.readers.apart import run_apart
from tasks.readers.class_folders import read_class_folders
from tasks.readers.columnar import columns_of
from tasks.readers.image_files import find_images
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.named_images import NamedImages
from tasks.readers.packed import unpacked
from tasks.readers.schema import checked
from tasks.readers.spreadsheet import sheets_of
from tasks.readers.table import read_table
from tasks.readers.text_table import _delimiter, _Lines, _read_fast, _read_slowly

TABLES = Path(__file__).parent / "tables"
ANNOTATIONS = Path(__file__).resolve().parents[2] / "../shared/data/cxr_annotations"
needs_annotations = pytest.mark.skipif(not ANNOTATIONS.exists(), reason="the chest x-ray tables are not here")

HEADER = ("image", "dx", "age", "seen")
ROWS = [(f"img_{i}", "mel" if i % 2 else "nv", 40 + i, dt.date(2020, 1, 1 + i)) for i in range(8)]


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(8):
        Image.new("L", (2, 2)).save(folder / f"img_{number}.png")
    return folder


def write(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def csv_text(rows=ROWS, header=HEADER):
    return "\n".join(",".join(str(cell) for cell in row) for row in [header, *rows]) + "\n"


def letter(column):
    return "ABCDEFGHIJ"[column]


def cell_xml(row, column, value):
    place = f'r="{letter(column)}{row}"'
    match value:
        case None:
            return ""
        case dt.date():
            return f'<c {place} s="1"><v>{(value - dt.date(1899, 12, 30)).days}</v></c>'
        case int() | float():
            return f"<c {place}><v>{value}</v></c>"
        case _:
            return f'<c {place} t="inlineStr"><is><t>{value}</t></is></c>'


def xlsx(sheets, merged=(), hidden=()):
    """Return the bytes of a workbook: {name: rows}; cells text, number, date or None."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    names = list(sheets)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}" state="{"hidden" if name in hidden else "visible"}"/>'
            for at, name in enumerate(names, start=1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="rId{at}" Type="{office}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            for at in range(1, len(names) + 1)
        )
        + f'<Relationship Id="rId99" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    merges = "".join(f'<mergeCell ref="{place}"/>' for place in merged)
    for at, rows in enumerate(sheets.values(), start=1):
        lines = "".join(
            f'<row r="{row}">{"".join(cell_xml(row, column, value) for column, value in enumerate(cells))}</row>'
            for row, cells in enumerate(rows, start=1)
        )
        parts[f"xl/worksheets/sheet{at}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData>'
            + (f'<mergeCells count="{len(merged)}">{merges}</mergeCells>' if merged else "")
            + "</worksheet>"
        )
    return zipped(parts)


def xlsb(rows):
    """Return the bytes of a binary workbook with one sheet of text and numbers ([MS-XLSB] 2.4)."""

    def record(kind, data=b""):
        head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
        return head + size + data

    def wide(text):
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    sheet = record(148, struct.pack("<4I", 0, len(rows) - 1, 0, len(rows[0]) - 1)) + record(145)
    for at, cells in enumerate(rows):
        sheet += record(0, struct.pack("<IIHBBB", at, 0, 300, 0, 0, 0))
        for column, value in enumerate(cells):
            place = struct.pack("<II", column, 0)
            is_number = isinstance(value, int | float)
            sheet += record(5, place + struct.pack("<d", value)) if is_number else record(6, place + wide(str(value)))
    sheet += record(146)
    book = record(153, bytes(12)) + record(143) + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("data"))
    book += record(144) + record(157, bytes(26))
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def ods(rows):
    """Return the bytes of an OpenDocument sheet."""
    lines = ""
    for cells in rows:
        lines += "<table:table-row>"
        for value in cells:
            kind = "float" if isinstance(value, int | float) else "date" if isinstance(value, dt.date) else "string"
            attribute = {"float": f'office:value="{value}"', "date": f'office:date-value="{value}"'}.get(kind, "")
            lines += (
                f'<table:table-cell office:value-type="{kind}" {attribute}><text:p>{value}</text:p></table:table-cell>'
            )
        lines += "</table:table-row>"
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped(
        {
            "mimetype": mime,
            "META-INF/manifest.xml": "<manifest:manifest xmlns:manifest="
            '"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{mime}"/></manifest:manifest>',
            "content.xml": f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="data">{lines}</table:table></office:spreadsheet></office:body></office:document-content>',
        }
    )


def zipped(parts, compression=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def arrow_bytes(kind, frame):
    target = io.BytesIO()
    table = pa.Table.from_pandas(frame)
    if kind == "parquet":
        pyarrow.parquet.write_table(table, target)
    else:
        pyarrow.feather.write_feather(table, target)
    return target.getvalue()


def content_of(kind):
    text = csv_text()
    rows = [HEADER, *ROWS]
    frame = pd.DataFrame(ROWS, columns=HEADER).assign(seen=lambda table: pd.to_datetime(table["seen"]))
    return {
        "gz": lambda: gzip.compress(text.encode()),
        "bz2": lambda: bz2.compress(text.encode()),
        "xz": lambda: lzma.compress(text.encode()),
        "zip": lambda: zipped({"__MACOSX/._t.csv": "x", "t.csv": text}),
        "xlsx": lambda: xlsx({"data": rows}),
        "xlsx in a zip": lambda: zipped({"t.xlsx": xlsx({"data": rows})}),
        "xls": (TABLES / "old.xls").read_bytes,
        "xlsb": lambda: xlsb(rows),
        "ods": lambda: ods(rows),
        "parquet": lambda: arrow_bytes("parquet", frame),
        "feather": lambda: arrow_bytes("feather", frame),
    }[kind]()


@pytest.mark.parametrize(
    "kind", ["gz", "bz2", "xz", "zip", "xlsx", "xlsx in a zip", "xls", "xlsb", "ods", "parquet", "feather"]
)
def test_a_table_is_told_by_its_content_whatever_its_name(tmp_path, images, kind):
    path = write(tmp_path, content_of(kind), name="table.dat")
    rows = read_labelled_table(path, images, ColumnRoles()).rows
    assert rows[FILE].tolist() == [f"img_{i}.png" for i in range(8)]
    assert rows[LABEL].tolist() == ["nv", "mel"] * 4
    assert rows[ROW].tolist() == list(range(2, 10))
    assert rows["attribute.age"].tolist() == [40.0 + i for i in range(8)]
    assert rows["attribute.seen"].tolist()[:2] == ["2020-01-01", "2020-01-02"]
    assert set(rows[SUPERVISION]) == {"label"}
    assert set(rows[FRAME]) == {-1}


def test_numbers_of_a_workbook_have_no_point_that_nobody_wrote(tmp_path):
    sheet = [("image", "grade", "size"), ("1", 2.0, 0.25), ("2", None, 3)]
    cells = read_table(write(tmp_path, xlsx({"s": sheet}), "t.xlsx")).cells
    assert cells["grade"].tolist()[0] == "2"
    assert cells["grade"].isna().tolist() == [False, True]
    assert cells["size"].tolist() == ["0.25", "3"]


def test_the_sheet_that_names_images_is_read(tmp_path, images):
    book = {"legend": [("code", "meaning"), ("nv", "naevus"), ("mel", "melanoma")], "data": [HEADER, *ROWS]}
    path = write(tmp_path, xlsx(book), "t.xlsx")
    manifest = read_labelled_table(path, images, ColumnRoles())
    assert len(manifest.rows) == 8
    assert "Of 2 sheets, 'data' was read." in manifest.notes
    assert list(read_table(path).cells.columns) == ["code", "meaning"]


def test_sheets_with_one_header_are_read_as_one(tmp_path, images):
    head, rows = ("image", "dx", "age"), [(f"img_{number}", "ab"[number % 2], 50) for number in range(6)]
    book = {
        "train": [("Our data set", None, None), head, *rows[:4]],
        "test": [head, *rows[4:]],
        "notes": [("what", "why")] * 3,
    }
    manifest = read_labelled_table(write(tmp_path, xlsx(book), "t.xlsx"), images, ColumnRoles())
    assert manifest.rows["split"].tolist() == ["train"] * 4 + ["test"] * 2
    assert manifest.rows["row"].tolist() == [3, 4, 5, 6, 7, 8]
    assert any("have one header and were read as one" in note for note in manifest.notes)


def test_a_hidden_sheet_and_an_empty_one_are_no_tables(tmp_path):
    book = {"old": [HEADER, *ROWS], "empty": [], "one": [("image",), ("img_0",)]}
    path = write(tmp_path, xlsx(book, hidden=["old"]), "t.xlsx")
    with pytest.raises(DataUnusable, match="no sheet of the workbook is a table"):
        read_table(path)


def test_rows_of_a_workbook_below_a_title_keep_their_numbers(tmp_path, images):
    sheet = [("Moles seen in 2020",), (), HEADER, *ROWS[:4], (), *ROWS[4:]]
    manifest = read_labelled_table(write(tmp_path, xlsx({"s": sheet}), "t.xlsx"), images, ColumnRoles())
    assert manifest.rows[ROW].tolist() == [4, 5, 6, 7, 9, 10, 11, 12]
    assert "The first 2 rows of the sheet were taken for a title." in manifest.notes


def test_a_cell_merged_downwards_holds_for_all_its_rows(tmp_path, images):
    rows = [(f"img_{i}", "mel" if i % 2 else "nv", "P1" if i == 0 else "P2" if i == 4 else None) for i in range(8)]
    sheet = [("image", "dx", "patient"), *rows]
    path = write(tmp_path, xlsx({"s": sheet}, merged=["C2:C5", "C6:C9"]), "t.xlsx")
    assert read_labelled_table(path, images, ColumnRoles()).rows["group"].tolist() == ["P1"] * 4 + ["P2"] * 4


@pytest.mark.parametrize(
    ("top", "skipped"),
    [("Moles of the clinic\n\n", 2), ("\n", 1), ("Moles of the clinic,,,\nseen in 2020,,,\n", 2), ("", 0)],
)
def test_titles_above_the_header_are_passed_over(tmp_path, images, top, skipped):
    manifest = read_labelled_table(write(tmp_path, top + csv_text()), images, ColumnRoles())
    assert manifest.rows[ROW].tolist() == list(range(2 + skipped, 10 + skipped))
    assert any("taken for a title" in note for note in manifest.notes) == bool(skipped)


def test_a_title_that_could_be_a_header_is_not_passed_over(tmp_path, images):
    with pytest.raises(DataUnusable, match="Is there a title above the header"):
        read_labelled_table(write(tmp_path, "Moles, clinic of Bern\n" + csv_text()), images, ColumnRoles())


def test_blanks_around_names_and_cells_are_no_part_of_them(tmp_path):
    cells = read_table(write(tmp_path, "ImageId, EncodedPixels , Site\na , -1,  Bern \n")).cells
    assert cells.to_dict("list") == {"ImageId": ["a"], "EncodedPixels": ["-1"], "Site": ["Bern"]}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("with_quotes", [False, True])
def test_lines_keep_their_numbers(tmp_path, ending, with_quotes):
    lines = ["image,dx,note", 'a,x,"two', 'lines"' if with_quotes else "", "", "b,y,z", "c,x,w", "d,y,w", ""]
    lines = lines if with_quotes else ["image,dx,note", "a,x,u", "", "", "b,y,z", "c,x,w", "d,y,w", ""]
    table = read_table(write(tmp_path, ending.join(lines)))
    assert table.cells.index.tolist() == [2, 5, 6, 7]
    assert table.cells["image"].tolist() == ["a", "b", "c", "d"]


cell = some.text(alphabet="ab 1,;\"'\n\t|ü.", max_size=6)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rows=some.lists(some.tuples(cell, cell, cell), min_size=1, max_size=5), quoting=some.booleans())
def test_both_ways_of_reading_a_text_give_the_same(rows, quoting):
    text = pd.DataFrame(rows, columns=["a", "b", "c"]).to_csv(
        index=False, quoting=1 if quoting else 0, lineterminator="\n"
    )
    path = Path("t.csv")
    delimiter = _delimiter(path, text)
    fast = _read_fast(text, delimiter, ["a", "b", "c"], skip=1)
    if fast is None:
        return
    lines = _Lines(text, delimiter)
    next(lines)
    slow, broken = _read_slowly(path, lines, width=3)
    kept = [row for row in zip(*(fast[name].to_pylist() for name in "abc"), strict=True) if any(map(str.strip, row))]
    assert broken == []
    assert kept == [tuple(row) for row in slow.values()]


def test_numbers_with_decimal_commas_are_numbers(tmp_path):
    text = "image;size;count;site\na;0,5;1;Bern, CH\nb;1,25;2;Thun\n"
    table = read_table(write(tmp_path, text))
    assert table.typed("size").tolist() == [0.5, 1.25]
    quoted = read_table(write(tmp_path, 'image,size,cells\na,"0,5","1,200"\nb,"1,25","3,400"\n', "q.csv"))
    assert quoted.typed("size").tolist() == [0.5, 1.25]
    assert quoted.typed("cells").tolist() == ["1,200", "3,400"]


def test_a_row_with_too_many_cells_or_a_byte_of_no_text_is_set_aside(tmp_path):
    lines = [f"img_{i},nv" for i in range(250)]
    lines[10] = "img_10,nv,more"
    lines[20] = "img\x00_20,nv"
    table = read_table(write(tmp_path, "image,dx\n" + "\n".join(lines)))
    assert {item.row: item.reason for item in table.broken} == {
        12: "the line has 3 cells, the header 2",
        22: "the line holds a byte that no text has",
    }
    assert len(table.cells) == 248


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.xlsx", (TABLES / "locked.xlsx").read_bytes, "locked by a password"),
        ("t.xlsx", lambda: xlsx({"s": [HEADER, *ROWS]})[:600], "damaged"),
        ("t.xlsx", lambda: xlsx({"s": []}), "no sheet of the workbook is a table"),
        ("t.xlsx", lambda: xlsx({"s": [HEADER]}), "no sheet of the workbook is a table"),
        ("t.xlsx", lambda: zipped({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<workbook"}), "damaged"),
        ("t.xls", lambda: (TABLES / "old.xls").read_bytes()[:2000], "damaged"),
        ("t.parquet", lambda: content_of("parquet")[:200], "damaged"),
        ("t.feather", lambda: content_of("feather")[:200], "damaged"),
        ("t.csv.gz", lambda: gzip.compress(csv_text().encode())[:40], "damaged"),
        ("t.csv.xz", lambda: lzma.compress(csv_text().encode())[:40], "damaged"),
        ("t.csv", lambda: b"image,dx\n", "no rows below its header"),
        ("t.csv", lambda: b"image,dx\n,\n,\n", "no rows below its header"),
        ("t.csv", lambda: b"%PDF-1.7", "a PDF"),
        ("t.xlsx", lambda: xlsx({"s": [("dx", "dx"), ("1", "2")]}), "row 1, field 'dx': two columns have this name"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path, name, content, problem):
    path = write(tmp_path, content(), name)
    with pytest.raises(DataUnusable, match=problem) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def claiming(archive, size):
    """Return a zip archive whose directory says that its last member has a size, in bytes, when unpacked."""
    content = bytearray(archive)
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", size)
    return bytes(content)


@pytest.mark.parametrize("kind", ["zip", "xlsx", "xlsx in a zip"])
def test_an_archive_that_claims_gigabytes_is_refused_unread(tmp_path, kind):
    content = zipped({"t.csv": csv_text()}) if kind == "zip" else xlsx({"s": [HEADER, *ROWS]})
    content = claiming(content, 3 * 2**30)
    content = zipped({"t.xlsx": content}) if kind == "xlsx in a zip" else content
    with pytest.raises(DataUnusable, match="larger than 512 MiB"):
        read_table(write(tmp_path, content, "t"))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, lambda text: zipped({"t.csv": text})])
def test_an_archive_is_unpacked_no_further_than_a_table_can_be(tmp_path, pack):
    path = write(tmp_path, pack(b"0," * 2**20), "t")
    assert path.stat().st_size < 20_000
    assert len(unpacked(path, most_bytes=2**21)) == 2**21
    with pytest.raises(DataUnusable, match="larger than 2 MiB"):
        unpacked(write(tmp_path, pack(b"0," * 2**20 + b"0"), "u"), most_bytes=2**21)


def test_an_archive_that_claims_less_than_it_holds_is_no_way_round(tmp_path):
    content = claiming(zipped({"t.csv": b"0," * 2**20}), 1000)
    with pytest.raises(DataUnusable, match="damaged"):
        unpacked(write(tmp_path, content, "t.zip"), most_bytes=2**20)


def test_the_limit_holds_for_plain_files_too(tmp_path):
    path = write(tmp_path, b"x" * 100)
    assert unpacked(path, most_bytes=100) == b"x" * 100
    with pytest.raises(DataUnusable, match="larger than"):
        unpacked(path, most_bytes=99)


def test_columns_of_pictures_in_a_parquet_file_are_left_out(tmp_path):
    frame = pd.DataFrame({"image": ["a", "b"], "dx": ["x", "y"], "bytes": [b"1", b"2"], "tags": [["p", "q"], []]})
    table = read_table(write(tmp_path, arrow_bytes("parquet", frame), "t.parquet"))
    assert table.cells["tags"].tolist() == ['["p", "q"]', "[]"]
    assert list(table.cells.columns) == ["image", "dx", "tags"]
    assert table.notes == ("Columns with binary content were left out: bytes.",)


def test_an_image_among_thousands_of_one_name_is_found_by_its_folders(tmp_path):
    for patient in range(12):
        folder = tmp_path / "train" / f"patient{patient}" / "study1"
        folder.mkdir(parents=True)
        Image.new("L", (2, 2)).save(folder / "view1.png")
    for name in ("view1.png", "lone.png", "lone.v2.png"):
        Image.new("L", (2, 2)).save(tmp_path / "train" / name)
    files = find_images(tmp_path)
    named = NamedImages(files)
    for asked in [
        "Set-1/train/patient3/study1/view1.png",
        "patient3/study1/view1.jpg",
        "TRAIN/patient11/study1/View1",
        "study1/view1.png",
        "patient99/study1/view1.png",
        "set/train/view1.png",
        "view1.png",
        "view2.png",
        "lone.png",
        "LONE.dcm",
        "train/Lone",
        "test/lone.png",
        "lone.v2",
        "lone.v3",
        "",
    ]:
        assert set(named.meant_by(asked)) == set(files.meant_by(asked)), asked
    assert named.meant_by("Set-1/train/patient3/study1/view1.png") == ("train/patient3/study1/view1.png",)


def test_the_schema_finds_a_mistake_of_ours(tmp_path, images):
    manifest = read_labelled_table(write(tmp_path, csv_text()), images, ColumnRoles())
    for column, value in [(SUPERVISION, "guess"), ("split", "half"), ("image_id", "same"), (FRAME, -2), ("group", "")]:
        rows = manifest.rows.copy()
        rows[column] = value
        with pytest.raises(Exception, match=column):
            checked(type(manifest)(rows=rows, images=images, kind="table", roles=ColumnRoles()))
    with pytest.raises(ValueError, match="findings"):
        checked(type(manifest)(rows=manifest.rows, images=images, kind="table", roles=ColumnRoles(), findings=("x",)))


def test_folders_of_classes_carry_labels_of_single_pictures(tmp_path):
    for name in ("a/1.png", "b/2.png", "not graded/3.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("L", (2, 2)).save(tmp_path / name)
    manifest = read_class_folders(tmp_path)
    assert set(manifest.rows[SUPERVISION]) == {"label"}
    assert set(manifest.rows[FRAME]) == {-1}
    assert "1 images have the label 'not graded'" in manifest.notes[1]


@needs_annotations
@pytest.mark.parametrize(
    ("name", "n_rows", "n_columns"),
    [
        ("Data_Entry_2017_v2020.csv.gz", 112_120, 11),
        ("BBox_List_2017.csv.gz", 984, 6),
        ("siim-pneumothorax-train-rle.csv.gz", 12_954, 2),
        ("siim-train-rle-sample.csv", 10, 2),
        ("kaggle_stage_2_train_labels.csv.zip", 30_227, 6),
        ("kaggle_stage_2_train_images_dicom_headers.csv.gz", 26_684, 14),
        ("google2019_nih-chest-xray-labels.csv.gz", 4_376, 16),
        ("drains_chexpert/config_my_test.csv", 900, 8),
        ("neatx_padchest/Annotations_raw.csv", 1_011, 13),
    ],
)
def test_real_tables_are_read_whole(name, n_rows, n_columns):
    table = read_table(ANNOTATIONS / name)
    assert table.cells.shape == (n_rows, n_columns)
    assert table.broken == ()


@pytest.fixture(scope="module")
def few_images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few") / "images"
    folder.mkdir()
    for number in range(4):
        Image.new("L", (2, 2)).save(folder / f"{number}.png")
    return folder


NAMES = [
    "image",
    "dx",
    "Finding Labels",
    "patient",
    "split",
    "reader",
    "grader_1",
    "grader_2",
    "Edema",
    "No Finding",
    "x_a1",
    " ",
    "x_a2",
]
CELLS = [
    "0",
    "1",
    "2",
    "3.png",
    "-1",
    "yes",
    "no",
    "x",
    "",
    "a|b",
    "b",
    "[a, b]",
    "train",
    "test",
    "0.5",
    "uncertain",
    "'",
    '"',
    "\x00",
    "P1",
    "1e999",
    "inf",
]
word = some.sampled_from(CELLS)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    names=some.lists(some.sampled_from(NAMES), min_size=2, max_size=6),
    rows=some.lists(some.lists(word, min_size=6, max_size=6), min_size=1, max_size=12),
    given_roles=some.fixed_dictionaries(
        {},
        optional={
            "label": some.sampled_from(NAMES),
            "findings": some.lists(some.sampled_from(NAMES), max_size=2).map(tuple),
            "annotators": some.lists(some.sampled_from(NAMES), max_size=2).map(tuple),
            "annotator": some.sampled_from(NAMES),
            "group": some.sampled_from(NAMES),
        },
    ),
    rules=some.builds(
        ReadingRules,
        format=some.sampled_from([None, "table", "one_hot", "multi_label"]),
        uncertain=some.sampled_from(["unknown", "positive", "negative"]),
        aggregation=some.sampled_from(["majority", "any", "all", "grader_1"]),
    ),
)
def test_any_table_gives_a_manifest_or_says_what_is_wrong(few_images, names, rows, given_roles, rules):
    lines = [",".join(names), *(",".join(row[: len(names)]) for row in rows)]
    path = write(few_images.parent, "\n".join(lines))
    try:
        manifest = read_labelled_table(path, few_images, ColumnRoles(**given_roles), rules)
        assert len(manifest.rows) + len(manifest.quarantined) > 0
    except RequestError as error:
        assert str(error)  # noqa: PT017 (either outcome is right)


@settings(max_examples=200, deadline=None)
@given(
    content=some.binary(max_size=300),
    mark=some.sampled_from(
        [
            b"",
            b"PK\x03\x04",
            b"\x1f\x8b",
            b"BZh",
            b"\xff\xfe",
            b"image,dx\n",
        ]
    ),
)
def test_any_bytes_are_a_table_or_a_clear_error(few_images, content, mark):
    try:
        assert len(read_table(write(few_images.parent, mark + content)).cells) > 0
    except DataUnusable as error:
        assert "table.csv" in str(error)  # noqa: PT017 (either outcome is right)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=some.data(), kind=some.sampled_from(["xlsx", "xls", "xlsb", "ods", "parquet", "feather"]))
def test_a_damaged_file_is_read_or_a_clear_error(data, kind):
    content = bytearray(content_of(kind))
    for _ in range(data.draw(some.integers(1, 8))):
        content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    read = columns_of if kind in {"parquet", "feather"} else sheets_of
    try:
        read(Path("table"), bytes(content))
    except DataUnusable as error:
        assert "file table: " in str(error)  # noqa: PT017 (either outcome is right)


def test_two_cells_at_the_ends_of_a_sheet_are_refused(tmp_path):
    content = xlsx({"s": [HEADER, *ROWS]})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(
        "</sheetData>", '<row r="1000000"><c r="XFD1000000"><v>1</v></c></row></sheetData>'
    )
    with pytest.raises(DataUnusable, match=r"crash|memory|cells"):
        read_table(write(tmp_path, zipped(parts), "t.xlsx"))


def test_a_file_that_takes_its_reader_down_is_a_clear_error():
    with pytest.raises(DataUnusable, match="makes the program that reads it crash"):
        run_apart(exec, "import os; os._exit(3)", {})
    with pytest.raises(DataUnusable, match=r"file t\.xlsx, row 3: broken"):
        run_apart(
            exec, "from tasks.domain.errors import DataUnusable; raise DataUnusable('broken', file='t.xlsx', row=3)", {}
        )


@pytest.mark.parametrize("opened", ['img_2,"nv,50', 'img_2,nv,"50', '"img_2,nv,50'])
@pytest.mark.parametrize("closed", ["", 'img_9,nv,"seen, twice"'])
def test_a_quote_that_is_never_closed_costs_its_own_row_only(tmp_path, opened, closed):
    rows = [f"img_{i},{'mel' if i % 2 else 'nv'},{40 + i}" for i in range(8)]
    rows[2] = opened
    table = read_table(write(tmp_path, "\n".join(["image,dx,age", *rows, *([closed] if closed else [])])))
    assert [(item.file, item.row) for item in table.broken] == [("table.csv", 4)]
    assert "a quote is opened in this line and never closed" in table.broken[0].reason
    assert table.cells.index.tolist() == [2, 3, *range(5, 11 if closed else 10)]
    assert table.cells["image"].tolist()[2:4] == ["img_3", "img_4"]


def test_a_report_of_several_lines_is_one_cell(tmp_path):
    report = '"Seen again, larger\n\nno ""satellites"",\nexcised"'
    cells = read_table(write(tmp_path, f"image,report\nimg_0,{report}\nimg_1,none\n")).cells
    assert cells["image"].tolist() == ["img_0", "img_1"]
    assert cells["report"].tolist()[0] == report[1:-1].replace('""', '"')
    assert cells.index.tolist() == [2, 6]
