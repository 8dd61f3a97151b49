"""HeadSearchCV: a grid search whose candidates are trained together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
from joblib import parallel_config
from sklearn import get_config
from sklearn.model_selection import GridSearchCV, check_cv

__all__ = ["HeadSearchCV"]


class HeadSearchCV(GridSearchCV):
    """Grid search over heads on fixed features, whose candidates are trained together.

    The interface and the results are those of :class:`~sklearn.model_selection.GridSearchCV`, whose
    parameters it has. Only the training differs: candidates on the same fold that see the same
    batches become one tensor program. What they share is computed once: the check of X, the start
    of the head, its whitening, the features of a batch. Scores, ``refit`` and ``cv_results_`` are
    scikit-learn's.

    Parameters
    ----------
    estimator : LiftClassifier
        With ``backbone="precomputed"``, or with a tower, ``adapter=None`` and
        ``augmentation=None``. Any other estimator is searched as ``GridSearchCV`` does.
    param_grid : dict or list of dict
        Values of each parameter.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        See :class:`~sklearn.model_selection.GridSearchCV`. Candidates are trained on all cores in
        any case; ``n_jobs`` is the number of threads for scoring, and for what can't be trained
        together.

    Attributes
    ----------
    n_together_ : int
        How many of the fits, candidates times folds, were trained together with others.
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, \
refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        See :class:`~sklearn.model_selection.GridSearchCV`. The ``fit_time`` of candidates that were
        trained together is their share.

    See Also
    --------
    LiftClassifier : The classifier that is searched.

    Notes
    -----
    Candidates of a fold with the same head (but for its scale), start, sampler, seed, batch size
    and number of epochs are one program; they may differ in loss, scale, learning rate, weight
    decay and optimizer. Others are a program of their own: few heads and few seeds are fastest.
    A fit is left to the ordinary path, one by one and without an error, if it has an adapter, a
    regularizer, a loss, a head or an optimizer of your own, ``clip_grad_norm``, held-out data, a
    checkpoint, a time limit, ``compute__accumulate`` or ``net_params``; also if its loss or weights
    become infinite, or if its loss has trained parameters.

    Trained together, a candidate gets the weights that it gets alone but for the rounding of
    products: on the data of ``benchmarks/head_search.py`` weights differed by 3e-7 of the largest,
    and all predictions were equal. Candidates without ``random_state`` share one random seed in
    each fold. They have no ``net_``, for scorers that look for it; the best one, which is refit by
    itself, has.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import HeadSearchCV, LiftClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cat", "dog", "emu"], [40, 15, 5])
    >>> X = rng.normal(size=(60, 8)) + 2 * (y == "dog")[:, None] - 2 * (y == "emu")[:, None]
    >>> search = HeadSearchCV(
    ...     LiftClassifier("precomputed", head="cosine", random_state=0),
    ...     {"loss__tau": [0.0, 0.5, 1.0], "head__scale": [10, 25]},
    ...     cv=3,
    ...     scoring="balanced_accuracy",
    ... ).fit(X, y)
    >>> search.n_together_, len(search.cv_results_["params"])
    (18, 6)
    >>> sorted(search.best_params_)
    ['head__scale', 'loss__tau']
    """

    def fit(self, X, y=None, **params) -> Self:
        """Search the grid.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pictures
            What the estimator takes.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict
            Such as ``sample_weight``, or ``groups`` for the splitter.

        Returns
        -------
        self : HeadSearchCV
            Fitted.

        Raises
        ------
        ValueError, TypeError
            As ``GridSearchCV.fit``.
        """
        knows = hasattr(self.estimator, "_read_for_fit")
        other = params.keys() - {"sample_weight", "groups"}
        if not knows or other or _is_routed(params) or isinstance(self.cv, Iterator):
            super().fit(X, y, **params)  # an iterator can be asked for its splits only once
            self.n_together_ = 0
            return self
        taken: list[int] = []
        self._given = (X, y, params, taken)
        try:
            with parallel_config(backend="threading"):  # processes would not see the outcomes
                super().fit(X, y, **params)
        finally:
            del self._given
        self.n_together_ = sum(taken)
        return self

    def _run_search(self, evaluate_candidates, callback_ctx=None) -> None:
        """Let scikit-learn evaluate the candidates, whose fits take the outcomes of one pass."""
        context = {} if callback_ctx is None else {"callback_ctx": callback_ctx}
        if not hasattr(self, "_given"):
            super()._run_search(evaluate_candidates, **context)
            return
        from ._one_pass import OnePass, taken_from

        X, y, params, taken = self._given

        def evaluate(candidate_params, **options):
            candidates = list(candidate_params)
            # Drawn once: a splitter without a seed would draw others.
            cv = check_cv(self.cv, y, classifier=True)
            splits = list(cv.split(X, y, params.get("groups")))
            one_pass = OnePass(len(candidates), len(splits))
            one_pass.train(self.estimator, candidates, splits, X, y, params.get("sample_weight"))
            with taken_from(one_pass):
                results = evaluate_candidates(candidates, cv=check_cv(splits), **options)
            taken.append(int(one_pass.taken.sum()))
            _tell_times(results, one_pass.seconds, one_pass.taken)
            return results

        super()._run_search(evaluate, **context)


def _is_routed(params: dict) -> bool:
    return bool(params) and get_config()["enable_metadata_routing"]


def _tell_times(results: dict, seconds: np.ndarray, taken: np.ndarray) -> None:
    """Put the shares of fits in the pass in the place of the times that it took to take them."""
    whole = taken.all(axis=1)
    results["mean_fit_time"][whole] = seconds[whole].mean(axis=1)
    results["std_fit_time"][whole] = seconds[whole].std(axis=1)
