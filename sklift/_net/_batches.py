"""Batches: their views, weights and parts."""

from __future__ import annotations


def split(X):
    """Views and weights of a batch; weights are None if it has none."""
    return X if isinstance(X, (list, tuple)) else (X, None)


def chunks(X, target, n_parts: int) -> list:
    """Parts (X, target) of a batch."""
    views, weight = split(X)
    targets = target.chunk(n_parts)
    sizes = [len(t) for t in targets]
    parts = views.split(sizes)
    if weight is not None:
        parts = list(zip(parts, weight.split(sizes), strict=True))
    return list(zip(parts, targets, strict=True))
