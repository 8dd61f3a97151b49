"""Soups: one model whose trained weights are the mean of those of several."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils.validation import check_is_fitted

from .._core._recipes import matches_trained
from .._estimator import LogitClassifierMixin, resolve_recipe


def soup(models: Sequence[Any], X=None, y=None, *, scoring="balanced_accuracy") -> Any:
    """Average the trained weights of several classifiers: one model to save and to serve.

    Candidates of a search that differ in learning rate, weight decay or length end near each other,
    if they start from the same weights (the same ``random_state``, adapter and head). In the paper,
    on large data, their mean predicts better than the best of them, at the cost of one. On a few
    hundred pictures expect about as much as from the best, without having to know which it is.

    Parameters
    ----------
    models : sequence of LiftClassifier
        Fitted, with the same backbone, adapter, head and classes, and with losses that imply the
        same mix of classes.
    X, y : pictures and labels, optional
        Validation data, which no model was trained on. With them, the soup is greedy: the models
        are tried from the best to the worst, and each is added whose addition does not lower the
        score. Without them, all models are averaged.
    scoring : str or callable, default="balanced_accuracy"
        Score of the greedy soup, larger is better, as in scikit-learn's searches.

    Returns
    -------
    model : LiftClassifier
        A copy of the best of its members (without ``X``, of the first) with averaged weights. Its
        attribute ``soup_`` holds the indices of its members in ``models``, in the order in which
        they were added. With ``X``, its score is not below that of any of the models.

    Raises
    ------
    ValueError
        If there is no model, if one differs in what must be the same, if only one of ``X`` and
        ``y`` is given, or if a score is NaN.
    TypeError
        If one is no LiftClassifier.
    sklearn.exceptions.NotFittedError
        If one isn't fitted.

    References
    ----------
    Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy
    without increasing inference time", ICML 2022, arXiv 2203.05482.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier, soup
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["common", "rare"], [60, 12])
    >>> X = rng.normal(size=(72, 6)) + (y == "rare")[:, None]
    >>> candidates = [
    ...     LiftClassifier("precomputed", lr=lr, random_state=0).fit(X[::2], y[::2])
    ...     for lr in (0.03, 0.1, 0.3)
    ... ]
    >>> best = soup(candidates, X[1::2], y[1::2])
    >>> best.predict(X[[0, -1]])
    array(['common', 'rare'], dtype='<U6')
    >>> soup(candidates).soup_
    [0, 1, 2]
    """
    if not isinstance(models, Iterable):
        raise TypeError(f"models must be a list of fitted LiftClassifiers, got {models!r}")
    models = list(models)
    _check_alike(models)
    if (X is None) != (y is None):
        raise ValueError("X and y belong together: give both, or none for the mean of all models")
    if X is None:
        return _averaged(models, list(range(len(models))))
    scorer = check_scoring(models[0], scoring=scoring)
    scores = [scorer(model, X, y) for model in models]
    if np.isnan(scores).any():
        raise ValueError(f"scoring gives {scores}, which can't be compared: choose another score")
    order = [int(i) for i in np.argsort(scores, kind="stable")[::-1]]
    best, best_score = _averaged(models, order[:1]), scores[order[0]]
    for i in order[1:]:
        candidate = _averaged(models, [*best.soup_, i])
        score = scorer(candidate, X, y)
        if score >= best_score:
            best, best_score = candidate, score
    return best


def _check_alike(models: list) -> None:
    """Check that the weights of the models mean the same."""
    if not models:
        raise ValueError("models is empty: a soup needs at least one fitted LiftClassifier")
    for i, model in enumerate(models):
        # A ZeroShotClassifier has logits as well, but no weights that are trained.
        if not (isinstance(model, LogitClassifierMixin) and hasattr(model, "partial_fit")):
            raise TypeError(
                f"models[{i}] is a {type(model).__name__}: give fitted LiftClassifiers (of a "
                "search, fit the candidates one by one)"
            )
        check_is_fitted(model)
    first = _traits(models[0])
    for i, model in enumerate(models[1:], start=1):
        for name, value in _traits(model).items():
            if not matches_trained(value, first[name]):
                raise ValueError(
                    f"models[{i}] has another {name} than models[0]: only models that differ in "
                    "nothing but their trained weights can be averaged"
                )
        if not np.allclose(model.implied_prior_, models[0].implied_prior_, atol=1e-6):
            raise ValueError(
                f"models[{i}] assumes another mix of classes than models[0] (implied_prior_): "
                "losses with the same tau, and the same training data, make it the same"
            )


def _traits(model) -> dict:
    """What the models of a soup have in common, by the words of a message."""
    trained = model.model_
    return {
        "backbone": trained.backbone.checksum,
        "number of features": trained.backbone.n_features,
        "adapter": trained.adapter,
        "head": trained.head_recipe,
        "list of classes": model.classes_.tolist(),
        "reader": resolve_recipe("reader", model.reader).set_params(on_error="raise"),
    }


def _averaged(models: list, members: list[int]):
    """A copy of the first member with the mean weights of all."""
    import torch

    made = copy.deepcopy(models[members[0]])  # without its net_, which trained other weights
    made.soup_ = members
    if len(members) > 1:
        states = [models[i].model_.trained_state() for i in members]
        mean = {}
        for name, tensor in states[0].items():
            stacked = torch.stack([state[name].double() for state in states])
            mean[name] = stacked.mean(0).to(tensor.dtype)
        made.model_.load_trained_state(mean)
    return made
