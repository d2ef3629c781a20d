"""What DICOM files that were made for it show, and what is refused."""

import logging
import zlib

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HEVCMP51,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from tasks.decoding import decode
from tasks.domain.errors import PictureUnreadable
from tasks.pixels import open_picture
from tasks.readers.compressed_size import size_of_compressed

RAMP = np.arange(1024, dtype=np.uint16).reshape(32, 32)
UNCHECKED = {"implicit_vr": False, "little_endian": True, "force_encoding": True}
"""For transfer syntaxes that the library does not know."""


@pytest.fixture
def show(tmp_path, make_dicom):
    """Return a function that writes an array with tags and returns what is shown, as integers."""

    def written_and_shown(values, frame=-1, **tags):
        return np.asarray(open_picture(make_dicom(tmp_path / "a.dcm", values, **tags), frame)).astype(int)

    return written_and_shown


def why_not(path, frame=-1):
    with pytest.raises(PictureUnreadable) as caught:
        open_picture(path, frame)
    return caught.value.reason


def lut(outputs, first=0, bits=16):
    item = Dataset()
    item.LUTDescriptor = [len(outputs), first, bits]
    item.LUTData = np.asarray(outputs, dtype="<u2").tobytes()
    item["LUTData"].VR = "OW"
    return item


def change(path, **tags):
    """Write a file again with other elements, as they are."""
    data_set = pydicom.dcmread(path)
    for keyword, value in tags.items():
        setattr(data_set, keyword, value)
    data_set.save_as(path)
    return path


def test_eight_bits_without_a_window_are_shown_as_they_are(show):
    values = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
    assert np.array_equal(show(values), values)
    assert np.array_equal(show(values, PhotometricInterpretation="MONOCHROME1"), 255 - values)


def test_fewer_than_eight_stored_bits_fill_the_range(show):
    assert show(np.array([[0, 15]], dtype=np.uint8), BitsStored=4, HighBit=3).tolist() == [[0, 255]]


def test_a_window_clips_at_the_edges_that_the_standard_gives(show):
    values = np.array([[99, 100, 150, 199, 200]], dtype=np.uint16)
    # Of centre 150 and width 101, the lowest shown is 99.5 and the highest 199.5.
    assert show(values, WindowCenter=150, WindowWidth=101).tolist() == [[0, 1, 129, 254, 255]]
    exact = show(values, WindowCenter=150, WindowWidth=100, VOILUTFunction="LINEAR_EXACT")
    assert exact.tolist() == [[0, 0, 128, 252, 255]]


def test_a_sigmoid_window_has_its_middle_at_the_centre(show):
    values = np.array([[0, 412, 512, 612, 1023]], dtype=np.uint16)
    shown = show(values, WindowCenter=512, WindowWidth=400, VOILUTFunction="SIGMOID")
    assert shown.tolist() == [[2, 69, 128, 186, 253]]


def test_the_first_of_several_windows_is_taken(show):
    first = show(RAMP, WindowCenter=100, WindowWidth=50)
    assert np.array_equal(show(RAMP, WindowCenter=[100, 800], WindowWidth=[50, 20]), first)


@pytest.mark.parametrize("width", [0, -5])
def test_a_window_that_is_none_or_shows_nothing_is_not_taken(show, width):
    plain = show(RAMP)
    assert np.ptp(plain) == 255
    assert np.array_equal(show(RAMP, WindowCenter=100, WindowWidth=width), plain)
    assert np.array_equal(show(RAMP, WindowCenter=9000, WindowWidth=10), plain)


def test_a_window_counts_after_the_rescale(show):
    stored = show(RAMP, WindowCenter=512, WindowWidth=400)
    rescaled = show(RAMP, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=24.5, WindowWidth=799)
    assert np.abs(stored - rescaled).max() <= 1


