"""Modules of libraries that have made a tower; nothing is imported for the others."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


def loaded(module: str) -> ModuleType | None:
    """Return a module of a library, or None where the library was never imported.

    Without the library no tower can be one of its, and to import it takes a second or more.

    Examples
    --------
    >>> import torch
    >>> from sklift.backbones._towers._loaded import loaded
    >>> loaded("torch.nn").Linear is torch.nn.Linear
    True
    >>> loaded("no_such_library.layers") is None
    True
    """
    return import_module(module) if module.partition(".")[0] in sys.modules else None
