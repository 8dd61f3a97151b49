"""Class priors: adjusting logits to a prior, estimating one, and reading one from a user."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning

_WRONG_SHAPE = "logits must have shape (n_samples, {}) with at least one sample; got {}"

__all__ = ["adjust_logits", "estimate_prior", "resolve_target_prior"]


def adjust_logits(logits: np.ndarray, implied: ArrayLike, target: ArrayLike) -> np.ndarray:
    """Move logits from one mix of classes to another.

    ``z_k + log target_k - log implied_k``: Bayes' rule, if the distributions p(x|k) do not change.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
        Logits of a model that assumes the mix ``implied``.
    implied, target : array-like of shape (n_classes,)
        The two mixes. ``implied`` is positive. A ``target`` of 0 makes a class practically
        impossible; its logits stay finite.

    Returns
    -------
    logits : ndarray of shape (n_samples, n_classes)
        In the precision of the given ones, at least float32.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import softmax
    >>> from sklift._classes._priors import adjust_logits
    >>> softmax(adjust_logits(np.zeros((1, 2)), [0.5, 0.5], [0.9, 0.1]), axis=1)
    array([[0.9, 0.1]])
    """
    shift = np.log(_positive(target)) - np.log(_positive(implied))
    dtype = np.promote_types(logits.dtype, np.float32)
    return logits.astype(dtype) + shift.astype(dtype)


def estimate_prior(
    logits: ArrayLike, implied: ArrayLike, *, max_iter: int = 1000, tol: float = 1e-6
) -> np.ndarray:
    r"""Estimate the mix of classes of unlabelled samples from their logits.

    Maximum likelihood by expectation maximisation. It starts from q = implied and repeats

    .. math:: q_k \leftarrow \frac{1}{n} \sum_i
        \frac{p_{ik} \, q_k / \mathrm{implied}_k}{\sum_j p_{ij} \, q_j / \mathrm{implied}_j},
        \qquad p_i = \mathrm{softmax}(z_i).

    It needs calibrated probabilities p, and assumes that the distributions p(x|k) do not change.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_classes), or iterator of such parts
        Logits of a model that assumes the mix ``implied``. Parts are kept as probabilities in
        their own precision, and nothing else is as large.
    implied : array-like of shape (n_classes,)
        The mix that the model assumes; positive.
    max_iter : int, default=1000
        Largest number of steps. A warning is given if it was too small.
    tol : float, default=1e-6
        Tolerance: iteration stops when no share changes by more in a step.

    Returns
    -------
    prior : ndarray of shape (n_classes,), float64
        Non-negative; sums to 1.

    Raises
    ------
    ValueError
        If there is no sample, a logit is not finite, or ``implied`` has another number of classes.

    References
    ----------
    Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori
    Probabilities: A Simple Procedure", Neural Computation 14(1), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._priors import estimate_prior
    >>> logits = 50.0 * np.eye(2)[[0, 0, 0, 1]]
    >>> estimate_prior(logits, [0.5, 0.5]).round(3)
    array([0.75, 0.25])
    """
    implied = _positive(implied)
    implied = implied / implied.sum()
    given = logits if isinstance(logits, Iterator) else iter([np.asarray(logits, np.float64)])
    parts = list(_probabilities(given, len(implied)))
    if not (n := sum(map(len, parts))):
        raise ValueError(_WRONG_SHAPE.format(len(implied), (0, len(implied))))
    prior = implied
    for _ in range(max_iter):
        ratio = prior / implied
        # ratio_k sum_i p_ik / (sum_j p_ij ratio_j), computed without an array of all posteriors
        total = sum(proba.T @ (1 / (proba @ ratio)) for proba in map(_as_doubles, parts))
        new = ratio * total / n
        change, prior = np.abs(new - prior).max(), new
        if change <= tol:
            break
    else:
        warnings.warn(
            f"the estimate of the prior still changes by {change:.1e} after {max_iter} steps "
            f"(tol={tol:g}): raise max_iter or tol",
            ConvergenceWarning,
            stacklevel=2,
        )
    return prior / prior.sum()


def _probabilities(parts: Iterator[np.ndarray], n_classes: int) -> Iterator[np.ndarray]:
    """Parts of logits as probabilities, checked."""
    n_seen = 0
    for logits in parts:
        if logits.ndim != 2 or logits.shape[1] != n_classes:
            raise ValueError(_WRONG_SHAPE.format(n_classes, logits.shape))
        if not np.isfinite(logits).all():
            row = int((~np.isfinite(logits)).any(axis=1).argmax())
            raise ValueError(
                f"logits must be finite; those of sample {n_seen + row} are {logits[row]}"
            )
        n_seen += len(logits)
        yield softmax(logits, axis=1)


def _as_doubles(part: np.ndarray) -> np.ndarray:
    return part.astype(np.float64, copy=False)


def resolve_target_prior(
    target: str | Mapping | ArrayLike | None,
    classes: np.ndarray,
    class_prior: ArrayLike,
    name: str = "target_prior",
) -> np.ndarray | None:
    """The mix of classes that a user asks for.

    Parameters
    ----------
    target : {"balanced", "train"}, array-like of shape (n_classes,), dict or None
        An array is in the order of ``classes``; a dict, or a Series, maps each label to its share.
        Shares need not sum to 1.
    classes : ndarray of shape (n_classes,)
        The labels.
    class_prior : array-like of shape (n_classes,)
        The mix of the training data, which "train" stands for.
    name : str, default="target_prior"
        What errors call it.

    Returns
    -------
    prior : ndarray of shape (n_classes,), float64, or None
        Sums to 1. None if ``target`` is None: predictions stay as trained.

    Raises
    ------
    ValueError
        If the name is unknown, a label is unknown or has no share, or the shares are not one
        non-negative, finite number per class of which one is positive.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._priors import resolve_target_prior
    >>> resolve_target_prior({"ant": 3, "bee": 1}, np.array(["ant", "bee"]), [0.5, 0.5])
    array([0.75, 0.25])
    """
    if target is None:
        return None
    if isinstance(target, str):
        if target not in ("balanced", "train"):
            raise ValueError(
                f"{name} must be None, 'balanced', 'train', an array of one share per class, "
                f"or a dict label -> share; got {target!r}"
            )
        target = np.ones(len(classes)) if target == "balanced" else class_prior
    elif hasattr(target, "to_dict"):  # a pandas Series, for instance from value_counts()
        target = target.to_dict()
    if isinstance(target, Mapping):
        target = _in_order(target, classes.tolist(), name)
    shares = _as_floats(target, name)
    if shares.shape != (len(classes),):
        raise ValueError(
            f"{name} has shape {shares.shape}, expected ({len(classes)},): one share for "
            "each class, in the order of classes_"
        )
    wrong = ~np.isfinite(shares) | (shares < 0)
    if wrong.any():
        k = int(wrong.argmax())
        raise ValueError(
            f"{name} must be finite and >= 0; the share of class {classes.tolist()[k]!r} is "
            f"{shares[k]}"
        )
    if not shares.any():
        raise ValueError(f"{name} must not be zero for every class")
    return shares / shares.sum()


def _in_order(target: Mapping, labels: list, name: str) -> list:
    known = set(labels)
    unknown = [label for label in target if label not in known]
    if unknown:
        raise ValueError(
            f"{name} holds {unknown[:5]}, which the training data lacks; with classes= a "
            "class can be named that no training sample has"
        )
    missing = [label for label in labels if label not in target]
    if missing:
        raise ValueError(
            f"{name} has no share of the classes {missing[:5]}; a class that does not occur "
            "has the share 0"
        )
    return [target[label] for label in labels]


def _as_floats(target, name: str) -> np.ndarray:
    try:
        return np.asarray(target, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold one number per class; got {target!r}") from error


def _positive(prior: ArrayLike) -> np.ndarray:
    """Prior in float64, at least the smallest positive normal number: its log is finite."""
    return np.maximum(np.asarray(prior, dtype=np.float64), np.finfo(np.float64).tiny)
