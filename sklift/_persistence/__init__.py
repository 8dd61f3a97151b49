"""Persistence: fitted estimators in single files, without pickle."""

from __future__ import annotations

from ._mixin import Persistent

__all__ = ["Persistent"]
