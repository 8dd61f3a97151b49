"""Callbacks of the training loop, between batches and between epochs."""

from __future__ import annotations

import math
from functools import partial

import torch
from skorch.callbacks import Callback
from torch.utils.data import Subset

from ._columns import unpacked
from ._history import FIGURES, figures_of


class EpochState(Callback):
    """Sets the epoch of data and order, and records the share of correctly classified views."""

    def __init__(self, order, resumed: dict | None = None):
        self.order = order
        self.resumed = resumed

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Start an epoch, or continue the interrupted one."""
        epoch = len(net.history) - 1
        net.hits = {
            part: torch.zeros((), dtype=torch.int64, device=net.device)
            for part in ("train", "valid")
        }
        n_seen, resumed, self.resumed = 0, self.resumed, None
        if resumed is not None:
            net.history[-1]["batches"] = batches = unpacked(resumed["batches"])
            net.hits["train"] += resumed["hits"]
            n_seen = sum(batch["train_batch_size"] for batch in batches)
        self.order.start(epoch, n_seen)
        whole = dataset_train.dataset if isinstance(dataset_train, Subset) else dataset_train
        whole.set_epoch(epoch)

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        """Record the accuracies: the only synchronisation with the device in an epoch."""
        if not net.history[-1, "batches"]:
            raise ValueError("there is no batch to train on: drop_last leaves none that is full")
        n_seen = sum(net.history[-1, "batches", :, "train_batch_size"])
        net.history.record("train_acc", net.hits["train"].item() / n_seen)
        if dataset_valid is not None:
            net.history.record("valid_acc", net.hits["valid"].item() / len(dataset_valid))


class FiniteLoss(Callback):
    """Ends training when the loss or the weights are not finite; restores the weights."""

    def on_epoch_begin(self, net, **kwargs):
        """Remember the weights, to which a failed training returns, and those of the loss."""
        self.weights_ = net.module_.trained_state()
        self.of_loss_ = {name: p.detach().clone() for name, p in net.loss_parameters().items()}

    def on_grad_computed(self, net, **kwargs):
        """Check the loss, before the optimizer changes the weights."""
        if not math.isfinite(net.last_loss):
            raise self.error(net, f"the loss became {net.last_loss}")

    def on_epoch_end(self, net, **kwargs):
        """Check the weights, since no loss follows the last step of an epoch."""
        if not _finite(net):
            raise self.error(net, "the weights became infinite")

    def on_train_end(self, net, **kwargs):
        """Release the remembered weights."""
        self.weights_, self.of_loss_ = None, {}

    def error(self, net, what: str) -> FloatingPointError:
        """Restore the weights of the start of the epoch, and return the error to raise."""
        # Also in the case of finite weights: enormous ones are no better than infinite ones.
        net.module_.load_trained_state(self.weights_)
        with torch.no_grad():
            for name, parameter in net.loss_parameters().items():
                parameter.copy_(self.of_loss_[name])
        net.optimizer_.state.clear()  # else enormous momenta would go on in the next training
        row = net.history[-1]
        return FloatingPointError(
            f"{what} in epoch {row['epoch']}, batch {len(row['batches'])}, at a learning rate of "
            f"{row['lr']:g}: most likely lr is too high (try {row['lr'] / 10:g}), else the "
            "features or the weights of the samples are very large, or precision='float16' "
            "overflows. The estimator keeps the weights that the epoch began with."
        )


def _finite(net) -> bool:
    return all(torch.isfinite(p).all() for p in net.module_.parameters() if p.requires_grad)


class BestEpoch(Callback):
    """Stops when the validation loss has not improved for ``patience`` epochs; keeps the best."""

    def __init__(self, patience: int, state: dict | None = None):
        self.patience = patience
        self.state = state or {"epoch": 0, "loss": math.inf, "weights": None}

    def on_epoch_end(self, net, **kwargs):
        """Compare the epoch with the best one."""
        epoch, loss = net.history[-1, ("epoch", "valid_loss")]
        if self.state["weights"] is None or loss < self.state["loss"]:
            weights = net.module_.trained_state()
            self.state = {"epoch": epoch, "loss": float(loss), "weights": weights}
        elif epoch - self.state["epoch"] >= self.patience:
            net.stopping = True

    def on_train_end(self, net, **kwargs):
        """Restore the best weights."""
        if self.state["weights"] is not None:
            net.module_.load_trained_state(self.state["weights"])
            self.state["weights"] = None


class SklearnCallbacks(Callback):
    """Passes epochs on to :class:`sklift._fitting._sklearn_callbacks.EpochTasks`."""

    def __init__(self, tasks, fitted):
        self.tasks = tasks
        self.fitted = fitted

    def on_epoch_begin(self, net, **kwargs):
        """Report that an epoch begins."""
        self.tasks.begin_epoch()

    def on_epoch_end(self, net, **kwargs):
        """Report that an epoch ends, and stop if a callback asks for it."""
        if self.tasks.end_epoch(partial(self.fitted, net)):
            net.stopping = True

    def on_train_end(self, net, **kwargs):
        """Release the data, and the estimator, which holds the net."""
        self.tasks = self.fitted = None


class StopIfAsked(Callback):
    """Ends training if a callback has asked for it. It comes last, after all other callbacks."""

    def on_epoch_end(self, net, **kwargs):
        """Raise a KeyboardInterrupt, which makes skorch end the training."""
        if net.stopping:
            raise KeyboardInterrupt


class Progress(Callback):
    """Progress bar over all batches of all epochs."""

    def __init__(self, n_batches: int):
        self.n_batches = n_batches

    def on_train_begin(self, net, **kwargs):
        """Open the bar."""
        from tqdm.auto import tqdm

        self.bar_ = tqdm(total=self.n_batches, unit="batch", desc="fit")

    def on_batch_end(self, net, training=False, **kwargs):
        """Advance the bar."""
        if training:
            self.bar_.update()

    def on_epoch_end(self, net, **kwargs):
        """Show the epoch's figures."""
        row = net.history[-1]
        if net.planned_epochs is not None:
            self.bar_.total = net.planned_epochs * len(row["batches"])
        figures = figures_of(row)
        added = {name: f"{score:.3g}" for name, score in figures.items() if name not in FIGURES}
        loss, accuracy = f"{row['train_loss']:.3f}", f"{row['train_acc']:.1%}"
        self.bar_.set_postfix({**added, "epoch": row["epoch"], "loss": loss, "acc": accuracy})

    def on_train_end(self, net, **kwargs):
        """Close the bar, and delete it: its lock can't be pickled."""
        self.bar_.close()
        del self.bar_
