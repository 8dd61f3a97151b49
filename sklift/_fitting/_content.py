"""Stable texts of values: equal for equal contents, including the code of functions."""

from __future__ import annotations

import copyreg
import secrets
import sys
import types
from collections.abc import Collection
from functools import cached_property
from hashlib import blake2b
from logging import Logger

import numpy as np

from ._code import globals_read, library_of, names_of

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(...), range)
_MOST = 100_000  # objects; a setting has fewer
_BUILTIN = (types.BuiltinFunctionType, types.MethodWrapperType)
_DESCRIPTOR = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_LAYOUT = (types.MemberDescriptorType, types.GetSetDescriptorType)
# Class attributes that Python sets itself, or that are documentation.
_UNREAD = {
    "_abc_impl",
    "__abstractmethods__",
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dataclass_fields__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__orig_bases__",
    "__parameters__",
    "__static_attributes__",
}


class Description:
    """Describes values: a call gives a text that is equal for equal values, in every process.

    The text of a function or class consists of its code and of the globals, defaults and variables
    of outer functions that the code reads; for libraries, of name and version. The text of an
    object consists of its class and all its attributes. A value that can't be inspected gets a
    random text, which is different each time.

    Parameters
    ----------
    watching : collection of class
        Classes of objects that change while they are used (callbacks). Only their code and their
        parameters count, not their other attributes.

    Attributes
    ----------
    unseen : list of str
        Type names of the values that could not be inspected.
    """

    def __init__(self, watching: Collection[type] = ()):
        self.watching = watching
        self.unseen: list[str] = []
        self._known: dict = {}  # id -> (value, text); the value is kept so that its id stays unique
        self._inside: dict = {}
        self._n_seen = 0

    def __call__(self, value) -> str:
        if type(value) in _PLAIN:
            return _short("", repr(value))
        return self._once(id(value), value, self._text)

    def _once(self, key, value, text_of) -> str:
        if key in self._inside:  # the value contains itself
            return f"<{self._inside[key]}>"
        if key not in self._known:
            self._n_seen += 1
            self._inside[key] = len(self._inside)
            try:
                text = text_of(value) if self._n_seen <= _MOST else self._cannot_see(value)
            except Exception:  # attributes and copying of user objects may raise anything
                text = self._cannot_see(value)
            finally:
                del self._inside[key]
            self._known[key] = (value, text)
        return self._known[key][1]

    def _cannot_see(self, value) -> str:
        self.unseen.append(type(value).__qualname__)
        return f"unseen {secrets.token_hex(16)}"

    def _text(self, value) -> str:
        if isinstance(value, type):  # first, since a class has the methods of its objects
            return self._class(value)
        if isinstance(value, np.generic) and type(value.item()) in _PLAIN:
            return _short("", repr(value.item()))
        if hasattr(value, "numpy") and hasattr(value, "detach"):  # a tensor
            return self._tensor(value)
        if isinstance(value, np.random.RandomState):  # its copy would also depend on its first seed
            return self._parts("RandomState", [self(value.get_state(legacy=False))])
        if isinstance(value, np.random.Generator):
            return self._parts("Generator", [self(value.bit_generator.state)])
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            content = np.ascontiguousarray(value)
            digest = blake2b(content.view(np.uint8) if content.size else b"", digest_size=16)
            subclass = "" if type(value) in (np.ndarray, np.memmap) else self._object(value)
            return f"{value.dtype}{value.shape}{digest.hexdigest()}{subclass}"
        if isinstance(value, np.ndarray) or hasattr(value, "to_numpy"):
            return self._table(value)
        if type(value) in (list, tuple):
            return self._parts("", map(self, value))
        if type(value) in (dict, types.MappingProxyType):
            return self._parts("dict", sorted(f"{self(k)}: {self(v)}" for k, v in value.items()))
        if type(value) in (set, frozenset):
            return self._parts("set", sorted(map(self, value)))
        return self._code_or_object(value)

    def _tensor(self, value) -> str:
        import torch

        bits = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        return f"{value.dtype}{tuple(value.shape)}{self(bits.numpy())}"

    def _table(self, value) -> str:
        labels = [getattr(value, name, None) for name in ("columns", "index")]
        labels = [list(names) for names in labels if names is not None and not callable(names)]
        array = value if isinstance(value, np.ndarray) else value.to_numpy()
        return self._parts("", [*map(self, array.ravel().tolist()), *map(self, labels)])

    def _code_or_object(self, value) -> str:
        if isinstance(value, types.CodeType):
            return self._code(value)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return self._parts("method", [self(value.__func__), self(value.__self__)])
        if isinstance(value, types.ModuleType):
            return self._module(value, names_of(value))
        if isinstance(value, (staticmethod, classmethod)):
            return self._parts(type(value).__name__, [self(value.__func__)])
        if isinstance(value, property):
            return self._parts("property", map(self, (value.fget, value.fset, value.fdel)))
        if isinstance(value, cached_property):  # some versions of Python keep a lock in it
            return self._parts("property", [self(value.func)])
        if isinstance(value, Logger):  # it holds locks, and changes no outcome
            return f"logger {value.name}"
        if isinstance(value, _DESCRIPTOR):
            return self._parts("method", [self(value.__objclass__), value.__name__])
        if isinstance(value, _BUILTIN):
            return self._builtin(value)
        return self._object(value)

    def _code(self, code: types.CodeType) -> str:
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        parts = (code.co_code, code.co_exceptiontable, code.co_names, code.co_consts, counts)
        return self._parts("code", map(self, parts))

    def _function(self, function: types.FunctionType) -> str:
        code, module = function.__code__, function.__globals__.get("__name__")
        if vars(function).get("hooked") and module == "torch.optim.optimizer":
            return self(vars(function)["__wrapped__"])  # torch wraps a step at its first use
        # A function that a library's function returns may hold user values.
        cells = [_content(cell) for cell in function.__closure__ or ()]
        held = (function.__defaults__, function.__kwdefaults__, cells, vars(function))
        parts = [self(part) for part in held if part]
        is_typed = code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen")
        if (library := library_of(module)) is not None and not is_typed:
            place = (library, module, code.co_qualname, code.co_firstlineno)
            return self._parts("function", [*map(self, place), *parts])
        read, attributes = globals_read(function)
        for name, value in read.items():
            is_module = isinstance(value, types.ModuleType)
            text = self._module(value, attributes) if is_module else self(value)
            parts.append(f"{name}={text}")
        return self._parts("function", [self(code), *parts])

    def _module(self, module: types.ModuleType, names: frozenset[str]) -> str:
        """Text of a module, made from its attributes in ``names``."""
        library = library_of(module.__name__)

        def text_of(module):
            parts = [module.__name__, library or ""]
            for name in sorted(names & vars(module).keys()):
                value = vars(module)[name]
                if isinstance(value, types.ModuleType):
                    parts.append(f"{name}={self._module(value, names)}")
                # The state of a library does not count, but user values in it do.
                elif (
                    library is None or _is_code(value) or library_of(type(value).__module__) is None
                ):
                    parts.append(f"{name}={self(value)}")
            return self._parts("module", parts)

        return self._once((id(module), names), module, text_of)

    def _class(self, cls: type) -> str:
        library = library_of(cls.__module__)
        if library is not None and _is_importable(cls):
            return f"{library}:{cls.__module__}.{cls.__qualname__}"
        if not cls.__flags__ & 1 << 9:  # a class written in C
            return self._cannot_see(cls)
        parts = [cls.__qualname__, *map(self, cls.__bases__)]
        if type(cls) is not type:
            parts.append(self(type(cls)))
        for name, value in sorted(vars(cls).items()):
            is_read = name not in _UNREAD and not isinstance(value, _LAYOUT)
            if is_read and (cls not in self.watching or _is_class_code(cls, name, value)):
                parts.append(f"{name}={self(value)}")
        return self._parts("class", parts)

    def _builtin(self, function) -> str:
        owner = function.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return self._parts("method", [self(owner), function.__name__])
        library = library_of(function.__module__)
        if library is None:
            return self._cannot_see(function)
        return f"{library}:{function.__module__}.{function.__qualname__}"

    def _object(self, value) -> str:
        """Text of an object: of its class, its attributes, and its state for copies."""
        cls, attributes = type(value), getattr(value, "__dict__", {})
        if hasattr(value, "set_params") and hasattr(value, "get_params"):
            content = dict(value.get_params(deep=False))
            if cls not in self.watching:  # fitted attributes end in an underscore: not part of it
                content |= {k: v for k, v in attributes.items() if not k.endswith("_")}
            return self._parts("", [self(cls), self(content)])
        if cls in self.watching:
            return self._parts("", [self(cls)])
        reduce = copyreg.dispatch_table.get(cls)
        copied = reduce(value) if reduce else value.__reduce_ex__(4)
        if isinstance(copied, str):  # the name of a global of a module
            if library_of(cls.__module__) is None:
                return self._cannot_see(value)
            return self._parts("", [self(cls), copied, self(attributes)])
        make, arguments, state, items, pairs = (*copied, None, None, None)[:5]
        parts = [cls, make, arguments, state, list(items or ()), dict(pairs or ()), attributes]
        return self._parts("", map(self, parts))

    def _parts(self, label: str, parts) -> str:
        return _short(label, f"({', '.join(parts)})")


def describe(value) -> str:
    """A text that is equal for equal values, in every process, and different for others.

    Examples
    --------
    >>> from sklift._fitting._content import describe
    >>> describe([1, "a"]), describe((1, "a"))
    ("(1, 'a')", "(1, 'a')")
    >>> half, third = (lambda x: x / 2), (lambda x: x / 3)
    >>> describe(half) == describe(third)
    False
    """
    return Description()(value)


def _short(label: str, text: str) -> str:
    if len(text) > 100:
        text = blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{label}{text}"


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return None


def _is_class_code(cls: type, name: str, value) -> bool:
    """Return whether a class attribute is code of the class, not a function set later."""
    is_own_function = getattr(value, "__qualname__", "").startswith(f"{cls.__qualname__}.")
    return (
        isinstance(value, property)
        or is_own_function
        or (name.startswith("on_") and callable(value))
    )


def _is_code(value) -> bool:
    return isinstance(value, (types.FunctionType, type))


def _is_importable(cls: type) -> bool:
    """Return whether the name of a class leads to it, not to another one or to nothing."""
    found = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls or "<locals>" not in cls.__qualname__
