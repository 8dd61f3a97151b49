"""Formats of picture files beyond those of Pillow: one table, one file each."""

from __future__ import annotations

from ._base import FileFormat, OptionalFormat, PillowPlugin, Raster, as_raster
from ._camera_raw import CameraRaw
from ._dicom import Dicom
from ._phone import Heic, JpegXl
from ._tiff import Tiff
from ._tiff_stack import TiffStack

__all__ = [
    "CHANNELS_APART",
    "FORMATS",
    "LAST_RESORTS",
    "FileFormat",
    "OptionalFormat",
    "PillowPlugin",
    "Raster",
    "as_raster",
    "format_of",
]

# Asked in this order, before Pillow, which takes some of these files for others.
FORMATS: dict[str, OptionalFormat] = {
    "dicom": Dicom(),
    "raw": CameraRaw(),
    "heic": Heic(),
    "jxl": JpegXl(),
}
# Asked about files that Pillow refuses, or of which it gives other numbers.
LAST_RESORTS: dict[str, OptionalFormat] = {"tiff": Tiff()}
# Asked about files whose channels are pages, where some of the channels are to be seen.
CHANNELS_APART: dict[str, OptionalFormat] = {"tiff": TiffStack()}


def format_of(head: bytes, suffix: str, formats: tuple[FileFormat, ...]) -> FileFormat | None:
    """The first of some formats that recognizes a file."""
    return next((each for each in formats if each.recognizes(head, suffix)), None)