def test_signed_values_keep_their_order(show):
    values = np.arange(-512, 512, dtype=np.int16).reshape(32, 32)
    shown = show(values, WindowCenter=0, WindowWidth=1024)
    assert shown.ravel()[0] == 0
    assert shown.ravel()[-1] == 255
    assert (np.diff(shown.ravel()) >= 0).all()


def test_padding_is_black_and_does_not_count_for_the_percentiles(show):
    values = RAMP + 1000
    padded = values.copy()
    padded[:, :8] = 65535
    shown = show(padded, PixelPaddingValue=65535)
    low, high = np.percentile(values[:, 8:], (0.5, 99.5))
    assert (shown[:, :8] == 0).all()
    expected = 255 * np.clip((values[:, 8:] - low) / (high - low), 0, 1)
    assert np.abs(shown[:, 8:] - expected).max() <= 1
    inverse = show(padded, PixelPaddingValue=65535, PhotometricInterpretation="MONOCHROME1")
    assert (inverse[:, :8] == 0).all()


def test_a_range_of_padding_and_a_padding_of_the_other_sign_are_understood(show):
    values = RAMP.astype(np.int16)
    values[0, :3] = [-2000, -1999, -1990]
    shown = show(values, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990, PhotometricInterpretation="MONOCHROME1")
    assert shown[0, :3].tolist() == [0, 0, 0]
    assert shown[0, 3] == 255


def test_a_voi_lut_goes_before_a_window_and_holds_its_ends(show):
    table = lut([0, 100, 200, 255], first=10, bits=8)
    values = np.array([[0, 10, 11, 12, 13, 99]], dtype=np.uint16)
    shown = show(values, VOILUTSequence=[table], WindowCenter=5, WindowWidth=2)
    assert shown.tolist() == [[0, 0, 100, 200, 255, 255]]


def test_a_modality_lut_comes_before_the_voi_lut(show):
    values = np.array([[0, 1, 2]], dtype=np.uint16)
    tags = {"ModalityLUTSequence": [lut([2, 1, 0])], "VOILUTSequence": [lut([0, 128 * 257, 65535])]}
    assert show(values, **tags).tolist() == [[255, 128, 0]]


def test_colours_are_read_in_any_layout(show):
    values = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    assert np.array_equal(show(values), values)
    by_plane = np.moveaxis(values, 2, 0).reshape(6, 4, 3)
    assert np.array_equal(show(by_plane, PlanarConfiguration=1), values)
    deep = values.astype(np.uint16) * 257
    assert np.array_equal(show(deep), values)


def test_frames_are_told_apart(show):
    frames = np.stack([RAMP, RAMP[::-1]])
    assert np.array_equal(show(frames, 1), show(RAMP[::-1]))
    assert not np.array_equal(show(frames, 0), show(frames, 1))


def test_overlays_are_not_drawn(tmp_path, make_dicom):
    path = make_dicom(tmp_path / "a.dcm", RAMP)
    plain = np.asarray(open_picture(path))
    data_set = pydicom.dcmread(path)
    for element, representation, value in (
        (0x10, "US", 32),
        (0x11, "US", 32),
        (0x40, "CS", "G"),
        (0x50, "SS", [1, 1]),
        (0x100, "US", 1),
        (0x102, "US", 0),
        (0x3000, "OW", b"\xff" * 128),
    ):
        data_set.add_new((0x6000, element), representation, value)
    data_set.save_as(path)
    assert np.array_equal(np.asarray(open_picture(path)), plain)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_file_without_preamble_and_meta_information_is_read_if_it_holds_a_picture(tmp_path, make_dicom, syntax):
    path = make_dicom(tmp_path / "a.dcm", RAMP)
    expected = np.asarray(open_picture(path))
    data_set = pydicom.dcmread(path)
    bare = Dataset()
    bare.update({element.tag: element for element in data_set})
    bare.save_as(tmp_path / "b.dcm", implicit_vr=syntax.is_implicit_VR, little_endian=True)
    assert (tmp_path / "b.dcm").read_bytes()[128:132] != b"DICM"
    assert np.array_equal(np.asarray(open_picture(tmp_path / "b.dcm")), expected)


