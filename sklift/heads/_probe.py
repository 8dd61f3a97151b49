"""Logistic regression in parts of the rows, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

_MOST = 1 << 22  # logits that are in memory at once


def logistic_coefficients(
    read: Callable[[slice], np.ndarray], y: np.ndarray, weight: np.ndarray, n_features: int
) -> np.ndarray:
    r"""Coefficients of a regularised multinomial logistic regression, in at most 100 iterations.

    It is scikit-learn's ``LogisticRegression(class_weight="balanced")``, which would keep several
    arrays of a number for each row and class.

    .. math::

        \min_{W, b} \frac{\sum_i s_i \, \mathrm{CE}(W x_i + b, y_i) + \|W\|^2 / 2}{\sum_i s_i},
        \qquad s_i = \frac{w_i \sum_j w_j}{K \sum_{j: y_j = y_i} w_j}

    Parameters
    ----------
    read : callable
        A function from a slice to these rows of the features.
    y : ndarray of shape (n_samples,)
        Class indices from 0 on, each of which occurs.
    weight : ndarray of shape (n_samples,)
        Positive.
    n_features : int

    Returns
    -------
    coefficients : ndarray of shape (n_classes, n_features), float64
    """
    counts = np.bincount(y, weight)
    n_classes = len(counts)
    weight = weight.astype(np.float64) * (counts.sum() / (n_classes * counts))[y]
    total = weight.sum()
    size = max(1, _MOST // n_classes)
    parts = [slice(start, start + size) for start in range(0, len(y), size)]

    def loss_and_gradient(flat: np.ndarray):
        both = flat.reshape(n_classes, n_features + 1)
        rows, intercept = both[:, :-1], both[:, -1]
        loss, gradient = 0.5 * np.sum(rows**2), np.zeros_like(both)
        gradient[:, :-1] = rows
        for part in parts:
            X, codes, s = read(part), y[part], weight[part]
            chances = X @ rows.T.astype(X.dtype)
            chances += intercept.astype(X.dtype)
            chances -= chances.max(axis=1, keepdims=True)
            own = np.arange(len(codes)), codes
            apart = chances[own]
            np.exp(chances, out=chances)
            sums = chances.sum(axis=1)
            loss += s @ (np.log(sums) - apart)
            chances *= (s / sums)[:, None].astype(X.dtype)
            chances[own] -= s.astype(X.dtype)
            gradient[:, :-1] += chances.T @ X
            gradient[:, -1] += chances.sum(axis=0)
        return loss / total, (gradient / total).ravel()

    options = {"maxiter": 100, "maxls": 50, "gtol": 1e-4, "ftol": 64 * np.finfo(float).eps}
    start = np.zeros(n_classes * (n_features + 1))
    found = minimize(loss_and_gradient, start, method="L-BFGS-B", jac=True, options=options)
    return found.x.reshape(n_classes, -1)[:, :-1]
