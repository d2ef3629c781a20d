"""The one door for pictures, and the copies that leave metadata behind."""

import io
import os
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

from tasks.bare_files import bare_jpeg, bare_png
from tasks.domain.errors import DataUnusable, PictureUnreadable
from tasks.domain.manifest import FILE, FRAME, IMAGE_ID, ROW
from tasks.image_copies import content_of_copy, copy_images, opaque_names
from tasks.pixels import open_picture

CANARY = "Canary-Jane-4711"


def pixels(shape=(24, 16, 3), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def exif(orientation=1):
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Artist] = CANARY
    tags[ExifTags.Base.ImageDescription] = CANARY
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = CANARY.encode()
    return tags


def text():
    told = PngImagePlugin.PngInfo()
    told.add_text("Patient", CANARY)
    told.add_itxt("Comment", CANARY, zip=False)
    return told


def opened(content):
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return picture


def upright(content):
    return np.asarray(ImageOps.exif_transpose(opened(content)))


def save(path, values=None, **options):
    Image.fromarray(pixels() if values is None else values).save(path, **options)
    return path


SAVED = {
    "plain.jpg": {},
    "progressive.jpeg": {"progressive": True, "quality": 60},
    "named.jpg": {"exif": exif(), "comment": CANARY.encode(), "xmp": CANARY.encode(), "icc_profile": CANARY.encode()},
    "turned.jpg": {"exif": exif(6), "comment": CANARY.encode()},
    "named.png": {"pnginfo": text(), "exif": exif(8), "icc_profile": CANARY.encode()},
    "named.webp": {"exif": exif(3), "xmp": CANARY.encode(), "lossless": True},
    "named.tif": {"description": CANARY, "artist": CANARY, "exif": exif(6)},
    "plain.bmp": {},
    "plain.gif": {"comment": CANARY.encode()},
}


@pytest.mark.parametrize("name", SAVED)
def test_a_copy_shows_the_same_picture_as_upright_and_says_nothing_beside_it(tmp_path, name):
    path = save(tmp_path / name, **SAVED[name])
    content = content_of_copy(path)
    assert np.array_equal(upright(content), upright(path.read_bytes()))
    assert CANARY.encode() not in content
    copied = opened(content)
    assert set(copied.getexif()) - {ExifTags.Base.Orientation} <= set(_layout_of_tiff(copied))
    assert not {"comment", "xmp", "icc_profile", "Patient", "Comment"} & set(copied.info)


def _layout_of_tiff(picture):
    """Return the tags by which a TIFF says where its pixels are."""
    return [256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 339] if picture.format == "TIFF" else []


@pytest.mark.parametrize("name", ["plain.jpg", "progressive.jpeg"])
def test_the_compressed_pixels_of_a_jpeg_are_not_touched(tmp_path, name):
    content = save(tmp_path / name, **SAVED[name]).read_bytes()
    start = content.index(b"\xff\xda")
    copied = content_of_copy(tmp_path / name)
    assert copied[copied.index(b"\xff\xda") :] == content[start:]


def test_previews_and_whatever_follows_the_picture_are_left_out(tmp_path):
    content = save(tmp_path / "a.jpg").read_bytes()
    preview = (
        content[:2] + b"\xff\xe0" + struct.pack(">H", 2 + 14 + 12) + content[6:18] + b"\2\2" + b"p" * 12 + content[20:]
    )
    expected = bare_jpeg(content)
    assert bare_jpeg(preview + CANARY.encode()) == expected
    assert bare_png(save(tmp_path / "a.png").read_bytes() + CANARY.encode()) == (tmp_path / "a.png").read_bytes()


def test_four_inks_keep_the_segment_that_says_how_they_are_mixed(tmp_path):
    Image.fromarray(pixels((8, 8, 4)), mode="CMYK").save(tmp_path / "a.jpg", comment=CANARY.encode())
    content = content_of_copy(tmp_path / "a.jpg")
    assert CANARY.encode() not in content
    assert opened(content).mode == "CMYK"
    assert np.array_equal(np.asarray(opened(content)), np.asarray(opened((tmp_path / "a.jpg").read_bytes())))


