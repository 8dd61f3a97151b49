"""Lookup tables of DICOM: from a stored number to that of the modality, of a screen, or a colour.

pydicom applies them too, but keeps positions in the type of the table's numbers, so that a table of
8 bits with more than 256 entries is read at a wrong place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

Range = tuple[float, float]


def looked_up(table: np.ndarray, first: int, pixels: np.ndarray) -> np.ndarray:
    """The entries of a table; numbers beyond its ends get the first or the last."""
    places = np.rint(pixels).astype(np.int64) - first
    return table[np.clip(places, 0, len(table) - 1)]


def curve_of(item, header) -> tuple[Callable[[np.ndarray], np.ndarray], Range]:
    """The function of an item of a modality or VOI LUT sequence, and the range of its outcome."""
    n, first, bits = (int(value) for value in item.LUTDescriptor)
    n = n or 1 << 16
    data = item.LUTData
    if isinstance(data, bytes):
        table = np.frombuffer(data, _entry_type(len(data), n, header))[:n]
    else:
        table = np.ravel(np.asarray(data)).astype(np.uint16)[:n]
    if len(table) < n:
        raise ValueError(f"its lookup table has {len(table)} entries of {n}")
    return partial(looked_up, table, first), (0, 2**bits - 1)


def palette_of(header, stored: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Colours (n, 3) of a palette, the number of the first of them, and their bits."""
    n, first, bits = (int(value) for value in header.RedPaletteColorLookupTableDescriptor)
    n = n or 1 << 16
    names = [f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")]
    if all(name in header for name in names):
        tables = [
            np.frombuffer(header[name].value, _entry_type(len(header[name].value), n, header))[:n]
            for name in names
        ]
        colours = np.stack(tables, axis=1)
    else:
        from pydicom.pixels import apply_color_lut  # which expands segments

        colours = apply_color_lut(np.arange(first, first + n), header)[:, :3]
    # tables of 8 bits often lie in entries of 16, and some of 8 call themselves 16
    return colours, first, 8 if colours.dtype.itemsize == 1 else bits


def _entry_type(n_bytes: int, n: int, header) -> np.dtype:
    """The type of a table's numbers: bytes, where there are no more than entries (or one more)."""
    if n_bytes <= n + n % 2:
        return np.dtype(np.uint8)
    _, little = header.original_encoding
    return np.dtype("<u2" if little else ">u2")
