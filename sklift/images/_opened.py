"""A picture file that is open: by Pillow, or by a format of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from .._core._text import visible
from ._arrays import check_channels
from ._declared import ChannelsApart, Misread, check_pages, declared
from ._formats import (
    CHANNELS_APART,
    FORMATS,
    LAST_RESORTS,
    FileFormat,
    OptionalFormat,
    PillowPlugin,
    Raster,
    as_raster,
    format_of,
)
from ._items import content_of, is_encoded
from ._pil import check_mode, count_frames, frame_of, opened_by_pillow, pil_to_rgb, to_frame
from ._rasters import raster_to_rgb
from ._reading import Reading

_HEAD = 512  # bytes at the start of a file by which formats know it
# Endings of files that Pillow reads, whose start is looked at by nobody else.
_PLAIN = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
_BUILT_IN, _LAST = tuple(FORMATS.values()), tuple(LAST_RESORTS.values())
_APART = tuple(CHANNELS_APART.values())


class PilFile:
    """A file that Pillow has opened, at its frame.

    Parameters
    ----------
    image : PIL.Image.Image
        The opened file, at its frame.
    name : str
        What messages call it.
    reading : Reading
        How numbers become pictures.
    plugin : FileFormat, optional
        The format whose plug-in reads it.
    """

    def __init__(
        self, image: Image.Image, name: str, reading: Reading, plugin: FileFormat | None = None
    ):
        self.image = image
        self.name = name
        self.reading = reading
        self.size = image.size
        self.decoder = "" if plugin is None else plugin.mark()

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return count_frames(self.image, self.name)

    def check(self) -> None:
        """Raise what :meth:`rgb` would raise, as far as the header tells."""
        check_mode(self.image, self.name, self.reading)
        declared(self.image, self.name, self.reading)

    def rgb(self, factor: int = 1) -> np.ndarray:
        """Decode; JPEG at a part of its size, others are averaged over squares of pixels."""
        return reduced_pixels(self.image, self.name, self.reading, factor, may_draft=True)


class FormatFile:
    """A file that a format other than Pillow's reads.

    Parameters
    ----------
    kind : FileFormat
        The format.
    file : str or BytesIO
        The path or the content.
    name : str
        What messages call it.
    reading : Reading
        How numbers become pictures.
    """

    def __init__(self, kind: FileFormat, file: str | BytesIO, name: str, reading: Reading):
        self.kind = kind
        self.file = file
        self.name = name
        self.reading = reading
        self.decoder = kind.mark()
        self.n_frames = 1 if reading.frame == 0 else self._told(kind.n_frames, file)
        self.frame = frame_of(self.n_frames, name, reading.frame)
        width, height = self._told(kind.size, file, self.frame)
        most = 2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else np.inf  # as Pillow has it
        if width * height > most:
            raise ValueError(
                f"{name} has {width} x {height} pixels, more than {most}; if you trust it, raise "
                f"PIL.Image.MAX_IMAGE_PIXELS"
            )
        self.size = (int(width), int(height))

    def check(self) -> None:
        """Check the channels, where they are asked for."""
        if self.reading.channels is not None:
            pixels = self.raster().pixels
            check_channels(1 if pixels.ndim == 2 else pixels.shape[2], self.name, self.reading)

    def raster(self) -> Raster:
        """The numbers of the file."""
        return as_raster(self._told(self.kind.read, self.file, self.frame))

    def rgb(self, factor: int = 1) -> np.ndarray:
        """Decode, and average over squares of pixels."""
        return averaged(raster_to_rgb(self.raster(), self.name, self.reading), factor)

    def _told(self, step, *arguments):
        """What a step of the format gives; its errors name the file."""
        if isinstance(self.file, BytesIO):
            self.file.seek(0)
        try:
            return step(*arguments)
        except (MemoryError, FileNotFoundError):
            raise
        except ImportError as error:
            if isinstance(self.kind, OptionalFormat):
                raise ValueError(f"{self.name}: {self.kind.missing()}") from error
            raise
        except Exception as error:  # libraries raise nearly anything on damaged files
            text = visible(str(error) or type(error).__name__)
            raise ValueError(f"{self.name}: the picture can't be decoded ({text})") from error


@contextmanager
def opened(item, name: str, reading: Reading) -> Iterator[PilFile | FormatFile]:
    """Open a file, by its path, or what can be read as one."""
    if is_encoded(item):
        place, suffix = BytesIO(content_of(item, name)), _suffix(str(getattr(item, "name", "")))
    else:
        place, suffix = os.fspath(item), _suffix(str(os.fspath(item)))
        _check_regular(place, name)
    kind = None
    if suffix not in _PLAIN or reading.formats:
        kind = format_of(_head(place), suffix, (*reading.formats, *_BUILT_IN))
    if kind is not None and not isinstance(kind, PillowPlugin):
        yield FormatFile(kind, place, name, reading)
        return
    try:
        image = _opened_by_pillow(place, name, kind)
    except ValueError as error:
        other = kind or format_of(_head(place), suffix, (*_BUILT_IN, *_LAST))
        if other is None or other is kind:
            raise
        if not other.is_installed():
            raise ValueError(f"{error}. {other.missing()}") from error
        if not isinstance(other, PillowPlugin):
            yield FormatFile(other, place, name, reading)
            return
        kind, image = other, _opened_by_pillow(place, name, other)
    with image:
        try:
            check_pages(image, name, reading)
            to_frame(image, name, reading.frame)
            picture: PilFile | FormatFile = PilFile(image, name, reading, kind)
            if image.format == "TIFF":
                declared(image, name, reading)
        except Misread as error:
            others = _APART if isinstance(error, ChannelsApart) else _LAST
            other = format_of(_head(place), suffix, others)
            if other is None or not other.is_installed():
                raise
            picture = FormatFile(other, place, name, reading)
        yield picture


def reduced_pixels(
    image: Image.Image, name: str, reading: Reading, factor: int, may_draft: bool
) -> np.ndarray:
    """Decode an image of Pillow with both sides divided by a factor."""
    if factor == 1:
        return pil_to_rgb(image, name, reading)
    width, height = image.size[0] // factor, image.size[1] // factor
    if may_draft:
        image.draft(None, (width, height))  # leaves all but JPEG as they are
    left = image.size[0] // width
    return averaged(pil_to_rgb(image, name, reading), left)


def averaged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Means over squares of pixels."""
    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _head(place: str | BytesIO) -> bytes:
    if isinstance(place, BytesIO):
        return bytes(place.getbuffer()[:_HEAD])
    with open(place, "rb") as file:
        return file.read(_HEAD)


def _check_regular(path, name: str) -> None:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        what = "a directory" if os.path.isdir(path) else "no regular file"
        raise ValueError(f"{name}: this is {what}, not a picture file")


def _opened_by_pillow(place: str | BytesIO, name: str, kind: FileFormat | None) -> Image.Image:
    if isinstance(kind, PillowPlugin):
        try:
            kind.register()
        except ImportError as error:
            raise ValueError(f"{name}: {kind.missing()}") from error
    try:
        return opened_by_pillow(place, _formats())
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        size = len(place.getbuffer()) if isinstance(place, BytesIO) else os.path.getsize(place)
        raise ValueError(f"{name}: {visible(_why_unreadable(size, error))}") from error


def _formats() -> list[str]:
    """What Pillow reads by now, but for PostScript, for which it would start another program."""
    Image.init()
    return [name for name in Image.OPEN if name != "EPS"]


def _why_unreadable(size: int, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "the file is empty" if size == 0 else "no picture that Pillow reads"
    remedy = ""
    if isinstance(error, Image.DecompressionBombError):
        remedy = "; if you trust it, raise PIL.Image.MAX_IMAGE_PIXELS"
    return f"the file can't be read as a picture ({error}){remedy}"
