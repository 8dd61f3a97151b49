"""Trainings of a search that were run together, from which its fits take their outcomes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral
from threading import Lock
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from .._compute._isolation import isolated
from .._compute._threads import map_items
from .._core._sklearn import has_callbacks, take_rows
from ..losses import Loss
from ._learned import warn_if_unlearned
from ._same import same_params, same_value
from ._sample import seed_of
from ._stack import MOST_WEIGHTS, Stack, optimizer_key
from ._stackable import can_share, can_stack, independent_loss
from ._training import Training, begin

# Parameters that reading X and y does not depend on.
_NOT_READ = {
    "batch_size",
    "head",
    "init",
    "loss",
    "lr",
    "max_epochs",
    "optimizer",
    "random_state",
    "sampler",
    "target_prior",
    "weight_decay",
}
_active: list[OnePass] = []  # passes whose outcomes fits may take


@dataclass(eq=False)
class _Candidate:
    """A candidate on one split, begun but not trained."""

    place: tuple[int, int]
    params: dict[str, Any]
    training: Training
    loss: Loss
    attributes: dict[str, Any]  # of the estimator, from reading
    warnings: list[warnings.WarningMessage]
    seconds: float


@dataclass(eq=False)
class _Work:
    """A stack of candidates on one split, and the rows that they were given."""

    candidates: list[_Candidate]
    stack: Stack
    given: list[Any]

    def run(self) -> tuple | None:
        """Histories, whether each stayed finite, and seconds for each; None after an error."""
        since = time.perf_counter()
        try:
            histories, is_finite = self.stack.run()
        except Exception:  # no memory, for instance: they are trained one by one
            return None
        return histories, is_finite, (time.perf_counter() - since) / len(self.candidates)


@dataclass(eq=False)
class _Outcome:
    """A fit that was trained together with others: what it was given, and what came out."""

    place: tuple[int, int]
    params: dict[str, Any]
    X: Any
    y: Any
    sample_weight: Any
    fitted: dict[str, Any]
    warnings: list[warnings.WarningMessage]


class OnePass:
    """Outcomes of the fits of a search.

    Attributes
    ----------
    seconds : ndarray of shape (n_candidates, n_splits)
        The share of each fit in the time of the pass; 0 for fits that are not in it.
    taken : ndarray of shape (n_candidates, n_splits), bool
        Whether the fit has taken its outcome.
    """

    def __init__(self, n_candidates: int, n_splits: int):
        self._outcomes: dict[Any, list[_Outcome]] = {}
        self._lock = Lock()
        self.seconds = np.zeros((n_candidates, n_splits))
        self.taken = np.zeros((n_candidates, n_splits), dtype=bool)

    @isolated
    def train(self, estimator, candidates: Sequence[Mapping], splits, X, y, sample_weight) -> None:
        """Train all candidates on all splits that can share a pass with others.

        What fails here is left to the fit of the search, which then fails in the same way.
        """
        n_cores, data = joblib.cpu_count(), (X, y, sample_weight)
        for first in range(0, len(splits), n_cores):  # each holds a copy of its rows
            work: list[_Work] = []
            for j in range(first, min(first + n_cores, len(splits))):
                train = splits[j][0]
                try:
                    given = [None if v is None else take_rows(v, train) for v in data]
                    for group in _groups(self._begin(estimator, candidates, j, *given)):
                        work += _works(group, given)
                except Exception:  # data that don't fit together: the search says it
                    continue
            for one, outcome in zip(work, map_items(_Work.run, work), strict=True):
                if outcome is not None:
                    self._keep(one, *outcome)

    def _begin(self, estimator, candidates, j: int, X, y, weight) -> list[_Candidate]:
        """The candidates on one split that a stack can take."""
        begun: list[_Candidate] = []
        read: list[tuple] = []  # parameters, class list, samples, and attributes from reading
        for i, params in enumerate(candidates):
            since = time.perf_counter()
            est = clone(estimator).set_params(**clone(dict(params), safe=False))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    training = _begin_one(est, X, y, weight, read)
                    if training is None or not can_stack(training):
                        continue
                    loss = independent_loss(training)
                except Exception:  # whatever it is, the fit of the search says it
                    continue
            if loss is None:
                continue
            own = est.get_params(deep=False)
            attributes = {n: value for n, value in vars(est).items() if n not in own}
            given = (est.get_params(), training, loss, attributes, caught)
            begun.append(_Candidate((i, j), *given, time.perf_counter() - since))
        return begun

    def _keep(self, work: _Work, histories, is_finite, seconds: float) -> None:
        for place, history, finite in zip(work.stack.places, histories, is_finite, strict=True):
            if not finite:  # the fit of the search raises the error
                continue
            candidate = work.candidates[place]
            training = candidate.training
            fitted = {
                **candidate.attributes,
                **training.fitted(),
                "history_": history,
                "accumulate_": training.plan.accumulate,
            }
            self.seconds[candidate.place] = candidate.seconds + seconds
            given = (candidate.place, candidate.params, *work.given, fitted, candidate.warnings)
            self._outcomes.setdefault(_key(candidate.params), []).append(_Outcome(*given))

    def take(self, params: dict, X, y, sample_weight) -> _Outcome | None:
        """The outcome of the fit with these parameters and data, which is then forgotten."""
        with self._lock:
            outcomes = self._outcomes.get(_key(params), [])
            for outcome in outcomes:
                given = ((outcome.y, y), (outcome.sample_weight, sample_weight), (outcome.X, X))
                if same_params(outcome.params, params) and all(same_value(*pair) for pair in given):
                    outcomes.remove(outcome)
                    self.taken[outcome.place] = True
                    return outcome
        return None


@contextmanager
def taken_from(one_pass: OnePass) -> Iterator[None]:
    """Context in which fits take their outcomes from a pass."""
    _active.append(one_pass)
    try:
        yield
    finally:
        _active.remove(one_pass)


def trained_before(est, X, y, sample_weight, unlabeled) -> dict[str, Any] | None:
    """Fitted attributes of an estimator whose fit a search has run with others, or None."""
    if not _active or unlabeled is not None or hasattr(est, "model_") or has_callbacks(est):
        return None
    params = est.get_params()
    for one_pass in _active:
        outcome = one_pass.take(params, X, y, sample_weight)
        if outcome is not None:
            for caught in outcome.warnings:
                warnings.warn_explicit(
                    caught.message, caught.category, caught.filename, caught.lineno
                )
            warn_if_unlearned(outcome.fitted["history_"])
            return outcome.fitted
    return None


def _begin_one(est, X, y, weight, read: list[tuple]) -> Training | None:
    """Begin the fit of an estimator; what others have read in the same way is not read again."""
    seeds = (Integral, type(None))  # a generator would be drawn from twice
    if has_callbacks(est) or est.warm_start or not isinstance(est.random_state, seeds):
        return None
    params = est.get_params()
    params = {n: value for n, value in params.items() if n.partition("__")[0] not in _NOT_READ}
    known = next((entry for entry in read if same_params(entry[0], params)), None)
    if known is None:
        labels, sample = est._sample(X, y, weight, est.classes)
        sample.starts = {}
        own = est.get_params(deep=False)
        attributes = {n: value for n, value in vars(est).items() if n not in own}
        read.append((params, labels, sample, attributes))
    else:
        _, labels, sample, attributes = known
        seed = sample.seed if est.random_state is None else seed_of(est.random_state)
        sample = replace(sample, seed=seed)
        vars(est).update(attributes)
    settings, sample, classes, _ = est._read_for_fit(X, y, read=(labels, sample))
    est.classes_, est.class_names_ = classes.labels, classes.names
    return begin(settings, sample, classes)


def _groups(candidates: list[_Candidate]) -> list[list[_Candidate]]:
    """Candidates of one split, those together that one stack can train."""
    groups: list[list[_Candidate]] = []
    for candidate in candidates:
        training = candidate.training
        known = next((g for g in groups if can_share(g[0].training, training)), None)
        if known is None:
            groups.append([candidate])
        else:
            training.dataset = known[0].training.dataset  # one copy of the features
            known.append(candidate)
    return groups


def _works(group: list[_Candidate], given: list) -> list[_Work]:
    """Stacks of a group, none of which is too large for a cache."""
    group = sorted(group, key=lambda candidate: optimizer_key(candidate.training))
    n_weights = sum(candidate.training.model.head.weight.numel() for candidate in group)
    n_stacks = min(len(group), -(-n_weights // MOST_WEIGHTS))
    works: list[_Work] = []
    for part in np.array_split(range(len(group)), n_stacks):
        some = [group[i] for i in part]
        known = works[0].stack.X if works else None
        stack = Stack([c.training for c in some], [c.loss for c in some], known)
        works.append(_Work(some, stack, given))
    return works


def _key(params: dict) -> tuple:
    plain = (bool, int, float, str, type(None))
    return tuple((n, v if isinstance(v, plain) else type(v)) for n, v in sorted(params.items()))
