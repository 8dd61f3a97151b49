"""Numbers that a format has read -> (height, width, 3) uint8."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ._arrays import array_to_rgb
from ._formats import Raster
from ._reading import Reading


def raster_to_rgb(raster: Raster, name: str, reading: Reading) -> np.ndarray:
    """Convert the numbers of a file to (height, width, 3) uint8."""
    pixels, value_range = seen_of(raster, name, reading), reading.value_range
    if value_range is None:
        value_range = raster.value_range
        pixels = pixels if raster.curve is None else raster.curve(pixels)
        if value_range is not None and pixels.dtype == np.uint8:
            pixels = pixels.astype(np.int16)  # the file's range is that of its bytes as well
    if value_range is None and raster.bits is None and _needs_range(pixels):
        raise ValueError(
            f"{name}: its numbers are {pixels.dtype}, and nothing in the file says which of them "
            f"are black and white: give reader__value_range=(low, high), or 'percentiles'"
        )
    rgb = array_to_rgb(pixels, name, replace(reading, value_range=value_range), raster.bits)
    return 255 - rgb if raster.white_is_zero else rgb


def seen_of(raster: Raster, name: str, reading: Reading) -> np.ndarray:
    """The numbers of a file, without the channels that are not seen if the user chooses none."""
    if raster.channels is None or reading.channels is not None:
        return raster.pixels
    if not raster.channels:
        raise ValueError(
            f"{name} has {raster.pixels.shape[2]} channels, and doesn't say which are red, green "
            f"and blue: choose one, two or three of them, such as reader__channels=(0, 1, 2)"
        )
    return raster.pixels[..., list(raster.channels)]


def _needs_range(pixels: np.ndarray) -> bool:
    kind = pixels.dtype.kind
    if kind == "f":
        return pixels.size > 0 and not (np.nanmin(pixels) >= 0 and np.nanmax(pixels) <= 1)
    return not (kind == "b" or (kind == "u" and pixels.dtype.itemsize <= 2))
