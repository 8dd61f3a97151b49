"""List of pictures to look at or to label next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.utils import check_consistent_length

from .._classes._labels import check_labels
from .._core._text import counted
from ..images import resolve_reader
from ..images._names import picture_names
from ..metrics._table import check_output, import_pandas
from ._fitted import find_fitted

REASONS = ("unsure", "foreign", "diverse", "label")


def review_list(
    estimator,
    X,
    k: int = 24,
    *,
    y: ArrayLike | None = None,
    proba: ArrayLike | None = None,
    features: ArrayLike | None = None,
    detector=None,
    reasons: Sequence[str] | None = None,
    output: str = "dict",
):
    r"""List what to look at or to label next, each picture for one of four reasons.

    - ``"unsure"``: the two most probable classes are close [1]_. Score: the difference.
    - ``"foreign"``: the picture fits no class. Score: that of ``detector``, or the logarithm of the
      sum of exponentials of the logits (energy).
    - ``"diverse"``: the picture nearest to the mean, then again and again the one farthest from all
      before (k-center [2]_). Score: the distance.
    - ``"label"``: the given label looks wrong: another is more probable. Score: its probability
      (self-confidence [3]_).

    Parameters
    ----------
    estimator : fitted classifier
        With ``predict_proba``.
    X : pictures or array-like
        Of any kind that the classifier takes. Pictures that can't be read are left out, with
        ``reader__on_error="skip"``.
    k : int, default=24
        Number of pictures to list, dealt to the reasons in turn.
    y : array-like of shape (n_samples,), optional
        Labels, where they are known.
    proba : array-like of shape (n_samples, n_classes), optional
        Probabilities of models that have not seen these labels. None: those of ``estimator``. If it
        was trained on X, it knows its labels by heart: give ``cross_val_predict(clf, X, y,
        method="predict_proba")``.
    features : array-like of shape (n_samples, n_features), optional
        Features by which pictures differ, such as those of :class:`sklift.ImageEmbedder`. None: the
        logarithms of the probabilities.
    detector : fitted estimator, optional
        With ``score_samples(X)``, low for foreign samples, such as :class:`sklift.NoveltyDetector`.
    reasons : list of str, optional
        The reasons to list for. None: all that there is a base for: ``"label"`` needs ``y``, and
        ``"foreign"`` a detector, or logits of three classes.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_listed,), or DataFrame
        Columns "index" (in X), "picture" (its path, or its place in X), "reason", "score",
        "predicted", "probability", and "label" if ``y`` is given. By reason, the most urgent first.

    Raises
    ------
    ValueError
        If a reason is unknown or has no base, or lengths differ.
    TypeError
        If the classifier is one of several labels a picture.

    See Also
    --------
    ReviewDisplay : The same as a sheet of pictures.

    References
    ----------
    .. [1] Scheffer, Decomain, Wrobel, "Active Hidden Markov Models for Information Extraction", IDA
       2001: the margin.
    .. [2] Sener, Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set
       Approach", ICLR 2018, arXiv 1708.00489.
    .. [3] Kuan, Mueller, "Model-agnostic Label Quality Scoring to Detect Real-world Label Errors",
       ICML 2022 workshop DataPerf: the self-confidence.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklift import ShrunkGaussianClassifier
    >>> from sklift.displays import review_list
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ShrunkGaussianClassifier().fit(X[:500], y[:500])
    >>> labels = y[500:].copy()
    >>> labels[7] = (labels[7] + 1) % 10
    >>> table = review_list(clf, X[500:], 8, y=labels)
    >>> table["reason"].tolist()[::2]
    ['unsure', 'foreign', 'diverse', 'label']
    >>> 7 in table["index"][table["reason"] == "label"]
    True
    """
    check_output(output, ("dict", "dataframe"))
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be an int of at least 1, got {k!r}")
    if find_fitted(estimator, "label_counts_") is not None:
        raise TypeError(
            "review_list is for classifiers of one label a picture, whose probabilities sum to 1; "
            f"got {type(estimator).__name__} with any number of labels"
        )
    if proba is None:
        proba = estimator.predict_proba(X)
    proba, classes = np.asarray(proba, dtype=np.float64), np.asarray(estimator.classes_)
    if proba.ndim != 2 or proba.shape[1] != len(classes):
        raise ValueError(f"proba has shape {proba.shape}, for {counted(len(classes), 'class')}")
    y = None if y is None else check_labels(y)
    features = None if features is None else np.asarray(features, dtype=np.float64)
    if features is not None and features.ndim != 2:
        raise ValueError(f"features must have a row for each picture; got shape {features.shape}")
    check_consistent_length(proba, y, features)
    wanted = _with_a_base(reasons, estimator, y, detector)
    rows = np.flatnonzero(np.isfinite(proba).all(axis=1))
    by_reason = {r: _ranked(r, rows, estimator, X, proba, features, y, detector, k) for r in wanted}
    chosen = _dealt(by_reason, k)
    index = np.array([i for i, _, _ in chosen], dtype=int)
    name = _namer(estimator, X)
    best = proba[index].argmax(axis=1) if len(index) else index
    table: dict[str, Any] = {
        "index": index,
        "picture": np.array([name(i) for i in index.tolist()], dtype=object),
        "reason": np.array([reason for _, reason, _ in chosen], dtype=object),
        "score": np.array([score for _, _, score in chosen], dtype=float),
        "predicted": classes[best],
        "probability": proba[index, best],
    }
    if y is not None:
        table["label"] = y[index]
    return import_pandas().DataFrame(table) if output == "dataframe" else table


def _with_a_base(reasons, estimator, y, detector) -> list[str]:
    """The reasons that can be listed for; an error for a wanted one that can't."""
    logits = hasattr(estimator, "decision_function") and len(estimator.classes_) > 2
    lacking = {
        "foreign": detector is None and not logits and "give a detector",
        "label": y is None and "give y",
    }
    if reasons is None:
        return [reason for reason in REASONS if not lacking.get(reason)]
    if isinstance(reasons, str):
        raise ValueError(f"reasons must be a list of names; got {reasons!r}")
    for reason in reasons:
        if reason not in REASONS:
            raise ValueError(f"reasons must be of {list(REASONS)}; got {reason!r}")
        if lacking.get(reason):
            raise ValueError(f"the reason {reason!r} has no base: {lacking[reason]}")
    return list(reasons)


