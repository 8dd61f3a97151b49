"""Predictions of labelled pictures, to be compared with their labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._core._names import did_you_mean
from .._estimator import resolve_recipe
from ..displays._fitted import training_counts
from ..metrics import long_tail_report
from ._output import bar, say
from ._pictures import Pictures
from ._reading import in_parts


class Scored(NamedTuple):
    """Pictures that were predicted, beside their labels.

    Parameters
    ----------
    paths : list of str
        The pictures that could be read.
    y_true, y_pred : ndarray of shape (n_samples,)
        Labels.
    y_proba : ndarray of shape (n_samples, n_classes)
        Probabilities.
    counts : dict
        Training count of each label.
    unreadable : dict of str to str
        Other pictures, with the reason.
    """

    paths: list[str]
    y_true: np.ndarray
    y_pred: np.ndarray
    y_proba: np.ndarray
    counts: dict
    unreadable: dict[str, str]

    def report(self, output: str = "text"):
        """The long-tail report of these pictures."""
        return long_tail_report(self.y_true, self.y_pred, self.counts, output=output)


def score(clf, pictures: Pictures) -> Scored:
    """Predict labelled pictures.

    Raises
    ------
    ValueError
        If none of them can be read, or none of their classes is one of the classifier's.
    """
    known = set(clf.classes_.tolist())
    if known.isdisjoint(pictures.labels.tolist()):
        raise ValueError(
            f"none of the classes of these pictures ({_some(pictures.labels)}) is one of the "
            f"model's ({_some(clf.classes_)})"
        )
    for label in sorted(set(pictures.labels.tolist()) - known):
        hint = did_you_mean(str(label), map(str, known))
        say(f"the model has no class {label!r}: its pictures count as wrong{hint}")
    counts = training_counts(clf, "a LiftClassifier", pictures.labels)
    clf.set_params(reader__on_error="raise")  # in_parts finds them, with the reason
    reader = resolve_recipe("reader", clf.reader)
    values: list[np.ndarray] = []
    unreadable: dict[str, str] = {}
    with bar(len(pictures), "scoring") as shown:
        for part in in_parts(clf.predict_proba, pictures.paths.tolist(), reader):
            unreadable |= part.unreadable
            if part.readable:
                values.append(part.values)
            shown.update(len(part.paths))
    if not values:
        first = next(iter(unreadable))
        raise ValueError(f"none of the pictures can be read; the first: {first}")
    read = np.array([path not in unreadable for path in pictures.paths.tolist()])
    proba = np.concatenate(values)
    return Scored(
        pictures.paths[read].tolist(),
        pictures.labels[read],
        clf.classes_[proba.argmax(axis=1)],
        proba,
        counts,
        unreadable,
    )


def _some(labels: np.ndarray) -> str:
    return ", ".join(map(repr, np.unique(labels)[:3].tolist())) + ", ..."
