"""Reader of plain values and integer arrays in pickles that may come from anywhere."""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, Literal

import numpy as np

_MOST = 1 << 29  # bytes; the largest file of CIFAR has 186 MB


class _Record:
    """The arguments and the state of an object that a pickle asks for; the object is not made."""

    def __init__(self, *args):
        self.args = args
        self.state: Any = None

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
            raise UnpicklingError(f"arrays of integers are expected, not of {dtype}")
        if isinstance(values, str):  # bytes of Python 2
            values = values.encode("latin1")
        return np.frombuffer(values, dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str) -> bytes:
    """Bytes, as Python 3 writes them for Python 2."""
    if encoding != "latin1":
        raise UnpicklingError(f"bytes are expected in latin1, not in {encoding!r}")
    return text.encode(encoding)


_ALLOWED: dict[str, Callable] = {
    "numpy ndarray": _Record,
    "numpy dtype": _Record,
    "_codecs encode": _encode,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray _reconstruct"] = _Record
    _ALLOWED[f"{_core}.numeric _frombuffer"] = _Record


class _Machine:
    """The machine that a pickle is a program of, with the few instructions that data need.

    Python's own takes any number from the file as a size, or as a place in its memory.
    """

    def __init__(self):
        self.stack: list[Any] = []
        self.outer: list[list] = []  # stacks below a mark
        self.memo: dict[Any, Any] = {}

    def run(self, data: bytes) -> Any:
        """Return the value that is left in the end."""
        for opcode, arg, _ in pickletools.genops(data):
            name = opcode.name
            if name in _VALUES:
                self.push(arg)
            elif name in _NEW:
                self.push(_NEW[name]())
            elif name in _STORE:
                place = len(self.memo) if arg is None else arg
                self.memo[place] = self.stack[-1]
            elif name in _FETCH:
                self.push(self.memo[arg])
            elif name in _INSTRUCTIONS:
                _INSTRUCTIONS[name](self, arg)
            elif name == "STOP":
                return self.stack.pop()
            elif name not in ("PROTO", "FRAME"):
                raise UnpicklingError(f"the instruction {name} has no place in a file of data")
        raise UnpicklingError("it has no end")

    def push(self, value) -> None:
        self.stack.append(value)  # looked up here, since a mark changes which stack it is

    def mark(self, _):
        self.outer.append(self.stack)
        self.stack = []

    def since_mark(self) -> list:
        values, self.stack = self.stack, self.outer.pop()
        return values

    def pop(self, n: int) -> list:
        if n > len(self.stack):
            raise UnpicklingError("values are missing")
        values = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        return values

    def extend(self, values: list) -> None:
        _require(self.stack[-1], list).extend(values)

    def set_items(self, values: list) -> None:
        target = _require(self.stack[-1], dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            # of these alone the hash takes no longer than they do
            target[_require(key, (str, bytes))] = value

    def new_dict(self, _):
        values = self.since_mark()
        self.push({})
        self.set_items(values)

    def find(self, name: str) -> None:
        if name not in _ALLOWED:
            asked = name.replace(" ", ".")
            raise UnpicklingError(f"it asks for {asked}, which has no place in a file of data")
        self.push(_ALLOWED[name])

    def find_by_names(self, _):
        names = self.pop(2)
        self.find(" ".join(_require(name, str) for name in names))

    def call(self, _):
        function, args = self.pop(2)
        if function not in (_Record, _encode):
            raise UnpicklingError("it calls a value")
        self.push(function(*_require(args, tuple)))

    def set_state(self, _):
        (state,) = self.pop(1)
        _require(self.stack[-1], _Record).state = state


def _require(value, types):
    if not isinstance(value, types):
        raise UnpicklingError(f"a {type(value).__name__} has no place there")
    return value


_VALUES = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"}
_VALUES |= {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE"}
_VALUES |= {"BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_NEW: dict[str, Callable] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_NEW |= {"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False}
_STORE, _FETCH = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}, {"GET", "BINGET", "LONG_BINGET"}
_INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "LIST": lambda m, _: m.push(m.since_mark()),
    "TUPLE": lambda m, _: m.push(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.push(tuple(m.pop(1))),
    "TUPLE2": lambda m, _: m.push(tuple(m.pop(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.pop(3))),
    "DICT": _Machine.new_dict,
    "APPEND": lambda m, _: m.extend(m.pop(1)),
    "APPENDS": lambda m, _: m.extend(m.since_mark()),
    "SETITEM": lambda m, _: m.set_items(m.pop(2)),
    "SETITEMS": lambda m, _: m.set_items(m.since_mark()),
    "GLOBAL": _Machine.find,
    "STACK_GLOBAL": _Machine.find_by_names,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.set_state,
}


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
        If the pickle asks for anything but arrays of integers, or holds no dictionary. A damaged
        pickle may raise other errors as well.
    """
    data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise UnpicklingError(f"it has more than {_MOST} bytes")
    content = _Machine().run(data)
    if not isinstance(content, dict):
        raise UnpicklingError(f"a dictionary is expected, not {type(content).__name__}")
    return {
        key.decode() if isinstance(key, bytes) else key: (
            value.to_array() if isinstance(value, _Record) else value
        )
        for key, value in content.items()
    }