def test_a_file_called_otherwise_is_known_by_its_content(tmp_path, make_dicom):
    make_dicom(tmp_path / "scan.png", RAMP)
    make_dicom(tmp_path / "1.2.840.33", RAMP)
    assert np.array_equal(np.asarray(open_picture(tmp_path / "scan.png")), open_picture(tmp_path / "1.2.840.33"))


def test_deflated_files_and_deflated_frames_are_read(tmp_path, make_dicom):
    path = make_dicom(tmp_path / "a.dcm", np.stack([RAMP, RAMP[::-1]]))
    expected = [np.asarray(open_picture(path, frame)) for frame in range(2)]
    data_set = pydicom.dcmread(path)
    data_set.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data_set.save_as(tmp_path / "whole.dcm")
    frames = []
    for frame in (RAMP, RAMP[::-1]):
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        frames.append(packer.compress(np.ascontiguousarray(frame).tobytes()) + packer.flush())
    data_set.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.8.1"
    data_set.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])
    data_set["PixelData"].is_undefined_length = True
    data_set["PixelData"].VR = "OB"
    pydicom.dcmwrite(tmp_path / "frames.dcm", data_set, **UNCHECKED)
    for name in ("whole.dcm", "frames.dcm"):
        for frame in range(2):
            assert np.array_equal(np.asarray(open_picture(tmp_path / name, frame)), expected[frame])


def test_a_deflated_bomb_is_refused_before_it_is_unpacked(tmp_path, make_dicom, monkeypatch):
    monkeypatch.setattr("tasks.readers.dicom_file._LARGEST_INFLATED", 2**20)
    data_set = pydicom.dcmread(make_dicom(tmp_path / "a.dcm", np.zeros((2000, 2000), dtype=np.uint8)))
    data_set.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data_set.save_as(tmp_path / "a.dcm")
    assert (tmp_path / "a.dcm").stat().st_size < 2**16
    assert why_not(tmp_path / "a.dcm") == "unpacks to more than can be opened safely"


def test_claims_that_no_file_of_that_size_can_keep_are_refused(tmp_path, make_dicom, monkeypatch):
    path = make_dicom(tmp_path / "a.dcm", RAMP)
    assert "claims 1 x 65535 x 32 pixels" in why_not(change(path, Rows=65535))
    assert "claims to hold 2,000,000,000 pictures" in why_not(change(path, Rows=32, NumberOfFrames=2_000_000_000))
    data_set = pydicom.dcmread(path)
    data_set.NumberOfFrames = 50_000
    data_set.file_meta.TransferSyntaxUID = RLELossless
    data_set.PixelData = encapsulate([b"\0" * 70])
    data_set["PixelData"].is_undefined_length = True
    data_set.save_as(path)
    assert "more than its" in why_not(path, 0)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "too large to be opened safely" in why_not(make_dicom(tmp_path / "b.dcm", RAMP))


def test_a_compressed_picture_of_another_size_than_claimed_is_not_decoded(tmp_path, make_dicom):
    path = make_dicom(tmp_path / "a.dcm", np.zeros((32, 32), dtype=np.uint8))
    Image.new("L", (64, 48)).save(tmp_path / "a.jpg")
    data_set = pydicom.dcmread(path)
    data_set.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    content = (tmp_path / "a.jpg").read_bytes()
    data_set.PixelData = encapsulate([content + b"\0" * (len(content) % 2)])
    data_set["PixelData"].is_undefined_length = True
    data_set.save_as(path)
    assert why_not(path) == "its compressed pixels have another size than the file says"


