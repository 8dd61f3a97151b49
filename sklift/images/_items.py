"""Kinds of items in X, and the labels that come with them."""

from __future__ import annotations

import numbers
import os

import numpy as np

from .._classes._labels import gather_labels, is_missing
from .._core._text import visible
from .._core._warn import warn

_COMPARED = 32  # items of a data set that are looked at before its list of labels is believed


def is_path(item) -> bool:
    """Tell whether the item is a file path."""
    return isinstance(item, (str, os.PathLike))


def is_address(item) -> bool:
    """Tell whether the item is an address, such as "s3://bucket/cat.jpg"."""
    return isinstance(item, str) and "://" in item


def is_content(item) -> bool:
    """Whether the item is the content of a file: bytes, or an opaque row of HDF5."""
    if isinstance(item, np.void):
        return item.dtype.names is None
    return isinstance(item, (bytes, bytearray, memoryview))


def is_encoded(item) -> bool:
    """Whether the item is the content of a file, a file object, or a member of an archive."""
    if is_content(item):
        return True
    if is_path(item):
        return False
    readable = hasattr(item, "read") and hasattr(item, "seek")
    return readable or hasattr(item, "read_bytes") or _is_open_file(item)


def content_of(item, name: str) -> bytes:
    """Read what :func:`is_encoded` means; a file object is read from its start, and left there.

    Raises
    ------
    OSError, ValueError
        If it can't be read; `name` is what the message calls it.
    """
    if is_content(item):
        return bytes(item)
    try:
        content = _read(item)
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # archives and users' classes raise nearly anything
        if isinstance(error, OSError) and (error.filename or visible(name) in str(error)):
            raise  # it names the file
        raise ValueError(f"{name} can't be read ({visible(error)})") from error
    if not isinstance(content, bytes):
        raise ValueError(
            f"{name} gives {type(content).__name__} instead of bytes: open it in binary mode, "
            f"open(path, 'rb')"
        )
    return content


def _read(item):
    if hasattr(item, "read_bytes"):
        return item.read_bytes()
    if _is_open_file(item):
        with item as file:
            return file.read()
    item.seek(0)
    content = item.read()
    item.seek(0)
    return content


def _is_open_file(item) -> bool:
    """Whether it is what `fsspec.open` gives, which reads when it is entered."""
    return all(hasattr(item, name) for name in ("fs", "path", "mode", "__enter__"))


def is_pair(item) -> bool:
    """Tell whether the item is (image, label), or (image, label, metadata)."""
    if not isinstance(item, (tuple, list)) or is_row(item):
        return False
    if len(item) == 2:
        return True
    return len(item) == 3 and (is_path(item[0]) or _is_pil(item[0]) or np.ndim(item[0]) >= 2)


def is_row(item) -> bool:
    """Tell whether the item is a flattened picture."""
    if isinstance(item, np.ndarray):
        return item.ndim == 1
    return isinstance(item, (tuple, list)) and bool(item) and isinstance(item[0], numbers.Number)


class OtherLabelError(ValueError):
    """An item of a data set has another label than the list that was believed."""


def labels_of(dataset) -> tuple[np.ndarray | None, bool]:
    """Labels of a data set, and whether they are those of its own list.

    The list is quicker, but wrappers and subclasses that merge or renumber classes often leave it
    as it was. So it is compared with some of the items, one of each class of at most
    `_COMPARED` at first; with the others by `check_label`, as they are read. Where the first
    ones differ, the items are followed.
    """
    listed = declared_labels(dataset)
    if listed is None:
        if not is_pair(dataset[0]):
            return None, False
    else:
        values = listed.tolist()
        for i in _some_of_each(values):
            try:
                item = dataset[i]
            except (OSError, ValueError, TypeError):
                continue  # a damaged picture: an error, or left out, where it is decoded
            if not is_pair(item):
                return listed, False
            (own,) = as_labels([item[1]]).tolist()
            if not _same(own, values[i]):
                warn(
                    f"the list of labels of the data set has {values[i]!r} for item {i}, "
                    f"whose own label is {own!r}: the labels of the items are taken, which all "
                    "have to be read for it; give y to be quicker"
                )
                break
        else:
            return listed, True
    return as_labels(dataset[i][1] for i in range(len(dataset))), False


def check_label(own, listed, i: int) -> None:
    """Refuse an item whose own label is not the listed one."""
    (own,) = as_labels([own]).tolist()
    if not _same(own, listed):
        raise OtherLabelError(
            f"item {i} of the data set has the label {own!r}, and {listed!r} in the list of labels "
            "of the data set, which was right for others: give the labels as y, such as "
            "[label for _, label in dataset]"
        )


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
            try:
                return as_labels(
                    labels if isinstance(labels, (list, tuple)) else np.asarray(labels)
                )
            except ValueError:  # boxes, captions, several labels an item
                continue
    return None


def as_labels(labels) -> np.ndarray:
    """Gather the labels of (image, label) items, which may be arrays or tensors of one value.

    Missing values and mixed kinds stay what they are: `check_labels` refuses them.
    """
    labels = [_single(label) for label in labels]
    if any(np.ndim(label) for label in labels):
        raise ValueError("the labels of the (picture, label) items in X must be scalars")
    return gather_labels(labels)


def _some_of_each(labels: list) -> list[int]:
    """Indices of one item of each class, of at most `_COMPARED`, and of items far apart."""
    first: dict = {}
    for i, label in enumerate(labels):
        first.setdefault(label, i)
    of_each = list(first.values())
    chosen = {of_each[k] for k in np.linspace(0, len(of_each) - 1, _COMPARED).astype(int)}
    n_more = min(_COMPARED - len(chosen), len(labels))
    return sorted(
        chosen | set(np.linspace(0, len(labels) - 1, max(n_more, 1)).astype(int).tolist())
    )


def _single(label):
    if getattr(label, "shape", None) in ((), (1,)):
        return label.item()
    return label[0] if isinstance(label, (list, tuple)) and len(label) == 1 else label


def _same(own, listed) -> bool:
    if is_missing(own) or is_missing(listed):
        return is_missing(own) and is_missing(listed)
    return bool(own == listed)


def _is_pil(item) -> bool:
    return hasattr(item, "getbands")
