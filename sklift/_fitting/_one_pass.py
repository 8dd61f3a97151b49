"""Trainings of a search that were run together, from which its fits take their outcomes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import clone

from .._compute._isolation import isolated
from .._compute._seeding import seeded
from .._compute._threads import map_items
from .._core._sklearn import take_rows
from ..losses import Loss, build_loss
from ._learned import warn_if_unlearned
from ._sample import Sample, seed_of
from ._same import same_params, same_value
from ._stack import MOST_WEIGHTS, Stack, can_share, can_stack, optimizer_key
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


@dataclass
class _Candidate:
    """A candidate on one split, begun but not trained."""

    place: tuple[int, int]
    params: dict[str, Any]
    training: Training
    loss: Loss
    attributes: dict[str, Any]  # of the estimator, from reading
    warnings: list[warnings.WarningMessage]
    seconds: float


@dataclass
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
        self.seconds = np.zeros((n_candidates, n_splits))
        self.taken = np.zeros((n_candidates, n_splits), dtype=bool)

    @isolated
    def train(self, estimator, candidates: Sequence[Mapping], splits, X, y, sample_weight) -> None:
        """Train all candidates on all splits that can share a pass with others.

        What fails here is left to the fit of the search, which then fails in the same way.
        """
        for j, (train, _) in enumerate(splits):
            given = [None if rows is None else take_rows(rows, train) for rows in (X, y)]
            weight = None if sample_weight is None else take_rows(sample_weight, train)
            begun = self._begin(estimator, candidates, j, *given, weight)
            for group in _groups(begun):
                self._run(group, *given, weight)

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
                except Exception:  # whatever it is, the fit of the search says it
                    continue
                loss = None if training is None or not can_stack(training) else _loss(training)
            if training is None or loss is None:
                continue
            own = est.get_params(deep=False)
            attributes = {n: value for n, value in vars(est).items() if n not in own}
            given = (est.get_params(), training, loss, attributes, caught)
            begun.append(_Candidate((i, j), *given, time.perf_counter() - since))
        return begun

    def _run(self, group: list[_Candidate], X, y, weight) -> None:
        """Train the candidates of a group, in stacks that keep all cores busy."""
        since = time.perf_counter()
        group = sorted(group, key=lambda candidate: optimizer_key(candidate.training))
        first = group[0].training
        n_weights = sum(c.training.model.head.weight.numel() for c in group)
        n_cores = min(joblib.cpu_count(), len(group))
        n_stacks = -(-n_weights // (MOST_WEIGHTS * n_cores)) * n_cores
        parts = [part.tolist() for part in np.array_split(range(len(group)), n_stacks)]
        with seeded(first.sample.seed, first.plan.device):
            losses = [candidate.loss for candidate in group]
            stacks: list[Stack] = []
            for part in filter(None, parts):
                known = stacks[0].X if stacks else None
                trainings = [group[i].training for i in part]
                stacks.append(Stack(trainings, [losses[i] for i in part], known))
            outcomes = map_items(Stack.run, stacks)
        seconds = (time.perf_counter() - since) / len(group)
        for part, stack, (histories, is_finite) in zip(
            filter(None, parts), stacks, outcomes, strict=True
        ):
            for place, history, finite in zip(stack.places, histories, is_finite, strict=True):
                if finite:  # else the fit of the search raises the error
                    self._keep(group[part[place]], history, seconds, (X, y, weight))

    def _keep(self, candidate: _Candidate, history, seconds: float, given: tuple) -> None:
        training = candidate.training
        fitted = {
            **candidate.attributes,
            **training.fitted(),
            "history_": history,
            "accumulate_": training.plan.accumulate,
        }
        self.seconds[candidate.place] = candidate.seconds + seconds
        outcome = _Outcome(candidate.place, candidate.params, *given, fitted, candidate.warnings)
        self._outcomes.setdefault(_key(candidate.params), []).append(outcome)

    def take(self, params: dict, X, y, sample_weight) -> _Outcome | None:
        """The outcome of the fit with these parameters and data, which is then forgotten."""
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
    if not _active or unlabeled is not None or est.warm_start or has_callbacks(est):
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


def has_callbacks(est) -> bool:
    """Return whether scikit-learn's callbacks watch an estimator, which want each epoch."""
    return bool(getattr(est, "_skl_callbacks", None))


def _begin_one(est, X, y, weight, read: list[tuple]) -> Training | None:
    """Begin the fit of an estimator; what others have read in the same way is not read again."""
    if has_callbacks(est) or est.warm_start:
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


def _loss(training: Training) -> Loss | None:
    """The loss of a training; None if it has trained parameters or draws random numbers."""
    settings, counts = training.settings, training.totals.effective
    with seeded(training.sample.seed, training.plan.device):
        loss = build_loss(settings.loss, counts, settings.head).to(training.plan.device)
        if any(True for _ in loss.parameters()):
            return None
        if not type(loss).__module__.startswith("sklift."):
            before = torch.get_rng_state()
            loss(training.model.head.weight.new_zeros(2, len(counts)), torch.tensor([0, 0]))
            if not torch.equal(before, torch.get_rng_state()):
                return None
    return loss


def _key(params: dict) -> tuple:
    plain = (bool, int, float, str, type(None))
    return tuple((n, v if isinstance(v, plain) else type(v)) for n, v in sorted(params.items()))
