"""Figures of an epoch, from a row of a net's history."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np

# Those of every fit, in the order in which people read them.
FIGURES = ("train_loss", "lr", "train_acc", "dur", "valid_loss", "valid_acc")


def figures_of(row: Mapping) -> dict[str, float]:
    """Return the figures of an epoch: those of every fit, then the scores that callbacks added.

    Left out are what skorch notes beside them: numbers of epochs and batches, whether a score is
    the best so far, events.

    Examples
    --------
    >>> from sklift._net._history import figures_of
    >>> figures_of({"epoch": 1, "f1": 0.5, "f1_best": True, "train_loss": 2, "batches": []})
    {'train_loss': 2.0, 'f1': 0.5}
    """
    known = [key for key in FIGURES if key in row]
    added = [key for key, value in row.items() if key not in FIGURES and _is_score(key, value)]
    return {key: float(row[key]) for key in [*known, *added]}


def _is_score(key: str, value) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    counts = key == "epoch" or key.endswith("_batch_count")
    return is_number and not counts and not key.startswith("event_")
