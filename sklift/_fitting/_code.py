"""Inspection of code: the globals that it reads, and the library that it belongs to."""

from __future__ import annotations

import builtins
import dis
import importlib.util
import sys
import sysconfig
from functools import lru_cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

# Libraries that an outcome depends on. Their version stands for their code.
_OURS = {
    "PIL": "pillow",
    "numpy": "numpy",
    "open_clip": "open_clip_torch",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "sklift": "scikit-lift",
    "skorch": "skorch",
    "timm": "timm",
    "torch": "torch",
    "torchvision": "torchvision",
}
# Functions and attributes with which code can read anything, unseen by an inspection.
_BLIND = {"eval", "exec", "globals", "__import__"}
_BLIND_FUNCTIONS = (eval, exec, globals, __import__, importlib.import_module, sys._getframe)
_BLIND_ATTRIBUTES = {"__globals__", "f_globals", "import_module"}
_BY_NAME = {"getattr", "vars", "hasattr"}


def versions() -> str:
    """Names and versions of the libraries that an outcome depends on."""
    return ", ".join(f"{name} {_version(name)}" for name in _OURS)


def names_of(module: ModuleType) -> frozenset[str]:
    """Names that a module defines, without Python's own (``__...``)."""
    return frozenset(name for name in vars(module) if not name.startswith("__"))


def globals_read(function: FunctionType) -> tuple[dict, frozenset[str]]:
    """Globals that a function reads, by name, and the names of all attributes that it reads.

    Modules that the function imports count as globals.

    Raises
    ------
    ValueError
        If it may read others, for instance through ``eval``.
    """
    names: set[str] = set()
    attributes: set[str] = set()
    imports: set[str] = set()
    passed: set[str] = set()  # names whose values go elsewhere, for instance to another function
    package = function.__globals__.get("__package__")
    for code in _nested(function.__code__):
        instructions = [s for s in dis.get_instructions(code) if s.opname != "EXTENDED_ARG"]
        attributes |= {c for c in code.co_consts if isinstance(c, str) and c.isidentifier()}
        for i, step in enumerate(instructions):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                names.add(step.argval)
                if instructions[i + 1].opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                    passed.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                level = instructions[i - 2].argval
                imports.add(importlib.util.resolve_name("." * level + step.argval, package))
        attributes |= set(code.co_names) - names
    read = {name: function.__globals__[name] for name in names if name in function.__globals__}
    for name in imports:
        read[f"import {name}"] = importlib.import_module(name)
        top = name.partition(".")[0]
        read[f"import {top}"] = sys.modules[top]
    if blind := _blind(names, attributes, read):
        raise ValueError(f"it reads by {sorted(blind)}")
    # Attribute names may be computed, or stand in the code of another function: all of them count.
    by_name = read.keys() if names & _BY_NAME else read.keys() & passed
    if by_name:
        modules = [read[name] for name in by_name if isinstance(read[name], ModuleType)]
        user_modules = [module for module in modules if library_of(module.__name__) is None]
        attributes = attributes.union(*map(names_of, user_modules))
    return dict(sorted(read.items())), frozenset(attributes)


def _blind(names: set[str], attributes: set[str], read: dict) -> set[str]:
    """Names in code through which it may read what these names don't tell."""
    held = list(read.values())
    blind = names & _BLIND | attributes & _BLIND_ATTRIBUTES
    blind |= {n for n, value in read.items() if any(value is f for f in _BLIND_FUNCTIONS)}
    if any(value is builtins for value in held):
        blind |= attributes & _BLIND
    if any(value is sys for value in held):
        blind |= attributes & {"modules", "_getframe"}
    return blind


@lru_cache(maxsize=4096)
def library_of(module: str | None) -> str | None:
    """The library that a module belongs to, with its version; None for user code.

    Examples
    --------
    >>> from sklift._fitting._code import library_of
    >>> library_of("numpy.linalg").startswith("numpy "), library_of("__main__")
    (True, None)
    """
    if module is None or module == "__main__":  # the user's script
        return None
    top = module.partition(".")[0]
    if top in _OURS:
        return f"{top} {_version(top)}"
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:  # a built-in module, or one from an interactive session
        return f"python {sys.version}" if top in sys.stdlib_module_names else None
    paths = sysconfig.get_paths()
    if not any(Path(file).is_relative_to(paths[name]) for name in ("purelib", "platlib")):
        standard = top in sys.stdlib_module_names and any(
            Path(file).is_relative_to(paths[name]) for name in ("stdlib", "platstdlib")
        )
        return f"python {sys.version}" if standard else None
    # The user may have edited this installed package without a change of its version.
    digest = blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
    return f"{top} {_version(top)} {digest}"


@lru_cache(maxsize=256)
def _version(top: str) -> str:
    try:
        return metadata.version(_OURS.get(top, top))
    except metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(top), "__version__", "unknown"))


def _nested(code: CodeType) -> list[CodeType]:
    inner = [_nested(const) for const in code.co_consts if isinstance(const, CodeType)]
    return [code, *(code for codes in inner for code in codes)]
