"""Training: recipes of how it computes, and of what it keeps on the disk."""

from __future__ import annotations

from ._checkpoint import Checkpoint, resolve_checkpoint
from ._compute import Compute, resolve_compute

__all__ = ["Checkpoint", "Compute", "resolve_checkpoint", "resolve_compute"]
