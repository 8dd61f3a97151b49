"""The worst mistakes of a classifier, with small pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from .._core._no_places import NoPlacesError
from ..images._names import picture_names
from ..images._picked import PickedSource
from ._columns import label_probabilities

LARGEST = 192  # pixels of a side


def worst_mistakes(
    source, y_true, y_pred, y_proba, labels, called, n_most: int, explain: Callable | None = None
) -> list[dict[str, Any]]:
    """Mistakes whose true class was given the least probability, then the most confident ones.

    Parameters
    ----------
    source : ImageSource
        The pictures; those of these mistakes are decoded.
    y_true, y_pred, y_proba, labels
        Labels and probabilities, as of :class:`Report`.
    called : callable
        A function from a label to its name.
    n_most : int
        Number of mistakes, at most.
    explain : callable or None
        From pictures and their predicted labels to a :class:`SaliencyDisplay`.
    """
    proba_true, proba_pred = label_probabilities(y_proba, y_true, y_pred, labels)
    wrong = np.flatnonzero(y_true != y_pred)
    order = wrong[np.lexsort((-proba_pred[wrong], proba_true[wrong]))][:n_most]
    name = picture_names(source)
    looked = [] if explain is None or not len(order) else _looked(explain, source, y_pred, order)
    rows = [
        {
            "picture": name(i),
            "true": called(y_true[[i]].tolist()[0]),
            "predicted": called(y_pred[[i]].tolist()[0]),
            "probability_true": float(proba_true[i]),
            "probability_predicted": float(proba_pred[i]),
            "thumbnail": thumbnail(source[i]),
        }
        for i in order.tolist()
    ]
    for row, image in zip(rows, looked, strict=bool(looked)):
        row["looked_at"] = thumbnail(image)
    return rows


def _looked(explain: Callable, source, y_pred: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    """Pictures with light on what spoke for the wrong class; none if the tower does not show it."""
    try:
        return explain(PickedSource(source, order), y_pred[order]).lit()
    except NoPlacesError:
        return []


def thumbnail(image: np.ndarray) -> bytes:
    """A picture as a small JPEG file."""
    small = Image.fromarray(image)
    small.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return file.getvalue()
