"""Parts that several tests of the tasks need."""

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture
def make_dicom():
    """Return a function that writes an array as an uncompressed DICOM file, with tags by keyword; None leaves one out."""

    def make(path, values, **tags):
        values = np.ascontiguousarray(values)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = SECONDARY_CAPTURE
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data_set = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        is_colour = values.ndim >= 3 and values.shape[-1] == 3
        shape = values.shape[:-1] if is_colour else values.shape
        data_set.Rows, data_set.Columns = shape[-2:]
        if len(shape) == 3:
            data_set.NumberOfFrames = shape[0]
        bits = 8 * values.dtype.itemsize
        described = {
            "SOPClassUID": SECONDARY_CAPTURE,
            "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
            "Modality": "OT",
            "SamplesPerPixel": 3 if is_colour else 1,
            "PhotometricInterpretation": "RGB" if is_colour else "MONOCHROME2",
            "BitsAllocated": bits,
            "BitsStored": bits,
            "HighBit": bits - 1,
            "PixelRepresentation": int(values.dtype.kind == "i"),
            **({"PlanarConfiguration": 0} if is_colour else {}),
        }
        if values.dtype.kind == "f":
            data_set.FloatPixelData = values.tobytes()
        else:
            pixels = values.tobytes()
            data_set.PixelData = pixels + b"\0" * (len(pixels) % 2)
            data_set["PixelData"].VR = "OB" if bits == 8 else "OW"
        for keyword, value in {**described, **tags}.items():
            if value is not None:
                setattr(data_set, keyword, value)
        data_set.save_as(path, enforce_file_format=True)
        return path

    return make
