"""Precision and floors that keep losses and their gradients finite."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["cross_entropy", "normalised", "positive", "precision"]


def precision(logits: Tensor) -> torch.dtype:
    """Return the dtype a loss is computed in: that of the logits, but at least float32."""
    return torch.promote_types(logits.dtype, torch.float32)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy of each sample, ``(B, K), (B,) -> (B,)``, in at least float32."""
    return F.cross_entropy(logits.to(precision(logits)), target, reduction="none")


def positive(values: Tensor) -> Tensor:
    """Return ``values`` floored at the smallest normal float32, whatever their precision."""
    return values.clamp_min(torch.finfo(torch.float32).tiny)


def normalised(shares: Tensor) -> Tensor:
    """Return ``shares`` divided by their sum, floored so that their logs stay finite."""
    return (shares / shares.sum()).clamp_min(torch.finfo(shares.dtype).tiny)
