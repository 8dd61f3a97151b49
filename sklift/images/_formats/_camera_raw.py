"""Raw files of cameras, with rawpy."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ._base import OptionalFormat

_LEAST = 512  # sides of an embedded picture that is taken for the whole
_MAGICS = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"IIU\0"),  # Panasonic
    (0, b"IIRO"),  # Olympus
    (0, b"IIRS"),
    (0, b"MMOR"),
    (4, b"ftypcrx "),  # Canon, CR3
    (8, b"CR\x02\0"),  # Canon, CR2
)
_TIFF = (b"II*\0", b"MM\0*")


class CameraRaw(OptionalFormat):
    """Raw files: the picture that the camera has put into them, or else developed by LibRaw.

    The embedded picture is taken where both of its sides have at least 512 pixels, or half of those
    of the sensor.

    Examples
    --------
    >>> from sklift.images._formats import FORMATS
    >>> FORMATS["raw"].recognizes(b"II*" + bytes(1), ".nef")
    True
    """

    title = "A camera's raw file"
    extra = "camera"
    module = "rawpy"
    suffixes = (
        ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
        ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    )  # fmt: skip
    packages = ("rawpy",)

    def recognizes(self, head: bytes, suffix: str) -> bool:
        """Whether the first bytes say so, or the ending does of what looks like a TIFF."""
        if any(head[at : at + len(magic)] == magic for at, magic in _MAGICS):
            return True
        return suffix in self.suffixes and (head[:4] in _TIFF or head[:4] in (b"FOVb", b"\0MRM"))

    def size(self, file: str | BytesIO, frame: int) -> tuple[int, int]:
        """Width and height of the embedded picture, or of the sensor."""
        with _opened(file) as raw:
            embedded = _embedded(raw)
            if embedded is not None:
                return embedded.size
            size = raw.sizes.width, raw.sizes.height
            return size[::-1] if raw.sizes.flip in (5, 6) else size

    def read(self, file: str | BytesIO, frame: int) -> np.ndarray:
        """Decode the embedded picture, or develop the raw numbers with the camera's white."""
        with _opened(file) as raw:
            embedded = _embedded(raw)
            if embedded is not None:
                return np.asarray(embedded.convert("RGB"))
            return raw.postprocess(use_camera_wb=True, output_bps=8)


def _opened(file: str | BytesIO) -> Any:
    import rawpy

    if isinstance(file, BytesIO):
        file.seek(0)
    return rawpy.imread(file)


def _embedded(raw) -> Image.Image | None:
    """The embedded picture, upright, if it is large enough."""
    import rawpy

    try:
        found = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    if found.format == rawpy.ThumbFormat.JPEG:
        image = Image.open(BytesIO(found.data), formats=["JPEG"])
    else:
        image = Image.fromarray(found.data)
    least = min(_LEAST, raw.sizes.width // 2, raw.sizes.height // 2)
    if min(image.size) < least:
        return None
    flip = raw.sizes.flip if not image.getexif().get(0x0112) else 0
    turned = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90}
    turned[6] = Image.Transpose.ROTATE_270
    return image.transpose(turned[flip]) if flip in turned else ImageOps.exif_transpose(image)
