"""Outcomes of frames -> outcomes of their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from scipy.special import expit, log_softmax, logit, logsumexp

_AT_LEAST = 256  # frames whose pictures are given out together


def joined(
    rows: Iterable[np.ndarray], counts: np.ndarray, join: Callable[[np.ndarray], np.ndarray]
) -> Iterator[np.ndarray]:
    """Batches of one row for each picture, made of the rows of its frames.

    Parameters
    ----------
    rows : iterable of ndarray of shape (n_batch, n)
        Rows of all frames, in order, in batches of any size.
    counts : ndarray of shape (n_pictures,), int
        The number of frames of each picture.
    join : callable
        A function of rows (n_frames, n) to one row (n,).
    """
    waiting: list[np.ndarray] = []
    ready: list[np.ndarray] = []
    remaining = iter(counts.tolist())
    wanted = next(remaining, None)
    for batch in rows:
        waiting = [np.concatenate([*waiting, batch])] if waiting else [batch]
        while wanted is not None and len(waiting[0]) >= wanted:
            ready.append(join(waiting[0][:wanted]))
            waiting = [waiting[0][wanted:]]
            wanted = next(remaining, None)
        if len(ready) >= _AT_LEAST or (wanted is None and ready):
            yield np.stack(ready)
            ready = []


def mean_row(rows: np.ndarray) -> np.ndarray:
    """The mean of rows of features."""
    return rows.mean(axis=0)


def mean_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logits whose softmax is the mean of the probabilities of several rows of logits."""
    if len(logits) == 1:
        return logits[0]
    mean = logsumexp(log_softmax(logits.astype(np.float64), axis=1), axis=0) - np.log(len(logits))
    return mean.astype(logits.dtype)


def mean_of_sigmoids(logits: np.ndarray) -> np.ndarray:
    """Logits whose sigmoid is the mean of the probabilities of several rows of logits."""
    if len(logits) == 1:
        return logits[0]
    return logit(expit(logits.astype(np.float64)).mean(axis=0)).astype(logits.dtype)
