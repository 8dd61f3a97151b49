"""TIFF files of microscopes whose channels are pages apart, with tifffile."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from ._base import Raster
from ._tiff import Tiff, check_amount, largest_level, opened_tiff
from ._tiff_colours import raster_of


class TiffStack(Tiff):
    """TIFF files in which ImageJ, or a program that writes OME, has put each channel on a page.

    A frame is what lies at one depth and time, with all of its channels.

    Examples
    --------
    >>> from sklift.images._formats import CHANNELS_APART
    >>> CHANNELS_APART["tiff"].recognizes(b"II*" + bytes(1), "")
    True
    """

    def n_frames(self, file: str | BytesIO) -> int:
        """Count the depths and times."""
        with opened_tiff(file) as tiff:
            return len(_pages_of_frames(largest_level(tiff)))

    def size(self, file: str | BytesIO, frame: int) -> tuple[int, int]:
        """Width and height of each page."""
        with opened_tiff(file) as tiff:
            page = largest_level(tiff).keyframe
            return page.imagewidth, page.imagelength

    def read(self, file: str | BytesIO, frame: int) -> Raster:
        """Decode the channels of a frame."""
        with opened_tiff(file) as tiff:
            level = largest_level(tiff)
            places = _pages_of_frames(level)
            if len(level.pages) == places.size:
                check_amount((places.shape[1], *level.shape[-2:]))
                pages = [level.pages[int(place)].asarray() for place in places[frame]]
            else:  # ImageJ describes only the first page of those that lie one after the other
                check_amount(level.shape)
                whole = level.asarray().reshape(-1, *level.shape[-2:])
                pages = list(whole[places[frame]])
            return raster_of(level.keyframe, np.stack(pages, axis=-1))


def _pages_of_frames(level) -> np.ndarray:
    """Indices of pages, of shape (n_frames, n_channels)."""
    outer = level.axes[:-2]
    if level.axes[-2:] != "YX" or "C" not in outer:
        raise ValueError(f"its axes are {level.axes!r}: give arrays (height, width, channels)")
    pages = np.arange(np.prod(level.shape[:-2])).reshape(level.shape[:-2])
    pages = np.moveaxis(pages, outer.index("C"), -1)
    return pages.reshape(-1, pages.shape[-1])
