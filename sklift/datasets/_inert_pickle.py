"""Reader of plain values and integer arrays in pickles that may come from anywhere."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, Literal

import numpy as np


class _Record:
    """The arguments and the state of an object that a pickle asks for; the object is not made."""

    def __init__(self, *args):
        self.args = args
        self.state: Any = None

    def __setstate__(self, state):
        self.state = state

    def to_array(self) -> np.ndarray:
        """Return the array that numpy would have made."""
        order: Literal["C", "F"]
        if self.state is None:  # pickle protocol 5
            values, dtype, shape, order = self.args
        else:
            _, shape, dtype, fortran, values = self.state
            order = "F" if fortran else "C"
        dtype = np.dtype(dtype.args[0]).newbyteorder(dtype.state[1])
        if dtype.kind not in "iu":
            raise pickle.UnpicklingError(f"arrays of integers are expected, not of {dtype}")
        if isinstance(values, str):  # bytes of Python 2
            values = values.encode("latin1")
        return np.frombuffer(values, dtype).reshape(shape, order=order)


_ALLOWED: dict[tuple[str, str], Callable] = {
    ("numpy", "ndarray"): _Record,
    ("numpy", "dtype"): _Record,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _Record
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _Record
_ALLOWED["_codecs", "encode"] = str.encode  # how Python 3 writes bytes for Python 2


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which has no place in a file of data"
            ) from None


def load_inert(file) -> dict:
    """Load a dictionary of plain values and arrays; nothing that the pickle names is called.

    Parameters
    ----------
    file : binary file
        A pickle of Python 2 or 3.

    Returns
    -------
    dict
        With keys of type str, and the arrays among its values as ndarray.

    Raises
    ------
    pickle.UnpicklingError
        If the pickle asks for anything but arrays of integers, or holds no dictionary.
    """
    content = _Unpickler(file, encoding="latin1").load()
    if not isinstance(content, dict):
        raise pickle.UnpicklingError(f"a dictionary is expected, not {type(content).__name__}")
    return {
        key.decode() if isinstance(key, bytes) else key: (
            value.to_array() if isinstance(value, _Record) else value
        )
        for key, value in content.items()
    }
