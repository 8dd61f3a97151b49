"""Persistence: fitted estimators in single files, without pickle."""

from __future__ import annotations

from ._on_hub import Persistent

__all__ = ["Persistent"]
