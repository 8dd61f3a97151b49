"""Numbers of any type -> 256 levels, by one rule for files, PIL images, arrays and tensors."""

from __future__ import annotations

import numpy as np

from ._reading import PERCENTILES, PLAIN, Reading

_CHUNK = 1 << 22  # values looked at together when the range of a large array is checked


def is_sixteen_bits(array: np.ndarray) -> bool:
    """Whether the numbers are uint16, in any byte order."""
    return array.dtype.kind == "u" and array.dtype.itemsize == 2


def to_levels(
    values: np.ndarray, name: str, reading: Reading = PLAIN, bits: int | None = None
) -> np.ndarray:
    """Map numbers to levels: an array of the same shape, uint8.

    Parameters
    ----------
    values : ndarray
        Of the types that :func:`check_type` lets pass.
    name : str
        What error messages call the image.
    reading : Reading
        Its range counts where `bits` is None; percentiles always do.
    bits : int, default=None
        The depth that the file declares.

    Raises
    ------
    ValueError
        If numbers are outside of the range, or not finite.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    asked = reading.value_range
    if bits is not None and asked != "percentiles":
        asked = bits
    if values.dtype == np.uint8 and not concerns_bytes(asked):
        return values
    if asked is None:
        check_range(values, name)
        if values.dtype.kind == "f":
            # Half floats can't hold 255 x exactly.
            return np.clip(np.rint(values.astype(np.float32) * 255), 0, 255).astype(np.uint8)
        return np.rint(values / 257).astype(np.uint8)
    _check_finite(values, name)
    if asked == "percentiles":
        low, high = (float(v) for v in np.percentile(values, PERCENTILES))
        if low == high:
            high = low + 1
    elif isinstance(asked, tuple):
        low, high = asked
    else:
        depth = int(asked)
        low, high = 0, 2**depth - 1
        _check_within(values, name, depth, declared=bits is not None)
    scaled = (values.astype(np.float64) - low) / ((high - low) / 255)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def opacity_levels(values: np.ndarray, name: str, reading: Reading) -> np.ndarray:
    """Map a channel of opacity to levels: 0 is clear in any range."""
    asked = reading.value_range
    if asked == "percentiles":
        asked = None if values.dtype.kind == "f" or is_sixteen_bits(values) else 8
    elif isinstance(asked, tuple):
        asked = (0, asked[1])
    return to_levels(values, name, Reading(asked))


def check_type(array: np.ndarray, name: str, reading: Reading = PLAIN) -> None:
    """Refuse types whose range nobody has told."""
    kind = array.dtype.kind
    if kind == "b" or kind == "f" or array.dtype == np.uint8 or is_sixteen_bits(array):
        return
    if kind in "iu" and reading.value_range is not None:
        return
    raise ValueError(
        f"{name} has dtype {array.dtype}; pictures are uint8, uint16, bool or floats in [0, 1]: "
        f"use uint8 (.astype('uint8') if the values are between 0 and 255), or say which values "
        f"are black and white: reader__value_range=(low, high)"
    )


def check_range(array: np.ndarray, name: str, many: bool = False, reading: Reading = PLAIN) -> None:
    """Check that floats are finite and in [0, 1], a slab of the first axis at a time.

    `many`: the first axis counts images. Where `reading` has a range of its own, floats are only to
    be finite.
    """
    if array.dtype.kind != "f":
        return
    step = max(1, _CHUNK // array[0].size)
    for start in range(0, len(array), step):
        part = array[start : start + step]
        low, high = float(part.min()), float(part.max())
        if not np.isfinite(low + high):
            bad = start + int((~np.isfinite(part)).any(axis=tuple(range(1, part.ndim))).argmax())
            where = f", the first in {name}[{bad}]" if many else ""
            raise ValueError(f"{name} holds NaN or infinite values{where}")
        if reading.value_range is not None:
            continue
        if low < -1e-6:
            raise ValueError(
                f"{name}: float pictures are in [0, 1], found {low:.4g}; undo any normalisation "
                f"(x * std + mean): the model applies its own; or say which values are black and "
                f"white: reader__value_range=(low, high)"
            )
        if high > 1 + 1e-6:
            top = 255 if high <= 255 else 65535
            raise ValueError(
                f"{name}: float pictures are in [0, 1], found {high:.4g}; divide by {top} (or by "
                f"the largest value that a pixel can take, if that isn't {top}), or give "
                f"reader__value_range=(0, {top})"
            )


def concerns_bytes(asked) -> bool:
    """Whether a range is one of bytes: others leave pictures of 8 bits, which may be among X."""
    if isinstance(asked, tuple):
        return bool(asked[0] >= 0 and asked[1] <= 255)
    return asked == "percentiles" or (asked is not None and asked < 8)


def _check_finite(values: np.ndarray, name: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinite values")


def _check_within(values: np.ndarray, name: str, bits: int, declared: bool) -> None:
    low, high = values.min(), values.max()
    if low < 0 or high > 2**bits - 1:
        who = "the file declares" if declared else "reader__value_range says"
        raise ValueError(
            f"{name}: {who} {bits} bits, which are 0 to {2**bits - 1}, found {low:.6g} to "
            f"{high:.6g}; reader__value_range=(low, high) cuts off what is beyond"
        )
