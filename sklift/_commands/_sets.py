"""Sets of labels of a model, from pictures that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .._classes._conformity import SCORES, fewest_samples, upper_quantile
from .._classes._mixes import assumed_mix, trained_mix
from ._beside import read_beside, write_beside
from ._scoring import Scored

COVERAGE = 0.9


def sets_beside(model: Path) -> Path:
    """The file of the threshold of a model: "model.sets.json"."""
    return model.with_suffix(".sets.json")


def write_threshold(clf, scored: Scored | None, model: Path, identity: str) -> float | None:
    """Write the threshold of sets beside a model; None, and no file, without pictures enough.

    Parameters
    ----------
    clf : LiftClassifier
        The model.
    scored : Scored or None
        Pictures that it was not trained on.
    model : Path
        Its file.
    identity : str
        What tells it from other models.
    """
    threshold = np.inf
    if scored is not None and len(scored.paths) >= fewest_samples(COVERAGE):
        column = {label: k for k, label in enumerate(clf.classes_.tolist())}
        codes = np.array([column.get(label, -1) for label in scored.y_true.tolist()])
        scores = _scores(clf, scored.y_proba)
        true = np.where(codes >= 0, scores[np.arange(len(codes)), codes], np.inf)
        threshold = upper_quantile(true, COVERAGE)
    found = float(threshold) if np.isfinite(threshold) else None
    content = None if found is None else {"coverage": COVERAGE, "threshold": found}
    write_beside(sets_beside(model), content, identity)
    return found


def read_threshold(model: Path, identity: str) -> float | None:
    """The threshold of a model; None if there is none, or only one of another model.

    Raises
    ------
    ValueError
        If the file is not one of :func:`write_threshold`.
    """
    return read_beside(sets_beside(model), identity, _threshold_in, "has no threshold of sets")


def _threshold_in(content: dict[str, Any]) -> float:
    threshold = float(content["threshold"])
    if not np.isfinite(threshold):
        raise ValueError(f"it is {threshold}")
    return threshold


def sets_by(clf, threshold: float | None) -> Callable[[np.ndarray], list] | None:
    """A function from probabilities to sets of labels, the most probable label first."""
    if threshold is None:
        return None

    def sets(proba: np.ndarray) -> list:
        inside = _scores(clf, proba) <= threshold
        order = np.argsort(-proba, axis=1, kind="stable")
        return [
            clf.classes_[columns[row[columns]]].tolist()
            for row, columns in zip(inside, order, strict=True)
        ]

    return sets


def _scores(clf, proba: np.ndarray) -> np.ndarray:
    assumed, trained = assumed_mix(clf), trained_mix(clf)
    assert assumed is not None and trained is not None  # a LiftClassifier knows both
    return SCORES["pas"](np.asarray(proba, np.float64), assumed, trained)
