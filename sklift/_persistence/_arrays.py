"""Conversion of vectors (labels, numbers) to lists with a type, and back."""

from __future__ import annotations

import re

import numpy as np

_NUMBERS = re.compile(r"[<>|](b1|[iu][1248]|f[248])")
TEXT = re.compile(r"[<>]U(\d{1,7})")
_OF_KIND = {"b": (bool,), "i": (int,), "u": (int,), "f": (int, float)}


def values_of(array: np.ndarray) -> tuple[str, list]:
    """The type of a vector (as text) and its values.

    Raises
    ------
    TypeError
        If the type is not one of bool, int, float (up to 64 bits), str or object, of plain values.
    """
    dtype = array.dtype.str if array.dtype.kind != "T" else "T"
    if array.dtype.kind == "O" and not all(map(_is_plain, array)):
        raise TypeError("arrays of objects that are neither numbers nor text can't be saved")
    if array.dtype.kind in "OT" or TEXT.fullmatch(dtype) or _NUMBERS.fullmatch(dtype):
        return dtype, array.tolist()
    raise TypeError(f"arrays of type {array.dtype} can't be saved")


def _is_plain(value) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, np.generic))


def array_of(values: list, dtype: str) -> np.ndarray:
    """The vector with these values and a type given as text.

    Raises
    ------
    ValueError
        If values do not have the type.
    """
    if dtype == "|O":
        if not all(map(_is_plain, values)):
            raise ValueError("an array of objects may hold numbers and text only")
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    if dtype == "T" or TEXT.fullmatch(dtype):
        if not all(isinstance(v, str) for v in values):
            raise ValueError("an array of text may hold text only")
        if dtype == "T":
            return np.array(values, dtype=np.dtypes.StringDType())
        width = np.dtype(dtype).itemsize // 4
        if any(len(v) > width for v in values):
            raise ValueError(f"an array of {len(values)} texts can't have the type {dtype}")
        return np.array(values, dtype=dtype)
    if not _NUMBERS.fullmatch(dtype):
        raise ValueError(f"{dtype!r} is no type of an array")
    kinds = _OF_KIND[dtype[1]]
    if any(type(v) not in kinds for v in values):
        raise ValueError(f"an array of type {dtype} holds something else")
    return np.array(values, dtype=dtype)
