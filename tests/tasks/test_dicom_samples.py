"""Real DICOM files, each against an expectation that does not come from the code under test."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

from tasks.decoding import decode
from tasks.domain.errors import PictureUnreadable
from tasks.pixels import open_picture

SAMPLES = Path(__file__).resolve().parents[2] / "../shared/data/dicom_samples"
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the DICOM samples are not here")

SIIM = "chest/1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm"
ALL = {
    SIIM: ("JPEG Baseline (Process 1)", "L", (1024, 1024), 1),
    "chest/RG1_J2KI.dcm": ("JPEG 2000 Image Compression", "L", (1841, 1955), 1),
    "edge_cases/Fake_MONOHR1.dcm": ("JPEG Baseline (Process 1)", "L", (1024, 1024), 1),
    "edge_cases/JLSL_RGB_ILV0.dcm": ("JPEG-LS Lossless Image Compression", "RGB", (256, 256), 1),
    "edge_cases/SC_rgb.dcm": ("Explicit VR Little Endian", "RGB", (100, 100), 1),
    "edge_cases/SC_ybr_full_uncompressed.dcm": ("Explicit VR Little Endian", "RGB", (100, 100), 1),
    "edge_cases/bad_sequence.dcm": ("JPEG Lossless, Non-Hierarchical, First-Order", "L", (512, 512), 1),
    "edge_cases/emri_small_RLE.dcm": ("RLE Lossless", "L", (64, 64), 10),
    "edge_cases/emri_small_big_endian.dcm": ("Explicit VR Big Endian", "L", (64, 64), 10),
    "edge_cases/emri_small_jpeg_2k_lossless_too_short.dcm": "holds no picture, or was cut off",
    "edge_cases/emri_small_jpeg_ls_lossless.dcm": ("JPEG-LS Lossless Image Compression", "L", (64, 64), 10),
    "edge_cases/liver_deflate.dcm": "a segmentation",
    "edge_cases/mlut_18.dcm": ("Explicit VR Little Endian", "L", (512, 512), 1),
    "edge_cases/parametric_map_float.dcm": ("Explicit VR Little Endian", "L", (128, 128), 1),
    "edge_cases/vlut_04.dcm": ("Explicit VR Little Endian", "L", (512, 512), 1),
    "other/693_J2KR.dcm": ("JPEG 2000 Image Compression (Lossless Only)", "L", (512, 512), 1),
    "other/693_UNCR.dcm": ("Explicit VR Little Endian", "L", (512, 512), 1),
    "other/JPEG-LL.dcm": ("JPEG Lossless, Non-Hierarchical, First-Order", "L", (256, 1024), 1),
    "other/JPGLosslessP14SV1_1s_1f_8b.dcm": ("JPEG Lossless, Non-Hierarchical, First-Order", "L", (1024, 768), 1),
    "other/MR-SIEMENS-DICOM-WithOverlays.dcm": ("Explicit VR Little Endian", "L", (484, 484), 1),
    "other/MR2_J2KR.dcm": ("JPEG 2000 Image Compression (Lossless Only)", "L", (1024, 1024), 1),
    "other/OBXXXX1A_rle.dcm": ("RLE Lossless", "RGB", (800, 600), 1),
    "other/RG3_J2KR.dcm": ("JPEG 2000 Image Compression (Lossless Only)", "L", (1760, 1760), 1),
    "other/US1_J2KR.dcm": ("JPEG 2000 Image Compression (Lossless Only)", "RGB", (640, 480), 1),
    "other/US1_UNCR.dcm": ("Explicit VR Little Endian", "RGB", (640, 480), 1),
    "other/eCT_Supplemental.dcm": ("Explicit VR Little Endian", "L", (512, 512), 2),
    "other/emri_small.dcm": ("Explicit VR Little Endian", "L", (64, 64), 10),
    "other/explicit_VR-UN.dcm": ("JPEG 2000 Image Compression (Lossless Only)", "L", (512, 512), 1),
    "other/liver.dcm": "a segmentation",
}
"""Transfer syntax, mode, width and height, and number of frames; or part of the reason why the file is set aside."""


def shown(file, frame=-1):
    return np.asarray(open_picture(SAMPLES / file, frame)).astype(int)


def read(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = pydicom.dcmread(SAMPLES / file, force=True)
        return data_set, data_set.pixel_array


def near(picture, shares):
    """Return whether a picture is these shares of white, to the rounding of 8 bits and of the library compared with."""
    return np.abs(picture - 255 * np.clip(shares, 0, 1)).max() <= 1


def test_the_table_names_every_sample():
    assert set(ALL) == {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/*.dcm")}


@pytest.mark.parametrize("file", sorted(ALL))
def test_every_sample_is_decoded_in_all_frames_or_set_aside_with_a_reason(file):
    expected = ALL[file]
    if isinstance(expected, str):
        assert expected in decode(SAMPLES, file).problem
        return
    syntax, mode, size, frames = expected
    assert read(file)[0].file_meta.TransferSyntaxUID.name.startswith(syntax)
    for frame in range(frames):
        picture = open_picture(SAMPLES / file, frame)
        assert (picture.mode, picture.size) == (mode, size)
        look = decode(SAMPLES, file, frame)
        assert look.problem == ""
        assert (look.width, look.height) == size
    assert f"only {frames}" in decode(SAMPLES, file, frames).problem
    assert bool(decode(SAMPLES, file).problem) == (frames > 1)


def test_monochrome1_is_the_negative_of_the_same_pixels_in_monochrome2():
    assert np.array_equal(shown("edge_cases/Fake_MONOHR1.dcm"), 255 - shown(SIIM))
    assert np.array_equal(shown(SIIM), read(SIIM)[1])


@pytest.mark.parametrize("compressed", ["RLE", "big_endian", "jpeg_ls_lossless"])
def test_lossless_frames_equal_the_uncompressed_ones(compressed):
    for frame in range(10):
        expected = shown("other/emri_small.dcm", frame)
        assert np.array_equal(shown(f"edge_cases/emri_small_{compressed}.dcm", frame), expected)


@pytest.mark.parametrize("pair", ["693", "US1"])
def test_lossless_jpeg_2000_equals_the_uncompressed_pixels(pair):
    assert np.array_equal(shown(f"other/{pair}_J2KR.dcm"), shown(f"other/{pair}_UNCR.dcm"))


@pytest.mark.parametrize(
    "file",
    [
        "edge_cases/bad_sequence.dcm",
        "other/MR-SIEMENS-DICOM-WithOverlays.dcm",
        "other/JPGLosslessP14SV1_1s_1f_8b.dcm",
        "other/MR2_J2KR.dcm",
        "other/RG3_J2KR.dcm",
        "chest/RG1_J2KI.dcm",
    ],
)
def test_windows_agree_with_the_formulas_of_pydicom(file):
    data_set, stored = read(file)
    values = apply_windowing(apply_modality_lut(stored, data_set), data_set, index=0)
    # Its output goes over the range of stored values after the rescale.
    slope, intercept = float(data_set.get("RescaleSlope", 1)), float(data_set.get("RescaleIntercept", 0))
    low, high = intercept, (2**data_set.BitsStored - 1) * slope + intercept
    shares = (values - low) / (high - low)
    assert near(shown(file), 1 - shares if data_set.PhotometricInterpretation == "MONOCHROME1" else shares)


def test_hounsfield_units_are_windowed_from_signed_values():
    stored = read("other/693_UNCR.dcm")[1].astype(int)
    assert stored.min() < 0
    shares = ((stored - 1024) - 39.5) / 99 + 0.5
    assert near(shown("other/693_UNCR.dcm"), np.where(stored == -2000, 0, shares))


def test_a_voi_lut_is_looked_up_as_by_pydicom():
    data_set, stored = read("edge_cases/vlut_04.dcm")
    bits = data_set.VOILUTSequence[0].LUTDescriptor[2]
    assert near(shown("edge_cases/vlut_04.dcm"), apply_voi(stored, data_set) / (2**bits - 1))


def test_a_modality_lut_is_looked_up_as_by_pydicom():
    data_set, stored = read("edge_cases/mlut_18.dcm")
    values = apply_modality_lut(stored, data_set).astype(float)
    low, high = np.percentile(values, (0.5, 99.5))
    assert not np.array_equal(values, stored)
    assert near(shown("edge_cases/mlut_18.dcm"), (values - low) / (high - low))


def test_a_frame_is_shown_in_its_own_rescale_and_window():
    data_set, stored = read("other/eCT_Supplemental.dcm")
    for frame in range(2):
        groups = data_set.PerFrameFunctionalGroupsSequence[frame], data_set.SharedFunctionalGroupsSequence[0]
        rescale = next(one for group in groups if (one := group.get("PixelValueTransformationSequence")))[0]
        voi = next(one for group in groups if (one := group.get("FrameVOILUTSequence")))[0]
        values = stored[frame].astype(float) * float(rescale.RescaleSlope) + float(rescale.RescaleIntercept)
        centre, width = (float(np.atleast_1d(one)[0]) for one in (voi.WindowCenter, voi.WindowWidth))
        assert near(shown("other/eCT_Supplemental.dcm", frame), (values - (centre - 0.5)) / (width - 1) + 0.5)


def test_a_map_of_floating_values_is_windowed_exactly():
    stored = read("edge_cases/parametric_map_float.dcm")[1].astype(float)
    assert near(shown("edge_cases/parametric_map_float.dcm"), (stored - 0.5) / 1.0 + 0.5)


def test_ycbcr_becomes_rgb():
    data_set = read("edge_cases/SC_ybr_full_uncompressed.dcm")[0]
    y, blue, red = np.moveaxis(
        np.frombuffer(data_set.PixelData, dtype=np.uint8)[: 100 * 100 * 3].reshape(100, 100, 3).astype(float), 2, 0
    )
    rgb = (y + 1.402 * (red - 128), y - 0.344136 * (blue - 128) - 0.714136 * (red - 128), y + 1.772 * (blue - 128))
    picture = shown("edge_cases/SC_ybr_full_uncompressed.dcm")
    assert np.abs(picture - np.clip(np.stack(rgb, axis=2), 0, 255)).max() <= 1
    assert np.abs(picture - shown("edge_cases/SC_rgb.dcm")).max() <= 8


def test_rgb_without_file_meta_information_is_read_as_stored():
    file = "edge_cases/JLSL_RGB_ILV0.dcm"
    assert (SAMPLES / file).read_bytes()[128:132] != b"DICM"
    assert np.array_equal(shown(file), read(file)[1])


def test_a_palette_gives_the_colours_of_its_tables():
    data_set, stored = read("other/OBXXXX1A_rle.dcm")
    picture = shown("other/OBXXXX1A_rle.dcm")
    for channel, colour in enumerate(("Red", "Green", "Blue")):
        entries, first, bits = data_set[f"{colour}PaletteColorLookupTableDescriptor"].value
        table = np.frombuffer(data_set[f"{colour}PaletteColorLookupTableData"].value, dtype="<u2")[:entries]
        expected = table[np.clip(stored.astype(int) - first, 0, entries - 1)] >> (bits - 8)
        assert np.array_equal(picture[..., channel], expected)


def test_what_has_no_window_is_stretched_between_percentiles():
    data_set, stored = read("other/JPEG-LL.dcm")
    assert "WindowWidth" not in data_set
    low, high = np.percentile(stored, (0.5, 99.5))
    assert near(shown("other/JPEG-LL.dcm"), (stored.astype(float) - low) / (high - low))


def test_a_picture_of_several_must_be_named():
    with pytest.raises(PictureUnreadable, match="holds 10 pictures; name one, or save each as a file of its own"):
        open_picture(SAMPLES / "other/emri_small.dcm")
