"""The command line, ``sklift``: one file a command."""

from __future__ import annotations

from ._main import main

__all__ = ["main"]
