"""Lazy, indexable sequence over a dataset."""

from __future__ import annotations

import numbers
from collections.abc import Iterator

import numpy as np

from ._rows import as_rows


class ImageSequence:
    """Give a map-style dataset a shape and array indexing, so that sklearn's splitters stay lazy.

    scikit-learn splits an object that has a ``shape`` by indexing it with an array; an object that
    has none is turned into a list, which decodes every picture of a dataset. Wrapped in an
    ``ImageSequence``, a dataset is split without reading a single item.

    Parameters
    ----------
    dataset : object with ``__len__`` and ``__getitem__``
        For instance a torch or torchvision dataset; its items are pictures or (image, label).
    indices : array-like of int, default=None
        The items that this sequence holds, in order. None: all of them.

    Attributes
    ----------
    shape : tuple (n_images,)
        The length, as numpy gives it.

    Raises
    ------
    TypeError
        If ``dataset`` can't be indexed or has no length.
    IndexError
        If an index is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import train_test_split
    >>> from sklift.images import ImageSequence
    >>> class Squares:
    ...     def __len__(self):
    ...         return 8
    ...     def __getitem__(self, i):
    ...         return np.full((4, 4, 3), i, dtype=np.uint8)
    >>> images = ImageSequence(Squares())
    >>> train, test = train_test_split(images, test_size=0.25, random_state=0)
    >>> train
    ImageSequence(Squares, n_images=6)
    >>> test[0].shape
    (4, 4, 3)
    """

    def __init__(self, dataset, indices=None) -> None:
        dataset = as_rows(dataset)
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                f"dataset must have a length and be indexable (a map-style dataset), got "
                f"{type(dataset).__name__}"
            )
        if indices is None:
            indices = np.arange(len(dataset))
        self.dataset = dataset
        self.indices = np.asarray(indices, dtype=np.intp)

    @property
    def shape(self) -> tuple[int]:
        return (len(self.indices),)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, key):
        """Return an item for an int; a sequence for a slice, an integer array or a mask."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # sklearn writes X[indices, ...]
        if isinstance(key, numbers.Integral) and not isinstance(key, bool):
            return self.dataset[int(self.indices[key])]
        if isinstance(key, slice):
            return ImageSequence(self.dataset, self.indices[key])
        key = np.asarray(key)
        if key.size == 0:
            key = key.astype(np.intp)
        if key.ndim != 1 or key.dtype.kind not in "iub":
            raise IndexError("an ImageSequence takes an int, a slice, an integer array or a mask")
        return ImageSequence(self.dataset, self.indices[key])

    def __iter__(self) -> Iterator:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"ImageSequence({type(self.dataset).__name__}, n_images={len(self)})"