def test_the_size_of_a_compressed_picture_is_read_without_decoding_it(tmp_path):
    picture = Image.new("RGB", (64, 48))
    picture.save(tmp_path / "a.jpg", progressive=True, comment=b"x" * 500)
    picture.save(tmp_path / "a.jp2")
    assert size_of_compressed((tmp_path / "a.jpg").read_bytes()) == (64, 48)
    assert size_of_compressed((tmp_path / "a.jp2").read_bytes()) == (64, 48)
    assert size_of_compressed(b"\0" * 64) is None
    assert size_of_compressed(b"\xff\xd8\xff") is None


def test_pixels_that_end_too_early_are_told(tmp_path, make_dicom):
    path = make_dicom(tmp_path / "a.dcm", np.random.default_rng(0).integers(0, 2**16, (64, 64), dtype=np.uint16))
    path.write_bytes(path.read_bytes()[:-3000])
    assert "more than its" in why_not(path)
    path.write_bytes(path.read_bytes()[:300])
    assert "cut off" in why_not(path)
    path.write_bytes(b"")
    assert "no DICOM file" in why_not(path)
    assert "cannot be read" in why_not(tmp_path / "absent.dcm")


@pytest.mark.parametrize(
    ("kind", "modality", "said"),
    [
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", "a segmentation"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE", "radiation dose"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", "contours"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR", "a report"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC", "a document"),
        ("1.2.840.10008.5.1.4.1.1.77.1.6", "SM", "a whole slide"),
    ],
)
def test_objects_that_are_no_pictures_are_named(tmp_path, make_dicom, kind, modality, said):
    assert said in why_not(make_dicom(tmp_path / "a.dcm", RAMP, SOPClassUID=kind, Modality=modality))


def test_videos_and_unknown_compressions_and_colours_are_named(tmp_path, make_dicom):
    path = make_dicom(tmp_path / "a.dcm", RAMP)
    data_set = pydicom.dcmread(path)
    data_set.PixelData = encapsulate([b"\0" * 2000])
    data_set["PixelData"].is_undefined_length = True
    for syntax, said in ((HEVCMP51, "a video"), ("1.2.840.10008.1.2.4.110", "its compression cannot be read")):
        data_set.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(path, data_set, **UNCHECKED)
        assert said in why_not(path)
    assert "colours" in why_not(make_dicom(path, RAMP, PhotometricInterpretation="HSV"))


def test_an_even_picture_and_one_of_padding_alone_show_nothing(tmp_path, make_dicom):
    make_dicom(tmp_path / "a.dcm", np.full((8, 8), 7, dtype=np.uint16))
    make_dicom(tmp_path / "b.dcm", np.full((8, 8), 7, dtype=np.uint16), PixelPaddingValue=7)
    make_dicom(tmp_path / "c.dcm", np.full((8, 8), np.nan, dtype=np.float32), BitsStored=None, HighBit=None)
    assert {decode(tmp_path, f"{name}.dcm").problem for name in "abc"} == {
        "shows nothing: every pixel has the same value"
    }


def test_damage_of_any_kind_is_a_reason_and_never_an_error(tmp_path, make_dicom):
    content = make_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=512, WindowWidth=400, RescaleSlope=1).read_bytes()
    rng = np.random.default_rng(0)
    problems = set()
    for _ in range(300):
        damaged = bytearray(content[: rng.integers(100, len(content))] if rng.random() < 0.3 else content)
        for place in rng.integers(0, min(len(damaged), 1200), 5):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / "b.dcm").write_bytes(damaged)
        problems.add(decode(tmp_path, "b.dcm").problem)
    assert len(problems) > 4


def test_nothing_is_logged_of_a_damaged_file(tmp_path, make_dicom, caplog):
    content = make_dicom(tmp_path / "a.dcm", RAMP, PatientName="Canary^Jane").read_bytes()
    (tmp_path / "a.dcm").write_bytes(content.replace(b"PN", b"ZZ").replace(b"US", b"QQ"))
    with caplog.at_level(logging.DEBUG):
        decode(tmp_path, "a.dcm")
    assert caplog.records == []
    assert logging.getLogger("pydicom").level != logging.CRITICAL + 1
