"""Fitted estimators as single files, without pickle."""

from __future__ import annotations

from ._atomic import replace_file
from ._mixin import Persistent

__all__ = ["Persistent", "replace_file"]
