"""DICOM files, and TIFF files that Pillow doesn't read."""

from __future__ import annotations

import io
import random

import numpy as np
import pydicom
import tifffile

from fuzz_targets import images
from fuzz_targets._bytes import damage
from sklift.images._decode import read

READERS = ["pydicom", "tifffile"]
_RNG = np.random.default_rng(0)
_NUMBERS = (0, 1, 2, 7, 8, 15, 16, 32, 255, 4096, 65535)
_TAGS = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit")
_TAGS += ("PixelRepresentation", "PlanarConfiguration")
_TEXTS = {
    "NumberOfFrames": ("0", "2", "1000000000", "-1"),
    "WindowCenter": ("0", "1e30", "-1\\5", ""),
    "WindowWidth": ("0", "-1", "1e-30", "5\\7", ""),
    "RescaleSlope": ("0", "1e30", "-1", ""),
    "RescaleIntercept": ("-1e30", "1e30", ""),
    "VOILUTFunction": ("SIGMOID", "LINEAR_EXACT", "?"),
    "PhotometricInterpretation": ("MONOCHROME1", "RGB", "YBR_FULL", "PALETTE COLOR", "?", ""),
}


class Target(images.Target):
    def seeds(self) -> list[bytes]:
        return [c for c in (*_dicom_files(), *_tiff_files()) if self.attempt(c) == "works"]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        if data[128:132] == b"DICM" and draw.random() < 0.6:
            return _with_other_tag(data, draw)
        return damage(data, draw, 600)

    def attempt(self, data: bytes) -> str:
        path = self.folder / "scan"
        path.write_bytes(data)
        refused_at_once = images.refused(images.check_file, path)
        in_full = images.refused(read, path)
        if refused_at_once and not in_full:
            return "CONTRADICTS: refused at the first bytes, but it can be decoded"
        found = {refused_at_once, in_full} - {"", "refused"}
        return sorted(found)[0] if found else in_full or "works"


def _with_other_tag(data: bytes, draw: random.Random) -> bytes:
    try:
        content = pydicom.dcmread(io.BytesIO(data), force=True)
        for _ in range(draw.choice([1, 1, 2])):
            if draw.random() < 0.5:
                setattr(content, draw.choice(_TAGS), draw.choice(_NUMBERS))
            else:
                name = draw.choice(list(_TEXTS))
                setattr(content, name, draw.choice(_TEXTS[name]))
        if draw.random() < 0.2:
            del content[draw.choice(list(content.keys()))]
        return _saved(content)
    except Exception:  # damaged before, or no value that pydicom writes
        return damage(data, draw, 600)


def _dicom_files() -> list[bytes]:
    grey = _RNG.integers(0, 4096, (6, 8), np.uint16)
    colours = _RNG.integers(0, 256, (6, 8, 3), np.uint8)
    table = pydicom.Dataset()
    table.LUTDescriptor = [256, 0, 16]
    table.add_new("LUTData", "OW", np.arange(256, dtype=np.uint16).tobytes())
    palette = {}
    for colour in ("Red", "Green", "Blue"):
        palette[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        numbers = np.arange(256, dtype=np.uint16) * 257
        palette[f"{colour}PaletteColorLookupTableData"] = numbers.tobytes()
    window = {"WindowCenter": 500, "WindowWidth": 1000}
    made = [
        _dicom(grey, 12, **window),
        _dicom(grey.astype(np.int16) - 2048, 16, RescaleSlope=2, RescaleIntercept=-1024, **window),
        _dicom(grey >> 4, 8, VOILUTSequence=[table]),
        _dicom(grey >> 4, 8, ModalityLUTSequence=[table], **window),
        _dicom(colours, 8, "RGB", PlanarConfiguration=0),
        _dicom((grey >> 4).astype(np.uint8), 8, "PALETTE COLOR", **palette),
        _dicom(np.stack([grey] * 3), 12, "MONOCHROME1", NumberOfFrames=3, **window),
    ]
    deflated = pydicom.dcmread(io.BytesIO(made[0]))
    deflated.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    packed = pydicom.dcmread(io.BytesIO(made[0]))
    packed.compress(pydicom.uid.RLELossless)
    return [*made, _saved(deflated), _saved(packed)]


def _dicom(pixels: np.ndarray, bits: int, kind: str = "MONOCHROME2", **tags) -> bytes:
    content = pydicom.Dataset()
    content.file_meta = pydicom.dataset.FileMetaDataset()
    content.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    content.SOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID
    content.SOPInstanceUID = content.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    content.Modality = "OT"
    height, width = pixels.shape[1:] if "NumberOfFrames" in tags else pixels.shape[:2]
    content.Rows, content.Columns = height, width
    content.SamplesPerPixel = 3 if kind == "RGB" else 1
    content.PhotometricInterpretation = kind
    content.BitsAllocated = 8 * pixels.dtype.itemsize
    content.BitsStored, content.HighBit = bits, bits - 1
    content.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in tags.items():
        setattr(content, name, value)
    content.PixelData = pixels.tobytes()
    return _saved(content)


def _saved(content) -> bytes:
    made = io.BytesIO()
    content.save_as(made, enforce_file_format=True)
    return made.getvalue()


def _tiff_files() -> list[bytes]:
    deep = _RNG.integers(0, 65536, (32, 32, 3), np.uint16)
    found = []
    for pixels, settings in (
        (deep, {"photometric": "rgb", "tile": (16, 16)}),
        (deep, {"photometric": "rgb", "compression": "zlib", "predictor": False}),
        (np.moveaxis(deep, -1, 0).copy(), {"photometric": "rgb", "planarconfig": "separate"}),
        (deep[..., 0], {"photometric": "miniswhite"}),
        (np.stack([deep[..., 0]] * 2), {"photometric": "minisblack"}),
    ):
        made = io.BytesIO()
        tifffile.imwrite(made, pixels, **settings)
        found.append(made.getvalue())
    made = io.BytesIO()
    with tifffile.TiffWriter(made, bigtiff=True) as tiff:  # a pyramid
        tiff.write(deep, photometric="rgb", subifds=1, tile=(16, 16))
        tiff.write(deep[::2, ::2], photometric="rgb", subfiletype=1, tile=(16, 16))
    return [*found, made.getvalue()]
