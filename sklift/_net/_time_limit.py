"""A limit to the seconds of training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from skorch.callbacks import Callback

from ._rates import LearningRates


class TimeLimit(Callback):
    """Shortens the schedule to the epochs that fit into the time, and ends training when it is up.

    After each epoch, the time that is left is divided by the duration of the epoch, and the rates
    of the epochs that fit fall to their end. Within an epoch, training ends at a batch.

    Parameters
    ----------
    deadline : float
        The end, as a value of ``time.perf_counter()``.
    max_epochs : int
        Number of epochs, if the time allows it.
    rates : LearningRates
        The callback that sets the rates.
    factors : callable
        Gives the factors of the rates, one for each epoch, for a number of epochs.
    """

    def __init__(
        self,
        deadline: float,
        max_epochs: int,
        rates: LearningRates,
        factors: Callable[[int], Sequence[float]],
    ):
        self.deadline = deadline
        self.max_epochs = max_epochs
        self.rates = rates
        self.factors = factors

    def on_train_begin(self, net, **kwargs):
        """Nothing is trained yet."""
        self.has_trained_ = False

    def on_epoch_begin(self, net, **kwargs):
        """Remember when the epoch began."""
        self.begun_ = time.perf_counter()

    def on_batch_begin(self, net, training=False, **kwargs):
        """End training if the time is up; at least one batch is trained."""
        if training and self.has_trained_ and time.perf_counter() > self.deadline:
            net.out_of_time = True
            raise KeyboardInterrupt  # makes skorch end the training
        self.has_trained_ = self.has_trained_ or training

    def on_epoch_end(self, net, **kwargs):
        """Plan the epochs that are left."""
        now, n_done = time.perf_counter(), len(net.history)
        # Later epochs may be faster than the first, which decodes the pictures: plans can grow.
        n_left = int((self.deadline - now) / (now - self.begun_))
        n_left = max(0, n_left, int(n_done == 1 and now < self.deadline))
        net.planned_epochs = min(self.max_epochs, n_done + n_left)
        self.rates.factors = self.factors(net.planned_epochs)
        net.stopping = net.stopping or n_done == net.planned_epochs
