"""Draws of each sample in an epoch, by samplers of this package and of torch."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from contextlib import contextmanager
from itertools import chain

import numpy as np
from torch.utils.data import BatchSampler, WeightedRandomSampler

from .._compute._seeding import drawing_alone
from .._core._warn import warn

_MOST_PASSES = 10  # passes over a sampler, to count its draws


def user_sampler(net_params: Mapping | None) -> tuple[str, object]:
    """Name and value of the user's sampler in ``net_params``, or "" and None."""
    for name in ("sampler", "batch_sampler", "order"):
        value = (net_params or {}).get(f"iterator_train__{name}")
        if value is not None:
            return f"iterator_train__{name}", value
    return "", None


def check_one_sampler(sampler, net_params: Mapping | None) -> None:
    """Check that only one parameter sets the order of samples.

    Raises
    ------
    ValueError
        If both the parameter ``sampler`` and ``net_params`` set it.
    """
    name, _ = user_sampler(net_params)
    if (net_params or {}).get("iterator_train__shuffle", True) is False:
        name = name or "iterator_train__shuffle"
    if sampler is not None and name:
        raise ValueError(
            f"sampler={sampler!r} and net_params[{name!r}] both say how samples are drawn: leave "
            "one of them out"
        )


def sampling_probabilities(sampler, codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Probability of each sample at each draw, by a recipe of a sampler.

    Raises
    ------
    ValueError
        If the recipe does not give a valid probability for each sample.
    """
    counts = np.bincount(codes, minlength=n_classes)
    given = sampler.probabilities(codes, counts)
    probabilities = np.asarray(given, dtype=np.float64)
    said = f"{type(sampler).__name__}.probabilities must return "
    if probabilities.shape != codes.shape:
        raise ValueError(
            f"{said}one probability for each of {len(codes)} samples, got the shape "
            f"{probabilities.shape}"
        )
    if not np.isfinite(probabilities).all() or (probabilities < 0).any():
        wrong = int(np.flatnonzero(~(probabilities >= 0) | np.isinf(probabilities))[0])
        raise ValueError(
            f"{said}finite numbers that are not negative, got {probabilities[wrong]} for sample "
            f"{wrong}, of class {codes[wrong]}"
        )
    if not np.isclose(probabilities.sum(), 1, rtol=0, atol=1e-8):  # NumPy's own tolerance
        raise ValueError(
            f"{said}probabilities that sum to 1, got {probabilities.sum():g}: divide them by their "
            "sum, in float64"
        )
    return probabilities


def expected_draws(
    sampler, n_samples: int, n_epochs: int, seed: int, *, name: str = "sampler"
) -> np.ndarray:
    """Expected number of draws of each sample in an epoch by a torch sampler, ``(n_samples,)``.

    For a ``WeightedRandomSampler`` with replacement, it follows from the weights. For other
    samplers, the draws of a copy are counted, so that neither the sampler nor any random state
    changes. If the sampler can't be copied, each sample counts once, and a warning is given.

    Raises
    ------
    ValueError
        If the sampler draws indices that do not exist, or no sample at all.
    """
    if type(sampler) is BatchSampler:  # a dropped last batch makes no difference
        sampler, name = sampler.sampler, f"{name}.sampler"
    if type(sampler) is WeightedRandomSampler and sampler.replacement:
        weights = sampler.weights.double().numpy()
        draws = sampler.num_samples * weights / weights.sum()
    else:
        counted = _counted(sampler, min(n_epochs, _MOST_PASSES), seed)
        if isinstance(counted, Exception):
            warn(
                f"net_params[{name!r}] can't be looked at beforehand ({counted}): the loss counts "
                "each sample once, however often it is drawn"
            )
            return np.ones(n_samples)
        draws = counted
    last = int(np.flatnonzero(draws)[-1]) if draws.any() else -1
    if not 0 <= last < n_samples:
        drawn = f"draws sample {last}" if last >= 0 else "draws no sample"
        raise ValueError(
            f"net_params[{name!r}] {drawn}: there are samples 0 to {n_samples - 1} to train on "
            "(what is held out is not among them)"
        )
    return np.pad(draws[:n_samples], (0, max(0, n_samples - len(draws))))


def _counted(sampler, n_passes: int, seed: int) -> np.ndarray | Exception:
    """Mean draws per pass of a copy of the sampler, or the error that prevents counting."""
    # The data need not be copied with the sampler.
    shared = [getattr(sampler, name, None) for name in ("data_source", "dataset")]
    memo = {id(part): part for part in shared if part is not None}
    try:
        with _random_states_kept(seed):
            twin = copy.deepcopy(sampler, memo)
            drawn = [item for _ in range(n_passes) for item in twin]
            batches = bool(drawn) and np.ndim(drawn[0]) > 0
            indices = list(chain.from_iterable(drawn)) if batches else drawn
        return np.bincount(np.asarray(indices, dtype=np.intp)) / n_passes
    except Exception as error:  # user code may raise anything
        return error


@contextmanager
def _random_states_kept(seed: int):
    """Context that restores the global random states; inside, torch's starts from ``seed``."""
    states = random.getstate(), np.random.get_state()  # samplers may use them
    try:
        with drawing_alone(seed):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
