"""X, y and groups of a data set of WILDS."""

from __future__ import annotations

import numpy as np

from ..images import ImageSequence


def from_wilds(dataset, group: str):
    """Take X, y and groups from a data set of the library WILDS, or from one of its subsets.

    Pictures stay in the data set and are read when an estimator asks for them. Load it without a
    transform: the backbone brings its own.

    Parameters
    ----------
    dataset : WILDSDataset or WILDSSubset
        For instance ``get_dataset("iwildcam").get_subset("train")``; its items are (picture, label,
        metadata).
    group : str
        The field of the metadata that must stay together, such as "location" of iWildCam,
        "hospital" of Camelyon17, "experiment" of RxRx1.

    Returns
    -------
    X : :class:`~sklift.images.ImageSequence` of length n
        Lazy; scikit-learn's splitters index it without reading.
    y : ndarray of shape (n,)
        The labels, as the data set numbers them.
    groups : ndarray of shape (n,)
        The group of each: its name, where the data set has names, or else its number.

    Raises
    ------
    TypeError
        If ``dataset`` is none of WILDS.
    ValueError
        If its metadata have no such field.

    References
    ----------
    Koh et al., "WILDS: A Benchmark of in-the-Wild Distribution Shifts", ICML 2021,
    arXiv 2012.07421.

    Examples
    --------
    >>> from wilds import get_dataset  # doctest: +SKIP
    >>> from sklift.datasets import from_wilds
    >>> train = get_dataset("iwildcam", download=True).get_subset("train")  # doctest: +SKIP
    >>> X, y, groups = from_wilds(train, "location")  # doctest: +SKIP
    """
    needed = ("y_array", "metadata_array", "metadata_fields", "__len__", "__getitem__")
    if lacking := [name for name in needed if not hasattr(dataset, name)]:
        raise TypeError(
            f"dataset must be a data set of WILDS or one of its subsets, which has {lacking[0]}; "
            f"got {type(dataset).__name__}"
        )
    fields = list(dataset.metadata_fields)
    if group not in fields:
        raise ValueError(f"group={group!r} is no field of the metadata; it has {', '.join(fields)}")
    groups = np.asarray(dataset.metadata_array)[:, fields.index(group)]
    names = (getattr(dataset, "metadata_map", None) or {}).get(group)
    if names is not None and groups.min(initial=0) >= 0 and groups.max(initial=0) < len(names):
        groups = np.asarray(names)[groups.astype(np.intp)]
    y = np.asarray(dataset.y_array)
    return ImageSequence(dataset), y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y, groups
