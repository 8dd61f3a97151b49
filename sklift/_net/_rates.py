"""Learning rates of epochs and warm-up batches."""

from __future__ import annotations

from collections.abc import Sequence

from skorch.callbacks import Callback


class LearningRates(Callback):
    """Scales the rate of each group of weights: in each epoch, and in each batch of the warm-up.

    ``lr`` in the history is the rate of weights that belong to no special group.

    Parameters
    ----------
    factors : sequence of float or None
        Factor of each epoch. None: constant rates.
    warmup_epochs : float, default=0.0
        Number of epochs in which the rates grow from 0 to their scheduled values.
    """

    def __init__(self, factors: Sequence[float] | None, warmup_epochs: float = 0.0):
        self.factors = factors
        self.warmup_epochs = warmup_epochs

    def on_train_begin(self, net, **kwargs):
        """Remember the initial rate of each group, unless a checkpoint has restored it."""
        for group in net.optimizer_.param_groups:
            group.setdefault("initial_lr", group["lr"])

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Set the rates before the first batch of the epoch."""
        epoch = len(net.history) - 1
        n_done = len(net.history[-1]["batches"])  # not 0 if training continues within the epoch
        self.factor_ = 1.0 if self.factors is None else self.factors[epoch]
        self.n_batches_ = None
        if epoch < self.warmup_epochs:
            self.n_batches_ = n_done + _length(net.get_iterator(dataset_train, training=True))
        self._scale(net, self.factor_)
        if self.n_batches_ and n_done:  # no batch may be left that would set the rate
            self.on_batch_begin(net, training=True)

    def on_batch_begin(self, net, training=False, **kwargs):
        """Set the rates of a warm-up batch."""
        if training and self.n_batches_:
            row = net.history[-1]
            n_epochs = len(net.history) - 1 + len(row["batches"]) / self.n_batches_
            self._scale(net, self.factor_ * self.warmed(n_epochs, self.warmup_epochs))

    @staticmethod
    def warmed(n_epochs: float, warmup_epochs: float) -> float:
        """Factor of the rate in a warm-up, after a number of epochs, this batch included."""
        return min(1.0, n_epochs / warmup_epochs)

    def _scale(self, net, factor: float) -> None:
        for group in net.optimizer_.param_groups:
            group["lr"] = group["initial_lr"] * factor
        net.history.record("lr", net.optimizer_.defaults.get("lr", net.lr) * factor)


def _length(loader) -> int:
    try:
        return len(loader)
    except TypeError as error:
        raise TypeError(
            "optimizer__warmup_epochs needs to know how many batches an epoch has: give the "
            "sampler in net_params a method __len__, or leave the warm-up out"
        ) from error
