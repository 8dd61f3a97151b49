"""DICOM files of medicine, with pydicom."""

from __future__ import annotations

import zlib
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np

from ._base import OptionalFormat, Raster
from ._dicom_curves import Range, curve_of, looked_up, palette_of

_MAGIC = b"DICM"  # after a preamble of 128 bytes
_HEAD = 4096  # bytes at the start, where the file's own header is
_GROUP_END = 144  # where the length of that header ends; it is counted from there
_FIRST_GROUPS = (b"\2\0", b"\b\0", b"\0\b")  # which files without the mark start with
# Groups of an enhanced image, for all of its frames or for each, that hold what others have on top.
_GROUPS = (
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
    "FramePixelDataPropertiesSequence",
)
_DEFLATED = "1.2.840.10008.1.2.1.99"  # all but the file's own header is compressed
_MOST, _MOST_TIMES = 1 << 27, 100  # bytes of such a file in memory, or times its bytes on disk
_RLE = "1.2.840.10008.1.2.5"  # compression that keeps bits as they are stored
_NO_PLUGIN = (
    "install what decodes it: pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls"
)


class Dicom(OptionalFormat):
    """DICOM files: one frame, after its modality LUT, with its window or VOI LUT.

    References
    ----------
    DICOM PS3.3, sections C.7.6.3 (image pixels), C.11.1 (modality LUT) and C.11.2 (VOI LUT).

    Examples
    --------
    >>> from sklift.images._formats import FORMATS
    >>> FORMATS["dicom"].recognizes(bytes(128) + b"DICM", "")
    True
    """

    title = "DICOM"
    extra = "medical"
    module = "pydicom"
    suffixes = (".dcm", ".dicom", ".ima")
    packages = (
        "pydicom",
        "pylibjpeg",
        "pylibjpeg-libjpeg",
        "pylibjpeg-openjpeg",
        "pylibjpeg-rle",
        "pyjpegls",
        "python-gdcm",
    )

    def recognizes(self, head: bytes, suffix: str) -> bool:
        """Whether the file has the mark of DICOM, or its ending: old files have no mark."""
        return head[128:132] == _MAGIC or (suffix in self.suffixes and head[:2] in _FIRST_GROUPS)

    def n_frames(self, file: str | BytesIO) -> int:
        """Count the frames that the header declares."""
        return int(_header(file).get("NumberOfFrames") or 1)

    def size(self, file: str | BytesIO, frame: int) -> tuple[int, int]:
        """Width and height that the header declares."""
        header = _header(file)
        return int(header.Columns), int(header.Rows)

    def read(self, file: str | BytesIO, frame: int) -> Raster:
        """Decode a frame."""
        from pydicom.pixels import pixel_array

        header = _of_frame(_header(file), frame)
        syntax = header.file_meta.get("TransferSyntaxUID")
        place = file if syntax not in (None, _DEFLATED) else _whole(file)
        try:
            stored = pixel_array(place, index=frame, correct_unused_bits=False)
        except RuntimeError as error:
            if "plugin" not in str(error):
                raise
            raise ValueError(f"{error}; {_NO_PLUGIN}") from error
        kind = header.PhotometricInterpretation
        if kind == "PALETTE COLOR":
            colours, first, bits = palette_of(header, stored)
            return Raster(looked_up(colours, first, stored), bits=bits)
        if stored.dtype.kind == "f":
            ends, pixels = None, stored
        else:
            ends, pixels = _ends(header), _without_unused_bits(stored, header)
        if stored.ndim == 3:
            return Raster(pixels, bits=int(header.BitsStored))
        return _grey(pixels, ends, header)


