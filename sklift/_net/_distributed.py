"""One fit in several processes: each computes its share of every batch.

All processes see the same order, and end with the same weights: those that one process would get
from the same batches, but for rounding.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from skorch.dataset import unpack_data
from torch.utils.data import Sampler

from ._loader import EpochOrder
from ._net import LiftNet, _split
from ._processes import Processes, processes_of


class SharedOrder(Sampler):
    """What one process takes of the order of all samples, batch by batch.

    Of a batch of indices it takes each ``size``-th one, from ``rank`` on. Where the last batch of
    an epoch has less samples than there are processes, those that get none take its first one, as
    a stand-in: :meth:`takes` tells, and it must not count.

    Parameters
    ----------
    order : EpochOrder
        That of all samples.
    batch_size : int
        Samples in a batch of all processes together.
    processes : Processes
        Those who share.
    """

    def __init__(self, order: EpochOrder, batch_size: int, processes: Processes):
        if batch_size < processes.size:
            raise ValueError(
                f"batch_size={batch_size} is to be shared by {processes.size} processes: make it "
                "larger, it is that of all processes together"
            )
        self.order = order
        self.batch_size = batch_size
        self.processes = processes

    def start(self, epoch: int, n_seen: int = 0) -> None:
        """Set the epoch, counted from 0, and how many of all its samples have been seen."""
        self.order.start(epoch, n_seen)

    def n_in_batch(self, index: int) -> int:
        """Number of samples in a batch of an epoch, in all processes together."""
        return min(self.batch_size, self.order.n_samples - index * self.batch_size)

    def takes(self, n: int) -> int:
        """How many of a batch of n are for this process."""
        return len(range(self.processes.rank, n, self.processes.size))

    def __len__(self) -> int:
        n_whole, n_last = divmod(len(self.order), self.batch_size)
        return n_whole * self.takes(self.batch_size) + (max(1, self.takes(n_last)) if n_last else 0)

    def __iter__(self) -> Iterator[int]:
        order = list(self.order)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            yield from batch[self.processes.rank :: self.processes.size] or batch[:1]


def shared_order(net_params, order: EpochOrder, batch_size: int) -> EpochOrder | SharedOrder:
    """What this process takes of an order: all of it, or its share."""
    processes = processes_of(net_params)
    return order if processes is None else SharedOrder(order, int(batch_size), processes)


def is_first(order) -> bool:
    """Whether this process is the one to write files and to show progress."""
    return not isinstance(order, SharedOrder) or order.processes.rank == 0


def net_class(order) -> type[LiftNet]:
    """The net that trains in this order."""
    return SharedNet if isinstance(order, SharedOrder) else LiftNet


class SharedNet(LiftNet):
    """A net that trains together with those of other processes.

    It has ``iterator_train__order``, a :class:`SharedOrder`. Losses, hits and batch sizes in its
    history are those of whole batches. Validation and prediction are done by each process for
    itself.
    """

    @property
    def processes(self) -> Processes:
        """Those who train together."""
        return self.iterator_train__order.processes

    def initialize(self):
        """Start from the weights of the first process."""
        super().initialize()
        self.module_.load_trained_state(self.processes.first(self.module_.trained_state()))
        start = self.processes.first(self.regularizer_state())
        if self.regularizer is not None:
            self.regularizer.load_state_dict(start)
        return self

    def on_train_begin(self, net, **kwargs):
        """All must be about to train the same epochs.

        Raises
        ------
        ValueError
            In all of them, if they have found different checkpoints.
        """
        if len(set(self.processes.gather((len(self.history), self.stopping)))) > 1:
            raise ValueError(
                "the processes of this fit have found different checkpoints: the folder "
                "must be one that all of them see"
            )

    def train_step_single(self, batch, **fit_params):
        """Loss and gradient of a batch, of which this process computes its share."""
        X, target = unpack_data(batch)
        order = self.iterator_train__order
        self.n_in_batch = order.n_in_batch(len(self.history[-1]["batches"]) - 1)
        if not order.takes(self.n_in_batch):  # a stand-in
            views, weight = _split(X)
            X = (views[:0], None if weight is None else weight[:0])
            target = target[:0]
        coupled = getattr(self.criterion_, "couples_samples", True)
        step = self._coupled_step(X, target) if coupled else self._separate_step(X, target)
        step = self._regularized(step)
        self.last_loss = step["loss"].item()
        return step

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        """An epoch's loss is a mean over whole batches."""
        if training:
            self.history.record_batch("train_batch_size", self.n_in_batch)

    def validation_step(self, batch, **fit_params):
        """All must see the same loss, to stop in the same epoch."""
        step = super().validation_step(batch, **fit_params)
        loss = torch.tensor(self.processes.first(step["loss"].item()), dtype=torch.float64)
        return {**step, "loss": loss}

    def _separate_step(self, X, target):
        """For a weighted mean over the samples: each one's mean counts by its weights."""
        hits, loss, weight, y_pred = self.hits["train"].clone(), 0.0, 0.0, None
        if len(target):
            step = self._step_that_fits(X, target)
            loss, y_pred = step["loss"].item(), step["y_pred"]
            weight = self._weight_of(X, target).item()
        n_hits = (self.hits["train"] - hits).item()
        sums = torch.tensor([weight, weight * loss, n_hits], dtype=torch.float64)
        total, loss, n_hits = self.processes.sum(sums.to(self.device)).tolist()
        self.hits["train"] = hits + round(n_hits)
        self._sum_gradients(weight / total)
        return {"loss": torch.tensor(loss / total, dtype=torch.float64), "y_pred": y_pred}

    def _coupled_step(self, X, target):
        """For a loss over the whole batch, which `get_loss` gathers."""
        X, target = self._mixed(X, target)
        if len(target):
            step = self._step(X, target)
        else:
            n_columns = self.module_.n_classes + self.has_terms
            logits = torch.empty(0, n_columns, device=self.device)
            step = {"loss": self.get_loss(logits, target, X, training=True), "y_pred": logits}
        n_busy = min(self.n_in_batch, self.processes.size)
        for parameter in self._loss_parameters().values():  # each has their whole gradient
            if parameter.grad is not None:
                parameter.grad /= n_busy
        self._sum_gradients()
        return step

    def get_loss(self, y_pred, y_true, X=None, training=False, total=None):
        """The loss of a batch; that of all processes where it can't be put together from theirs."""
        if training and getattr(self.criterion_, "couples_samples", True):
            mine = (y_pred.detach().cpu(), y_true.cpu(), _on_cpu(_split(X)[1]))
            logits, targets, weights = map(list, zip(*self.processes.gather(mine), strict=True))
            logits = [part.to(y_pred) for part in logits]
            logits[self.processes.rank] = y_pred  # the one with a gradient
            y_pred, y_true = torch.cat(logits), torch.cat(targets)
            X = (None, None if weights[0] is None else torch.cat(weights))
        return super().get_loss(y_pred, y_true, X, training, total)

    def _sum_gradients(self, scale: float = 1.0) -> None:
        """Make the gradient of all out of the scaled ones of each."""
        params = [p for _, p in self.get_all_learnable_params()]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad * scale for p in params]
        flat = self.processes.sum(torch.cat([part.flatten() for part in parts]))
        sizes = [p.numel() for p in params]
        for p, part in zip(params, flat.split(sizes), strict=True):
            p.grad = part.view_as(p)


def _on_cpu(tensor):
    return None if tensor is None else tensor.cpu()
