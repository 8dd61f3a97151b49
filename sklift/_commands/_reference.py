"""Predictions of held-out pictures, which those of a service are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._beside import read_beside, write_beside

FEWEST = 30  # pictures that say something about others
_MOST = 2000  # probabilities that are kept


@dataclass(frozen=True)
class Reference:
    """Predictions of pictures that a model was not trained on.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,), int
        How often each class is predicted.
    probabilities : ndarray of shape (n,), float
        Those of the predicted classes, in rising order.
    """

    counts: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, proba: np.ndarray) -> Reference:
        """From rows of probabilities."""
        counts = np.bincount(proba.argmax(axis=1), minlength=proba.shape[1])
        best = np.sort(proba.max(axis=1))
        kept = np.linspace(0, len(best) - 1, min(len(best), _MOST)).round().astype(int)
        return cls(counts, best[kept])


def reference_beside(model: Path) -> Path:
    """The file of the reference of a model: "model.reference.json"."""
    return model.with_suffix(".reference.json")


def write_reference(proba: np.ndarray | None, model: Path, identity: str) -> bool:
    """Write the reference of a model beside it; False, and no file, without pictures enough.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes) or None
        Probabilities of pictures that it was not trained on.
    model : Path
        Its file.
    identity : str
        What tells it from other models.
    """
    file = reference_beside(model)
    if proba is None or len(proba) < FEWEST:
        write_beside(file, None, identity)
        return False
    found = Reference.of(proba)
    content = {
        "counts": found.counts.tolist(),
        "probabilities": found.probabilities.round(4).tolist(),
    }
    write_beside(file, content, identity)
    return True


def read_reference(model: Path, identity: str, n_classes: int) -> Reference | None:
    """The reference of a model; None if there is none, or only one of another model.

    Raises
    ------
    ValueError
        If the file is not one of :func:`write_reference`.
    """

    def parse(content: dict[str, Any]) -> Reference:
        counts = np.array(content["counts"], np.int64)
        probabilities = np.array(content["probabilities"], np.float64)
        if counts.shape != (n_classes,) or probabilities.ndim != 1:
            raise ValueError("it is of another number of classes")
        if not (counts >= 0).all() or not counts.any() or not len(probabilities):
            raise ValueError("it is of no pictures")
        if not np.isfinite(probabilities).all():
            raise ValueError("its numbers are none of a reference")
        return Reference(counts, np.sort(probabilities))

    return read_beside(reference_beside(model), identity, parse, "is no reference of a model")
