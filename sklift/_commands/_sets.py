"""Sets of labels of a model, from pictures that it was not trained on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .._classes._conformity import SCORES, fewest_samples, upper_quantile
from .._classes._mixes import assumed_mix, trained_mix
from .._store._atomic import replace_file
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
    file = sets_beside(model)
    threshold = np.inf
    if scored is not None and len(scored.paths) >= fewest_samples(COVERAGE):
        column = {label: k for k, label in enumerate(clf.classes_.tolist())}
        codes = np.array([column.get(label, -1) for label in scored.y_true.tolist()])
        scores = _scores(clf, scored.y_proba)
        true = np.where(codes >= 0, scores[np.arange(len(codes)), codes], np.inf)
        threshold = upper_quantile(true, COVERAGE)
    if not np.isfinite(threshold):
        file.unlink(missing_ok=True)  # of an earlier model of this name
        return None
    content = {"coverage": COVERAGE, "threshold": threshold, "model": identity}
    replace_file(file, (json.dumps(content) + "\n").encode())
    return threshold


def read_threshold(model: Path, identity: str) -> float | None:
    """The threshold of a model; None if there is none, or only one of another model.

    Raises
    ------
    ValueError
        If the file is not one of :func:`write_threshold`.
    """
    file = sets_beside(model)
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        threshold, other = float(content["threshold"]), content["model"]
        if not np.isfinite(threshold):
            raise ValueError(f"it is {threshold}")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{file} has no threshold of sets ({error}): remove it, or train the model again"
        ) from error
    return threshold if other == identity else None


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
