"""Schedules: the factors of the learning rate in each epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

__all__ = ["SCHEDULES", "rate_factors"]


def constant(epoch: int, n_epochs: int) -> float:
    """Return the factor 1."""
    return 1.0


def cosine(epoch: int, n_epochs: int) -> float:
    """Return the factor ``(1 + cos(pi e / E)) / 2``, from 1 to 0 along a half cosine."""
    return (1 + math.cos(math.pi * epoch / n_epochs)) / 2


def linear(epoch: int, n_epochs: int) -> float:
    """Return the factor ``1 - e / E``, from 1 to 0 along a line."""
    return 1 - epoch / n_epochs


SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "cosine": cosine,
    "linear": linear,
    "constant": constant,
}


def rate_factors(schedule: str | Callable[[int, int], float], n_epochs: int) -> list[float]:
    """Return the factor of the learning rate in each epoch.

    Parameters
    ----------
    schedule : str or callable
        A key of ``SCHEDULES``, or ``schedule(epoch, n_epochs) -> factor``, where epochs count
        from 0.
    n_epochs : int
        Number of epochs.

    Returns
    -------
    factors : list of n_epochs floats
        Finite and not negative.

    Raises
    ------
    ValueError
        If ``schedule`` is an unknown name, or returns a factor that is negative or not finite.
    TypeError
        If it is neither a name nor callable, or returns something else than a number.

    Examples
    --------
    >>> from sklift.training._schedules import rate_factors
    >>> rate_factors("linear", 4)
    [1.0, 0.75, 0.5, 0.25]
    >>> rate_factors(lambda epoch, n_epochs: 0.1 ** (epoch // 2), 4)
    [1.0, 1.0, 0.1, 0.1]
    """
    if not callable(schedule) and not (isinstance(schedule, str) and schedule in SCHEDULES):
        error = ValueError if isinstance(schedule, str) else TypeError
        raise error(
            f"optimizer__schedule must be one of {sorted(SCHEDULES)} or a function "
            f"(epoch, n_epochs) -> factor; got {schedule!r}"
        )
    function = schedule if callable(schedule) else SCHEDULES[schedule]
    factors: list[float] = []
    for epoch in range(n_epochs):
        factor = function(epoch, n_epochs)
        if not isinstance(factor, Real):
            raise TypeError(
                f"optimizer__schedule must return a number; got {factor!r} in epoch {epoch} of "
                f"{n_epochs}"
            )
        if not 0 <= factor < math.inf:
            raise ValueError(
                f"optimizer__schedule must return a finite factor that is not negative; got "
                f"{factor!r} in epoch {epoch} of {n_epochs}"
            )
        factors.append(float(factor))
    return factors