def _ranked(reason, rows, estimator, X, proba, features, y, detector, k) -> Iterator:
    """Indices and scores, the most urgent first."""
    if reason == "diverse":
        space = np.log(np.maximum(proba, 1e-6)) if features is None else features
        return _farthest(space, rows[np.isfinite(space[rows]).all(axis=1)], k)
    if reason == "unsure":
        first_two = np.sort(proba, axis=1)[:, -2:]
        scores = first_two[:, 1] - first_two[:, 0]
    elif reason == "foreign":
        if detector is None:
            scores = logsumexp(np.asarray(estimator.decision_function(X), np.float64), axis=1)
        else:
            scores = np.asarray(detector.score_samples(X))
    else:
        scores = _of_labels(proba, y, np.asarray(estimator.classes_))
        rows = rows[scores[rows] < proba[rows].max(axis=1)]
    rows = rows[np.argsort(scores[rows], kind="stable")]
    return zip(rows.tolist(), scores[rows].tolist(), strict=True)


def _of_labels(proba: np.ndarray, y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Probabilities of the given labels; 0 for those that have no column."""
    column = {label: k for k, label in enumerate(classes.tolist())}
    codes = np.array([column.get(label, -1) for label in y.tolist()])
    return np.where(codes >= 0, proba[np.arange(len(codes)), codes], 0.0)


def _farthest(space: np.ndarray, rows: np.ndarray, k: int) -> Iterator[tuple[int, float]]:
    """Greedy k-center: the row nearest to the mean, then those farthest from all before."""
    if not len(rows):
        return
    points = space[rows]
    distance = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
    at, nearest = int(distance.argmin()), np.full(len(rows), np.inf)
    yield int(rows[at]), float(np.sqrt(distance[at]))
    for _ in range(min(k, len(rows) - 1)):
        nearest = np.minimum(nearest, ((points - points[at]) ** 2).sum(axis=1))
        nearest[at] = -np.inf  # equal rows are chosen once each
        at = int(nearest.argmax())
        yield int(rows[at]), float(np.sqrt(max(nearest[at], 0)))


def _dealt(by_reason: dict[str, Iterator], k: int) -> list[tuple[int, str, float]]:
    """Up to k samples, in turn from each reason; one that has been dealt is passed over."""
    taken: set[int] = set()
    found: dict[str, list] = {reason: [] for reason in by_reason}
    waiting = list(by_reason)
    while waiting and len(taken) < k:
        for reason in list(waiting):
            if len(taken) == k:
                break
            row = next((row for row in by_reason[reason] if row[0] not in taken), None)
            if row is None:
                waiting.remove(reason)
                continue
            taken.add(row[0])
            found[reason].append((row[0], reason, row[1]))
    return [row for rows in found.values() for row in rows]


def _namer(estimator, X):
    """A function from an index to the path of a picture, or to its place in X."""
    reader = getattr(find_fitted(estimator, "reader"), "reader", None)
    if reader is None or (hasattr(X, "ndim") and X.ndim == 2):  # rows of features
        return lambda i: f"X[{i}]"
    return picture_names(resolve_reader(reader).build(X, must_exist=False))
