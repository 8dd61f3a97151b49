"""A warning where training ended before the model has learned its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from .._core._text import counted
from .._core._warn import warn
from ._length import FEWEST

LEARNED = 0.9  # share of correctly classified training pictures


def warn_if_unlearned(history: Sequence[Mapping[str, float]]) -> None:
    """Warn if the loss was still falling as in the beginning when training ended.

    The learning rate vanishes at the end of most schedules, and the loss stands still then, whether
    the model has learned or not. Falls are therefore compared per learning rate.

    Parameters
    ----------
    history : sequence of mappings
        ``train_loss``, ``train_acc`` and ``lr`` of each epoch. Fewer than four tell nothing.

    Examples
    --------
    >>> import warnings
    >>> from sklift._fitting._learned import warn_if_unlearned
    >>> epochs = [
    ...     {"train_loss": loss, "lr": lr, "train_acc": 0.6}
    ...     for loss, lr in zip([1.7, 1.6, 1.51, 1.43], [1.0, 0.9, 0.8, 0.7])
    ... ]
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warn_if_unlearned(epochs)
    >>> str(caught[0].message)[:60]
    'the loss was still falling when training ended, from 1.51 to'
    """
    if len(history) < 4 or history[-1]["train_acc"] >= LEARNED:
        return
    losses = [row["train_loss"] for row in history]
    rates = [row["lr"] for row in history]
    middle = len(losses) // 2
    early = _fall_per_rate(losses[: middle + 1], rates[: middle + 1])
    late = _fall_per_rate(losses[middle:], rates[middle:])
    fallen = losses[middle] - losses[-1]
    if fallen < 0.05 * losses[middle] or late <= 0.5 * early:  # the first may be noise
        return
    n = len(history)
    warn(
        f"the loss was still falling when training ended, from {losses[middle]:.3g} to "
        f"{losses[-1]:.3g} in the last {counted(n - middle - 1, 'epoch')}, and "
        f"{history[-1]['train_acc']:.0%} of the training pictures are classified correctly: "
        f"raise max_epochs ({2 * n}, for instance) or lr, or lower batch_size"
    )


def warn_if_shortened(net, time_limit: float | None, max_epochs: int) -> None:
    """Warn if a limit of time left few epochs, or ended training within one."""
    n = len(net.history)
    remedy = "give it more time, or lower max_epochs, so that the learning rate falls in time"
    if net.out_of_time:
        warn(
            f"compute__time_limit={time_limit:g} ended training within epoch {n} of {max_epochs}: "
            f"{remedy}"
        )
    elif n < min(FEWEST, max_epochs) and n == net.planned_epochs:
        warn(
            f"compute__time_limit={time_limit:g} was enough for {n} of "
            f"{counted(max_epochs, 'epoch')} only"
        )


def _fall_per_rate(losses: Sequence[float], rates: Sequence[float]) -> float:
    """Fall of the loss over some epochs, by the sum of their learning rates."""
    total = sum((a + b) / 2 for a, b in pairwise(rates))
    return (losses[0] - losses[-1]) / total if total > 0 else 0.0
