"""Real, naturally long-tailed data that needs no download."""

from __future__ import annotations

from ._emoji import load_emoji
from ._home import get_data_home

__all__ = ["get_data_home", "load_emoji"]
