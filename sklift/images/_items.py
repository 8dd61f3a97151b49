"""Kinds of items in X, and the labels that come with them."""

from __future__ import annotations

import numbers
import os

import numpy as np


def is_path(item) -> bool:
    """Tell whether the item is a file path."""
    return isinstance(item, (str, os.PathLike))


def is_encoded(item) -> bool:
    """Whether the item is the content of a file, a file object, or a member of an archive."""
    if isinstance(item, (bytes, bytearray)):
        return True
    if is_path(item):
        return False
    return hasattr(item, "read_bytes") or (hasattr(item, "read") and hasattr(item, "seek"))


def content_of(item) -> bytes:
    """Read what :func:`is_encoded` means; a file object is read from its start, and left there."""
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    if hasattr(item, "read_bytes"):
        return item.read_bytes()
    item.seek(0)
    content = item.read()
    item.seek(0)
    return content


def is_pair(item) -> bool:
    """Tell whether the item is a pair (image, label)."""
    return isinstance(item, (tuple, list)) and len(item) == 2 and not is_row(item)


def is_row(item) -> bool:
    """Tell whether the item is a flattened picture."""
    if isinstance(item, np.ndarray):
        return item.ndim == 1
    return isinstance(item, (tuple, list)) and bool(item) and isinstance(item[0], numbers.Number)


def declared_labels(dataset) -> np.ndarray | None:
    """Labels that a dataset lists in ``targets`` or ``labels``, also through torch's ``Subset``."""
    if hasattr(dataset, "dataset") and hasattr(dataset, "indices"):
        labels = declared_labels(dataset.dataset)
        return None if labels is None else labels[np.asarray(dataset.indices, dtype=np.intp)]
    if getattr(dataset, "target_transform", None) is not None:
        return None  # the list holds what the items' labels were before
    for name in ("targets", "labels"):
        labels = getattr(dataset, name, None)
        if labels is not None and hasattr(labels, "__len__") and len(labels) == len(dataset):
            labels = np.asarray(labels)
            if labels.ndim == 1:
                return labels
    return None


def as_labels(labels) -> np.ndarray:
    """Gather the labels of (image, label) items, which may be 0-d arrays or tensors."""
    labels = [label.item() if getattr(label, "shape", None) == () else label for label in labels]
    if any(np.ndim(label) for label in labels):
        raise ValueError("the labels of the (image, label) items in X must be scalars")
    return np.asarray(labels)
