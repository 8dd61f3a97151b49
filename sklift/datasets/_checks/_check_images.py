"""Look at a collection of pictures before it is trained on."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from ..._classes._labels import check_labels, is_missing
from ...images import resolve_reader
from ...images._names import picture_names
from ...metrics._table import check_output, import_pandas
from .._split import part_of
from ._faults import faults
from ._kinds import table_of


def check_images(
    X,
    y: ArrayLike | None = None,
    *,
    split: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    features: ArrayLike | None = None,
    least: int = 32,
    reader="auto",
    output: str = "dict",
):
    """List what may be wrong with pictures and their labels, the worst first.

    - Pictures that can't be read, are tiny, blank, dark, bright, low in contrast or blurred; masks
      among photographs.
    - Copies and near-copies (saved again at another size, quality or brightness) in several
      classes, in several parts of a split, or in one class; bursts and groups that a split tears
      apart. Where many pictures are alike, as of one product or camera, a near-copy must be as near
      as a picture is to itself when it is saved again.
    - With ``features``: labels that look wrong, since the picture is as much of another class as
      half of the pictures of that class are, by classifiers that have not seen it.
    - Class names that look alike, and classes of one picture.

    It would rather miss a fault than raise a false alarm. A picture is held in memory only while it
    is looked at.

    Parameters
    ----------
    X : pictures
        Of any kind that :meth:`sklift.LiftClassifier.fit` takes.
    y : array-like of shape (n_samples,), optional
        Labels; may be left out where X brings labels, or where there are none.
    split : array-like of shape (n_samples,), optional
        The part of a split that each picture is in, such as "train" and "test".
    groups : array-like of shape (n_samples,), optional
        What must stay together, such as sites or patients.
    features : array-like of shape (n_samples, n_features), optional
        Such as those of :class:`sklift.ImageEmbedder`. Rows that are not finite are left out.
    least : int, default=32
        Pixels of the shorter side below which a picture is tiny.
    reader : str or Reader, default="auto"
        How pictures are read, as in :class:`sklift.LiftClassifier`.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_rows,), or DataFrame
        A row for each picture of each fault, errors first, with the columns

        - "severity": "error" (it spoils training or scores), "warning" or "note";
        - "kind" of the fault, and "remedy", what to do;
        - "fault": its number; pictures of one fault, such as copies of each other, share it;
        - "index" in X (-1 for faults of names), and "picture", its path or place in X;
        - "label" and "part" of the split, as text;
        - "detail": what is said of this picture.

    Raises
    ------
    ValueError
        If lengths differ, or a parameter is not usable.

    See Also
    --------
    sklift.displays.FindingsReport : The same as a page of pictures.

    References
    ----------
    Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR
    70, 2021, arXiv 1911.00068: a label is suspect where another class is as likely as it is on
    average for pictures of that class.

    Crete et al., "The blur effect: perception and estimation with a new no-reference perceptual
    blur metric", SPIE 6492, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.datasets import check_images
    >>> X = np.random.default_rng(0).integers(0, 255, (6, 40, 40, 3), dtype=np.uint8)
    >>> X[4] = X[1]
    >>> table = check_images(X, ["ant", "ant", "ant", "bee", "bee", "bee"])
    >>> table["severity"].tolist(), table["index"].tolist()
    (['error', 'error'], [1, 4])
    >>> table["kind"][0]
    'the same picture in several classes'
    """
    check_output(output, ("dict", "dataframe"))
    if not isinstance(least, Integral) or least < 1:
        raise ValueError(f"least must be an int of at least 1, got {least!r}")
    source = resolve_reader(reader).build(X, must_exist=False)
    if y is None:
        y = source.labels
    labels = None if y is None else check_labels(y)
    parts = None if split is None else as_parts(split)
    groups = None if groups is None else _as_groups(groups)
    features = None if features is None else np.asarray(features)
    if features is not None and (features.ndim != 2 or features.dtype.kind not in "fiu"):
        raise ValueError(
            f"features must have a row of numbers for each picture; got shape {features.shape} and "
            f"dtype {features.dtype}"
        )
    if features is not None and labels is None:
        raise ValueError("features tell labels that look wrong: give y, or leave them out")
    check_consistent_length(source, labels, parts, groups, features)
    found = list(faults(source, labels, parts, groups, features, int(least)))
    name = picture_names(source)
    table = table_of(found, [name(i) for i in range(len(source))], labels, parts)
    return import_pandas().DataFrame(table) if output == "dataframe" else table


def as_parts(split) -> np.ndarray:
    """Parts of a split, by one name each."""
    parts = np.asarray(split, dtype=object).tolist()
    for i, part in enumerate(parts):
        if is_missing(part) or part == "":
            raise ValueError(f"split has no part for X[{i}], {part!r}: leave the picture out")
    return np.array([part_of(str(part)) for part in parts])


def _as_groups(groups: ArrayLike) -> np.ndarray:
    """Groups as text; a picture without one is a group of its own."""
    values = np.asarray(groups, dtype=object).tolist()
    known = [not is_missing(value) and value != "" for value in values]
    return np.array(
        [str(v) if k else f"\0{i}" for i, (v, k) in enumerate(zip(values, known, strict=True))]
    )
