"""From the pixels that a DICOM file stores to the picture that a reader would see on a screen, in 8 bits.

The steps, in the order of the standard (PS3.4, figure N.2-1; parts of PS3.3 beside each):

1. decode, to stored values; YCbCr becomes RGB                    C.7.6.3.1
2. the modality LUT, or rescale slope and intercept               C.11.1, C.7.6.16.2.9 for each frame
3. the first VOI LUT, or else the first window                    C.11.2, C.7.6.16.2.10 for each frame
   (linear, linear exact or sigmoid; floating values take linear as linear exact)
4. MONOCHROME1: the lowest value is white                         C.7.6.3.1.2
5. padding is black                                               C.7.5.1.1.2

Where a file brings neither LUT nor window, up to 8 stored bits without sign are shown as they are, and all else is
stretched from the 0.5th to the 99.5th percentile of its own values, padding left out. The same goes for a window outside of
the picture's values, which would show nothing. Palettes are looked up (C.7.6.3.1.5); colours of more than 8 bits keep the
upper 8. Overlays, further windows and presentation states are not applied.

Eight bits, since training takes pictures in 8 bits: the window that the person who took the picture chose decides which ones.
"""

from __future__ import annotations

import copy
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian

from tasks.domain.errors import PictureUnreadable
from tasks.readers.compressed_size import size_of_compressed
from tasks.readers.dicom_display import grey_levels
from tasks.readers.dicom_file import FAULTS, compression_name, number_of_frames, quietly, read_data_set

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_COLOURS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"})
"""What the decoders hand over as red, green and blue."""


def open_dicom(path: Path, frame: int = -1) -> Image.Image:
    """Return one picture of a DICOM file as it would be shown.

    Args:
        path: A file.
        frame: Number of the picture in the file, from 0; -1 for the only one.

    Returns:
        A picture of mode `L` or `RGB`.

    Raises:
        PictureUnreadable: There is no such picture, or it cannot be decoded.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise PictureUnreadable(f"cannot be read: {error.strerror}") from error
    data_set = _read(path, status.st_size, status.st_mtime_ns)
    frames = number_of_frames(data_set)
    if frame < 0 and frames > 1:
        raise PictureUnreadable(f"holds {frames:,} pictures; name one, or save each as a file of its own")
    if frame >= frames:
        raise PictureUnreadable(f"holds no picture {frame}, only {frames:,}")
    with quietly():
        try:
            return _shown(data_set, max(frame, 0))
        except PictureUnreadable:
            raise
        except FAULTS as error:
            reason = f"its pixels cannot be decoded (stored as {compression_name(data_set)}); it is damaged or cut off"
            raise PictureUnreadable(reason) from error


@lru_cache(maxsize=1)
def _read(path: Path, size: int, changed: int) -> Dataset:  # noqa: ARG001 - size and time tell a changed file apart
    """Return a data set, which stays in memory while its frames are asked for one by one."""
    return read_data_set(path)


def _shown(data_set: Dataset, frame: int) -> Image.Image:
    if not any(name in data_set for name in _PIXELS):
        raise PictureUnreadable("is DICOM, but holds no pixels, or was cut off")
    stored = _decoded(data_set, frame)
    kind = str(data_set.PhotometricInterpretation)
    if kind == "PALETTE COLOR" and stored.ndim == 2:
        return Image.fromarray(_upper_8_bits(apply_color_lut(stored, data_set), _bits_of_palette(data_set)))
    if kind in _COLOURS and stored.ndim == 3 and stored.shape[2] == 3:
        return Image.fromarray(_upper_8_bits(stored, int(data_set.BitsStored)))
    if kind in {"MONOCHROME1", "MONOCHROME2"} and stored.ndim == 2:
        return Image.fromarray(grey_levels(stored, data_set, frame))
    raise PictureUnreadable("its colours are described in a way that is not understood")


def _decoded(data_set: Dataset, frame: int) -> NDArray[Any]:
    """Return the stored values of a frame, shape (rows, columns) or (rows, columns, 3)."""
    syntax = data_set.file_meta.TransferSyntaxUID
    if not syntax.is_transfer_syntax and syntax != _DEFLATED_FRAMES:
        raise PictureUnreadable(f"its compression cannot be read ({compression_name(data_set)})")
    if "PixelData" in data_set and (syntax == _DEFLATED_FRAMES or syntax.is_encapsulated):
        content = get_frame(data_set.PixelData, frame, number_of_frames=number_of_frames(data_set))
        if syntax == _DEFLATED_FRAMES:
            data_set, frame = _inflated(data_set, content), 0
        claimed = size_of_compressed(content)
        if claimed is not None and claimed != (data_set.Columns, data_set.Rows):
            raise PictureUnreadable("its compressed pixels have another size than the file says")
    try:
        return np.asarray(pixel_array(data_set, index=frame))
    except NotImplementedError as error:
        raise PictureUnreadable(f"its compression cannot be read ({compression_name(data_set)})") from error


def _inflated(data_set: Dataset, content: bytes) -> Dataset:
    """Return one deflated frame as a data set of its own that is not compressed.

    Source:
        DICOM PS3.5, section A.4.13, Deflated Image Frame Compression.
    """
    samples = int(data_set.get("SamplesPerPixel") or 1)
    needed = -(-int(data_set.Rows) * int(data_set.Columns) * samples * int(data_set.BitsAllocated) // 8)
    pixels = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, needed + needed % 2)
    plain = Dataset()
    # Elements are shared otherwise, and the file would lose its frames.
    plain.update({element.tag: copy.copy(element) for element in data_set.group_dataset(0x0028)})
    plain.NumberOfFrames = 1
    plain.PixelData = pixels.ljust(len(pixels) + len(pixels) % 2, b"\0")
    plain["PixelData"].VR = "OW" if data_set.BitsAllocated > 8 else "OB"
    plain.file_meta = FileMetaDataset()
    plain.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return plain


def _bits_of_palette(data_set: Dataset) -> int:
    return int(data_set.RedPaletteColorLookupTableDescriptor[2])


def _upper_8_bits(colours: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    values = np.asarray(colours, dtype=np.int64)
    # Palettes of 16 bits often hold values of 8: what would be black is not shifted.
    shift = max(bits - 8, 0) if values.max() > 255 else 0
    return np.asarray(np.clip(values >> shift, 0, 255), dtype=np.uint8)
