"""The columns of a Hugging Face data set as X and y."""

from __future__ import annotations

import numbers
from collections.abc import Mapping

import numpy as np

from .._classes._labels import gather_labels


def from_huggingface(dataset, image: str = "image", label: str = "label"):
    """Take X and y from the columns of a data set of the library Hugging Face datasets.

    Pictures stay in the data set and are decoded when an estimator asks for them; the format and
    transforms of the data set are not applied. scikit-learn's splitters and searches index X
    without decoding.

    Parameters
    ----------
    dataset : datasets.Dataset
        One split, such as ``load_dataset("cifar100", split="train")``.
    image : str, default="image"
        The column of pictures.
    label : str, default="label"
        The column of labels. Where it is a ``ClassLabel``, the labels become its names.

    Returns
    -------
    X : sequence of length n
        Lazy: an int gives a picture; a slice, an integer array or a mask gives such a sequence.
    y : ndarray of shape (n,)
        Class names (str), or the values of a column that is no ``ClassLabel``.

    Raises
    ------
    TypeError
        If ``dataset`` is no ``Dataset``, such as several splits or a stream.
    ValueError
        If it lacks a column, or has pictures without a label (-1).

    Examples
    --------
    >>> import numpy as np
    >>> from datasets import ClassLabel, Dataset, Features, Image  # doctest: +SKIP
    >>> from sklift.datasets import from_huggingface
    >>> kinds = {"image": Image(), "label": ClassLabel(names=["cat", "dog"])}  # doctest: +SKIP
    >>> columns = {"image": [np.full((8, 8, 3), i, np.uint8) for i in range(3)], "label": [1, 0, 1]}
    >>> dataset = Dataset.from_dict(columns, Features(kinds))  # doctest: +SKIP
    >>> X, y = from_huggingface(dataset)  # doctest: +SKIP
    >>> X  # doctest: +SKIP
    HuggingFaceImages(n_images=3)
    >>> y  # doctest: +SKIP
    array(['dog', 'cat', 'dog'], dtype='<U3')
    """
    if isinstance(dataset, Mapping):
        raise TypeError(
            f"dataset holds several splits ({', '.join(map(str, dataset))}): give one of them, "
            f"dataset[{next(iter(dataset), 'train')!r}]"
        )
    if not (hasattr(dataset, "select_columns") and hasattr(dataset, "__len__")):
        raise TypeError(
            f"dataset must be a datasets.Dataset (not a stream: load it with streaming=False), got "
            f"{type(dataset).__name__}"
        )
    for parameter, column in (("image", image), ("label", label)):
        if column not in dataset.column_names:
            raise ValueError(
                f"{parameter}={column!r} is not a column of the dataset; it has "
                f"{', '.join(dataset.column_names)}"
            )
    # With the format None, values are Python's and PIL's whatever the dataset was set to.
    dataset = dataset.with_format(None)
    y = gather_labels(dataset.select_columns([label])[:][label])
    names = getattr(dataset.features[label], "names", None)
    if names is not None:
        y = _named(y, names, label)
    return HuggingFaceImages(dataset.select_columns([image]), image), y


class HuggingFaceImages:
    """Pictures of a column, with a shape and array indexing as scikit-learn uses them.

    Parameters
    ----------
    dataset : datasets.Dataset
        It has the column of pictures only, so that nothing else is read.
    column : str
        Its name.
    """

    def __init__(self, dataset, column: str):
        self.dataset = dataset
        self.column = column

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key):
        """Return a picture for an int; a sequence for a slice, an integer array or a mask."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # sklearn writes X[indices, ...]
        if isinstance(key, numbers.Integral):
            return self.dataset[int(key)][self.column]
        rows = np.arange(len(self))[key]
        return HuggingFaceImages(self.dataset.select(rows), self.column)

    def __repr__(self) -> str:
        return f"HuggingFaceImages(n_images={len(self)})"


def _named(codes: np.ndarray, names: list[str], label: str) -> np.ndarray:
    unlabelled = sum(code is None or code < 0 for code in codes.tolist())
    if unlabelled:
        raise ValueError(
            f"{unlabelled} of the {len(codes)} rows have no label: leave them out, "
            f"dataset.filter(lambda row: row[{label!r}] not in (None, -1))"
        )
    return np.asarray(names)[codes.astype(np.intp)]