def _grey(pixels: np.ndarray, ends: Range | None, header) -> Raster:
    """Grey numbers in the units of the modality, with what the header says of black and white."""
    white_is_zero = header.PhotometricInterpretation == "MONOCHROME1"
    if header.get("ModalityLUTSequence"):
        item = header.ModalityLUTSequence[0]
        curve, ends = curve_of(item, header)
        pixels = curve(pixels)
    elif "RescaleSlope" in header and "RescaleIntercept" in header:
        slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
        if (slope, intercept) != (1, 0):  # else 8 bits stay 8 bits
            pixels = pixels.astype(np.float64) * slope + intercept
        if ends is not None:
            low, high = sorted(end * slope + intercept for end in ends)
            ends = (low, high)
    if header.get("VOILUTSequence"):
        curve, ends = curve_of(header.VOILUTSequence[0], header)
        return Raster(pixels, ends, white_is_zero=white_is_zero, curve=curve)
    window = _window(header)
    if window is None:
        if ends is not None and ends[1] - ends[0] >= 65535 and ends[0] < 0:
            return Raster(pixels, None, white_is_zero=white_is_zero)  # nobody has told the range
        return Raster(pixels, ends, white_is_zero=white_is_zero)
    centre, width = window
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    if function == "SIGMOID":
        curve = partial(_sigmoid, centre=centre, width=width)
        return Raster(pixels, (0, 1), white_is_zero=white_is_zero, curve=curve)
    if function == "LINEAR":  # pixels of the range are counted by their middles
        centre, width = centre - 0.5, max(width - 1, 1e-6)
    window = (centre - width / 2, centre + width / 2)
    return Raster(pixels, window, white_is_zero=white_is_zero)


def _header(file: str | BytesIO) -> Any:
    """All that comes before the pixels."""
    from pydicom import dcmread

    _check_deflated(_rewound(file))
    header = dcmread(_rewound(file), stop_before_pixels=True, force=True)
    if "Rows" not in header or "Columns" not in header:
        kind = header.get("Modality") or header.get("SOPClassUID") or "of an unknown kind"
        raise ValueError(f"it is a DICOM file without pixels ({kind})")
    return header


def _whole(file: str | BytesIO) -> Any:
    """A file without the mark of DICOM and the header of its coding, which pydicom guesses."""
    from pydicom import dcmread
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    content = dcmread(_rewound(file), force=True)
    if "TransferSyntaxUID" not in content.file_meta:
        implicit, little = content.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        content.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return content


def _check_deflated(file: str | BytesIO) -> None:
    """Refuse a compressed file that would take far more memory than it has bytes."""
    content = file.getbuffer() if isinstance(file, BytesIO) else np.memmap(file, np.uint8, "r")
    head = bytes(content[:_HEAD])
    if _DEFLATED.encode() not in head or head[128:132] != _MAGIC:
        return
    start = _GROUP_END + int.from_bytes(head[_GROUP_END - 4 : _GROUP_END], "little")
    most, n_bytes = max(_MOST, _MOST_TIMES * len(content)), 0
    inflate, packed = zlib.decompressobj(-zlib.MAX_WBITS), bytes(content[start:])
    while packed and not inflate.eof:
        n_bytes += len(inflate.decompress(packed, 1 << 20))
        packed = inflate.unconsumed_tail
        if n_bytes > most:
            raise ValueError(f"it takes {len(content)} bytes, and over {most} once it is inflated")


def _of_frame(header, frame: int):
    """The header, with what an enhanced image says of a frame where other images say it."""
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        groups = header.get(name) or []
        at = frame if name.startswith("PerFrame") else 0
        if at >= len(groups):
            continue
        for group in _GROUPS:
            for item in groups[at].get(group) or []:
                header.update(item)
    return header


def _ends(header) -> Range:
    """The least and the largest number that can be stored."""
    bits = int(header.BitsStored)
    if header.PixelRepresentation == 1:
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1


def _without_unused_bits(stored: np.ndarray, header) -> np.ndarray:
    """The bits in use, with the sign of the uppermost: others of old files hold overlays."""
    bits, highest = int(header.BitsStored), int(header.HighBit)
    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is not None and syntax.is_encapsulated and syntax != _RLE:
        highest = bits - 1  # decoders leave the numbers below
    unused = 8 * stored.dtype.itemsize - bits
    above = unused - (highest + 1 - bits)
    if unused == 0 or int(header.BitsAllocated) != 8 * stored.dtype.itemsize or above < 0:
        return stored
    return np.right_shift(np.left_shift(stored, above), unused)


def _window(header) -> tuple[float, float] | None:
    """Centre and width of the first window."""
    centre, width = header.get("WindowCenter"), header.get("WindowWidth")
    if centre is None or width is None or centre == "" or width == "":
        return None
    return float(np.ravel(centre)[0]), float(np.ravel(width)[0])


def _sigmoid(pixels: np.ndarray, centre: float, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(-4 * (pixels.astype(np.float64) - centre) / width))


def _rewound(file: str | BytesIO) -> str | BytesIO:
    if isinstance(file, BytesIO):
        file.seek(0)
    return file
