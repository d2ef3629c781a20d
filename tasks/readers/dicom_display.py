"""From the stored values of a grey DICOM picture to 8-bit grey levels; the steps are listed in `dicom_pixels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.multival import MultiValue

from tasks.domain.errors import PictureUnreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

LOWEST_PERCENT, HIGHEST_PERCENT = 0.5, 99.5
"""Percentiles that become black and white where a file brings no window."""


def grey_levels(stored: NDArray[Any], data_set: Dataset, frame: int) -> NDArray[np.uint8]:
    """Return a frame as it is shown, shape (rows, columns).

    Args:
        stored: Stored values, shape (rows, columns), whole or floating.
        data_set: Where they come from.
        frame: Number of the frame, from 0.

    Raises:
        PictureUnreadable: A table of the file has no entries.
    """
    is_shown = _is_shown(stored, data_set)
    values, is_as_stored = _in_units(stored, data_set, frame)
    levels = _by_voi(values, data_set, frame)
    if levels is None or _is_flat(_there(levels, is_shown)):
        bits = int(data_set.get("BitsStored") or 32)
        is_plain = is_as_stored and bits <= 8 and stored.dtype.kind == "u"
        levels = values / (2**bits - 1) if is_plain else _by_percentiles(values, is_shown)
    if str(data_set.PhotometricInterpretation) == "MONOCHROME1":
        levels = 1 - levels
    if is_shown is not None:
        levels = np.where(is_shown, levels, 0)
    return np.asarray(np.rint(np.clip(levels, 0, 1) * 255), dtype=np.uint8)


def window(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64] | None:
    """Return values as shares of white by a window, in [0, 1], or None if the window is none.

    Source:
        DICOM PS3.3, sections C.11.2.1.2.1 (linear), C.11.2.1.3.1 (sigmoid) and C.11.2.1.3.2 (linear exact).
    """
    if not (np.isfinite(centre) and np.isfinite(width) and width > 0):
        return None
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if width < 1:
        return None
    if width == 1:
        return np.where(values > centre - 0.5, 1.0, 0.0)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def look_up(values: NDArray[np.float64], table: Dataset, *, is_little_endian: bool) -> tuple[NDArray[np.float64], int]:
    """Return what a LUT makes of values, and with how many bits.

    Raises:
        PictureUnreadable: The table is empty.

    Source:
        DICOM PS3.3, section C.11.1.1 (also C.11.2.1.1): number of entries (0 means 65,536), first value, bits.
    """
    entries, first, bits = (int(number) for number in table.LUTDescriptor)
    entries = entries or 2**16
    data = table.LUTData
    if isinstance(data, bytes):
        is_packed = bits <= 8 and len(data) < 2 * entries
        data = np.frombuffer(data, dtype=np.uint8 if is_packed else np.dtype("<u2" if is_little_endian else ">u2"))
    outputs = np.atleast_1d(np.asarray(data, dtype=np.float64))[:entries]
    if not len(outputs):
        raise PictureUnreadable("its table of grey levels is empty")
    return outputs[np.clip(np.rint(values - first), 0, len(outputs) - 1).astype(np.int64)], bits


def _is_shown(stored: NDArray[Any], data_set: Dataset) -> NDArray[np.bool_] | None:
    """Return which values are finite, and not padding around the picture (PS3.3, C.7.5.1.1.2); None means all."""
    is_shown = np.isfinite(stored) if stored.dtype.kind == "f" else np.True_
    names = ("PixelPaddingValue", "FloatPixelPaddingValue", "DoubleFloatPixelPaddingValue")
    padding = next((data_set[name].value for name in names if data_set.get(name) is not None), None)
    if padding is not None:
        limit = data_set.get("PixelPaddingRangeLimit")
        ends = [_as_stored(end, stored) for end in (padding, padding if limit is None else limit)]
        is_padding = np.asarray((stored >= np.float64(min(ends))) & (stored <= np.float64(max(ends))))
        if not is_padding.all():  # a picture that is all padding has a wrong padding value
            is_shown = is_shown & ~is_padding
    return None if np.all(is_shown) else np.asarray(is_shown)


def _there(values: NDArray[np.float64], is_shown: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    return values.ravel() if is_shown is None else values[is_shown]


def _as_stored(number: float, stored: NDArray[Any]) -> float:
    """Return a padding value with the sign that the pixels have: some files write -2000 as 63536."""
    bits = stored.dtype.itemsize * 8
    return number - 2**bits if stored.dtype.kind == "i" and number >= 2 ** (bits - 1) else number


def _in_units(stored: NDArray[Any], data_set: Dataset, frame: int) -> tuple[NDArray[np.float64], bool]:
    """Return values after the modality LUT, such as Hounsfield units, and whether they are as stored."""
    values = stored.astype(np.float64)
    if data_set.get("ModalityLUTSequence"):
        return look_up(values, data_set.ModalityLUTSequence[0], is_little_endian=_is_little(data_set))[0], False
    holder = _of_frame(data_set, frame, "PixelValueTransformationSequence", "RescaleSlope")
    slope, intercept = _number(holder.get("RescaleSlope"), 1.0), _number(holder.get("RescaleIntercept"), 0.0)
    if slope == 0 or (slope, intercept) == (1.0, 0.0):
        return values, True
    return values * slope + intercept, False


def _by_voi(values: NDArray[np.float64], data_set: Dataset, frame: int) -> NDArray[np.float64] | None:
    """Return values as shares of white by the file's own VOI LUT or window, or None if it has none."""
    if data_set.get("VOILUTSequence"):
        outputs, bits = look_up(values, data_set.VOILUTSequence[0], is_little_endian=_is_little(data_set))
        return np.asarray(outputs / (2**bits - 1))
    holder = _of_frame(data_set, frame, "FrameVOILUTSequence", "WindowWidth")
    centre, width = (_number(holder.get(name), np.nan) for name in ("WindowCenter", "WindowWidth"))
    function = str(holder.get("VOILUTFunction") or "LINEAR").upper()
    # LINEAR counts in whole steps: of a map with values from 0 to 1 it would leave a threshold.
    is_floating = "PixelData" not in data_set
    return window(values, centre, width, "LINEAR_EXACT" if is_floating and function == "LINEAR" else function)


