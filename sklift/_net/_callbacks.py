"""What happens between the batches and between the epochs."""

from __future__ import annotations

import math

import torch
from skorch.callbacks import Callback
from torch.utils.data import Subset


class EpochState(Callback):
    """Tells data and order which epoch it is, and records the share of views that were right."""

    def __init__(self, order, resumed: dict | None = None):
        self.order = order
        self.resumed = resumed

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Start an epoch, or go on in the one that training was stopped in."""
        epoch = len(net.history) - 1
        net.hits = {
            kind: torch.zeros((), dtype=torch.int64, device=net.device)
            for kind in ("train", "valid")
        }
        n_seen, resumed, self.resumed = 0, self.resumed, None
        if resumed is not None:
            net.history[-1]["batches"] = [dict(batch) for batch in resumed["batches"]]
            net.hits["train"] += resumed["hits"]
            n_seen = sum(batch["train_batch_size"] for batch in resumed["batches"])
        self.order.start(epoch, n_seen)
        whole = dataset_train.dataset if isinstance(dataset_train, Subset) else dataset_train
        whole.set_epoch(epoch)

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        """One synchronisation an epoch."""
        if not net.history[-1, "batches"]:
            raise ValueError("there is no batch to train on: drop_last leaves none that is full")
        n_seen = sum(net.history[-1, "batches", :, "train_batch_size"])
        net.history.record("train_acc", net.hits["train"].item() / n_seen)
        if dataset_valid is not None:
            net.history.record("valid_acc", net.hits["valid"].item() / len(dataset_valid))


class FiniteLoss(Callback):
    """Ends training where numbers get out of hand, with the weights of before."""

    def on_epoch_begin(self, net, **kwargs):
        """Remember the weights; training that breaks down goes back to them."""
        self.weights_ = net.module_.trained_state()

    def on_grad_computed(self, net, **kwargs):
        """Before the weights are moved."""
        if not math.isfinite(net.last_loss):
            raise self.error(net, f"the loss became {net.last_loss}")

    def on_epoch_end(self, net, **kwargs):
        """The last step of an epoch is not followed by a loss."""
        if not _finite(net):
            raise self.error(net, "the weights became infinite")

    def on_train_end(self, net, **kwargs):
        """They are not needed any more."""
        self.weights_ = None

    def error(self, net, what: str) -> FloatingPointError:
        """The error, and the net as it was when all was well."""
        # finite weights of an enormous size are no better than infinite ones
        net.module_.load_trained_state(self.weights_)
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
    """Stops when the validation loss has not improved for some epochs; keeps the best weights."""

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
        """Go back to the best weights."""
        if self.state["weights"] is not None:
            net.module_.load_trained_state(self.state["weights"])
            self.state["weights"] = None


class SklearnCallbacks(Callback):
    """Passes epochs on to :class:`sklift._fitting._sklearn_callbacks.EpochTasks`."""

    def __init__(self, tasks, fitted):
        self.tasks = tasks
        self.fitted = fitted

    def on_epoch_begin(self, net, **kwargs):
        """An epoch begins."""
        self.tasks.begin_epoch()

    def on_epoch_end(self, net, **kwargs):
        """An epoch ends."""
        if self.tasks.end_epoch(self.fitted(net)):
            net.stopping = True

    def on_train_end(self, net, **kwargs):
        """Let go of the data, and of the estimator that holds the net."""
        self.tasks = self.fitted = None


class StopIfAsked(Callback):
    """The last one of an epoch, so that no other misses its end."""

    def on_epoch_end(self, net, **kwargs):
        """Skorch takes a keyboard interrupt as the wish to end."""
        if net.stopping:
            raise KeyboardInterrupt


class Progress(Callback):
    """One bar over all batches of all epochs."""

    def __init__(self, n_batches: int):
        self.n_batches = n_batches

    def on_train_begin(self, net, **kwargs):
        """Open the bar."""
        from tqdm.auto import tqdm

        self.bar_ = tqdm(total=self.n_batches, unit="batch", desc="fit")

    def on_batch_end(self, net, training=False, **kwargs):
        """Advance."""
        if training:
            self.bar_.update()

    def on_epoch_end(self, net, **kwargs):
        """Show the epoch's figures."""
        row = net.history[-1]
        self.bar_.set_postfix(
            epoch=f"{row['epoch']}", loss=f"{row['train_loss']:.3f}", acc=f"{row['train_acc']:.1%}"
        )

    def on_train_end(self, net, **kwargs):
        """Close the bar; it holds a lock, that must not be pickled."""
        self.bar_.close()
        del self.bar_