def test_depth_palette_and_transparency_are_kept(tmp_path):
    deep = np.random.default_rng(0).integers(0, 2**16, (9, 9), dtype=np.uint16)
    made = {
        "deep.png": Image.fromarray(deep),
        "deep.tif": Image.fromarray(deep),
        "float.tif": Image.fromarray(deep.astype(np.float32) / 7),
        "palette.png": Image.fromarray(pixels()).convert("P"),
        "palette.gif": Image.fromarray(pixels()).convert("P"),
        "bits.bmp": Image.fromarray(pixels()).convert("1"),
        "alpha.webp": Image.fromarray(pixels((9, 9, 4))),
    }
    for name, picture in made.items():
        picture.save(tmp_path / name, **({"lossless": True, "exact": True} if name.endswith("webp") else {}))
        copied, original = opened(content_of_copy(tmp_path / name)), open_picture(tmp_path / name)
        assert copied.mode == original.mode, name
        assert np.array_equal(np.asarray(copied.convert("RGB")), np.asarray(original.convert("RGB"))), name
        assert np.array_equal(np.asarray(copied), np.asarray(original)), name


@pytest.mark.parametrize("cut", [1, 3, 25, 200])
def test_a_damaged_file_is_never_copied_as_it_is(tmp_path, cut):
    for name in ("a.jpg", "a.png"):
        content = save(tmp_path / name, pixels((64, 64, 3))).read_bytes()
        (tmp_path / name).write_bytes(content[:-cut])
        make_bare = bare_jpeg if name == "a.jpg" else bare_png
        with pytest.raises(PictureUnreadable, match="cut off"):
            make_bare(content[:-cut])


def test_a_jpeg_that_only_nearly_follows_the_format_is_copied_by_its_pixels(tmp_path):
    content = save(tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[:2] + b"\xff\0" + content[2:] + CANARY.encode())
    with pytest.raises(PictureUnreadable):
        bare_jpeg((tmp_path / "a.jpg").read_bytes())
    copied = content_of_copy(tmp_path / "a.jpg")
    assert copied.startswith(b"\x89PNG")
    assert CANARY.encode() not in copied
    assert np.array_equal(np.asarray(opened(copied)), np.asarray(opened(content)))


def test_frames_of_dicom_are_copied_as_pictures_of_their_own(tmp_path, make_dicom):
    frames = np.stack([pixels((12, 10), seed) for seed in range(3)])
    make_dicom(tmp_path / "cine.dcm", frames, PatientName=CANARY, PatientID=CANARY)
    rows = pd.DataFrame({IMAGE_ID: ["x0", "x1", "x2"], FILE: "cine.dcm", ROW: 0, FRAME: [0, 1, 2]})
    assert opaque_names(rows) == ["x0.png", "x1.png", "x2.png"]
    hashes = copy_images(rows, tmp_path, tmp_path / "copies")
    assert len(set(hashes.values())) == 3
    for number in range(3):
        content = (tmp_path / "copies" / f"x{number}.png").read_bytes()
        assert np.array_equal(np.asarray(opened(content)), frames[number])
        assert {kind for kind, _ in chunks(content)} == {b"IHDR", b"IDAT", b"IEND"}
        assert CANARY.encode() not in content


def chunks(content):
    at = 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        data = content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        yield kind, data
        at += 12 + length


def test_an_image_that_cannot_be_copied_is_named_with_its_row(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"hello")
    rows = pd.DataFrame({IMAGE_ID: ["x0"], FILE: ["a.jpg"], ROW: [7]})
    with pytest.raises(DataUnusable, match=r"file a\.jpg, row 7: the image is no image that can be read"):
        copy_images(rows, tmp_path, tmp_path / "copies")


def test_copies_of_many_images_are_the_same_in_one_process_and_in_several(tmp_path, monkeypatch):
    for number in range(6):
        save(tmp_path / f"{number}.jpg", pixels(seed=number))
    rows = pd.DataFrame({IMAGE_ID: [f"x{n}" for n in range(6)], FILE: [f"{n}.jpg" for n in range(6)], ROW: range(6)})
    alone = copy_images(rows, tmp_path, tmp_path / "one")
    monkeypatch.setattr("tasks.processes._FEWEST_FOR_PROCESSES", 1)
    assert copy_images(rows, tmp_path, tmp_path / "several") == alone


def test_a_picture_of_other_formats_has_one_frame(tmp_path):
    save(tmp_path / "a.png")
    assert np.array_equal(np.asarray(open_picture(tmp_path / "a.png", 0)), pixels())
    with pytest.raises(PictureUnreadable, match="no number 1"):
        open_picture(tmp_path / "a.png", 1)


def test_programs_and_pipes_are_not_opened(tmp_path):
    (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(PictureUnreadable, match="no image that can be read"):
        open_picture(tmp_path / "a.png")
    with pytest.raises(PictureUnreadable, match="No such file"):
        open_picture(tmp_path / "absent.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureUnreadable, match="no plain file"):
        open_picture(tmp_path / "pipe.png")