def _is_flat(levels: NDArray[np.float64]) -> bool:
    return not levels.size or bool(levels.min() == levels.max())


def _by_percentiles(values: NDArray[np.float64], is_shown: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    there = _there(values, is_shown)
    if not there.size:
        return np.zeros_like(values)
    low, high = np.percentile(there, (LOWEST_PERCENT, HIGHEST_PERCENT))
    if low == high:
        low, high = there.min(), there.max()
    with np.errstate(invalid="ignore"):
        return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _of_frame(data_set: Dataset, frame: int, group: str, name: str) -> Dataset:
    """Return what holds an element: the functional group of the frame, or of all frames, or the data set itself."""
    frames, shared = data_set.get("PerFrameFunctionalGroupsSequence"), data_set.get("SharedFunctionalGroupsSequence")
    for groups, number in ((frames, frame), (shared, 0)):
        if groups and number < len(groups) and groups[number].get(group) and name in groups[number].get(group)[0]:
            found: Dataset = groups[number].get(group)[0]
            return found
    return data_set


def _number(value: object, otherwise: float) -> float:
    """Return the first number of an element that may hold several, or none that can be read."""
    if isinstance(value, MultiValue):
        value = next(iter(value), None)
    try:
        return otherwise if value is None else float(str(value))
    except ValueError:
        return otherwise


def _is_little(data_set: Dataset) -> bool:
    return bool(data_set.file_meta.TransferSyntaxUID.is_little_endian)
