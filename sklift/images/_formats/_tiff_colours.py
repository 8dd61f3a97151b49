"""Meaning of the numbers of a TIFF page: colours, opacity, other bands; and which side is up."""

from __future__ import annotations

import numpy as np

from ._base import Raster

_WHITE_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 2, 3, 6
_OTHERS = {5: "CMYK", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}
_JPEG = (6, 7, 33007)  # compressions whose decoders give RGB
_PREMULTIPLIED, _OPACITY = 1, 2
_ORIENTATION = 274


def raster_of(page, pixels: np.ndarray) -> Raster:
    """The numbers of a page, whose channels come last, upright."""
    kind = int(page.photometric)
    if kind == _YCBCR and int(page.compression) not in _JPEG:
        raise ValueError("its colours are YCbCr, and not compressed as JPEG: convert it to RGB")
    if kind in _OTHERS:
        raise ValueError(f"its colours are {_OTHERS[kind]}: convert it to RGB")
    tag = page.tags.get(_ORIENTATION)
    pixels = _upright(pixels, 1 if tag is None else int(tag.value))
    if kind == _PALETTE:
        colours = np.moveaxis(page.colormap, 0, -1)  # of 16 bits, but some writers put 8 there
        return Raster(colours[pixels], bits=16 if colours.max() > 255 else 8)
    channels, extra = _channels(page, kind, pixels)
    if extra == _PREMULTIPLIED and channels is not None:
        pixels = _unmultiplied(pixels[..., list(channels)])
        channels = None
    bits = int(page.bitspersample)
    return Raster(
        pixels,
        bits=bits if page.dtype.kind == "u" and bits < 16 and bits != 8 else None,
        white_is_zero=kind == _WHITE_IS_ZERO,
        channels=channels,
    )


def _channels(page, kind: int, pixels: np.ndarray) -> tuple[tuple[int, ...] | None, int]:
    """The channels that are seen, and what the first of those beyond the colours is."""
    n = 1 if pixels.ndim == 2 else pixels.shape[2]
    colours = (0, 1, 2) if kind in (_RGB, _YCBCR) else (0, 0, 0)
    extra = int(next(iter(page.extrasamples), 0))
    if n <= len(set(colours)):
        return None, 0
    if extra in (_PREMULTIPLIED, _OPACITY):
        return (*colours, len(set(colours))), extra
    if kind in (_RGB, _YCBCR):
        return colours, 0
    return (None if n == 3 else ()), 0  # three are taken as those of an array are


def _unmultiplied(pixels: np.ndarray) -> np.ndarray:
    """Colours that were multiplied by their opacity, the fourth channel, as they were before."""
    whole = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    opacity = pixels[..., 3:].astype(np.float64)
    colours = pixels[..., :3] * (whole / np.where(opacity > 0, opacity, whole))
    if pixels.dtype.kind != "f":
        colours = np.rint(colours)
    colours = np.minimum(colours, whole).astype(pixels.dtype)
    return np.concatenate([colours, pixels[..., 3:]], axis=2)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
