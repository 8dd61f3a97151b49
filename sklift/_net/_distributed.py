"""Distributed training: a fit in several processes, each with its share of every batch.

All processes use the same order, and end with the same weights. Except for rounding, these are the
weights that one process would get from the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from skorch.dataset import unpack_data
from torch.utils.data import Sampler

from ._batches import split
from ._loader import EpochOrder
from ._net import LiftNet
from ._processes import Processes, processes_of


class SharedOrder(Sampler):
    """The share of one process in the order of all samples, batch by batch.

    From each batch, a process takes every ``size``-th index, beginning with number ``rank``. The
    last batch of an epoch may have fewer samples than there are processes. Processes without a
    sample then get its first sample as a stand-in, which must not count: :meth:`takes` is 0 for
    them.

    Parameters
    ----------
    order : EpochOrder
        The order of all samples.
    batch_size : int
        Number of samples in a batch, in all processes together.
    processes : Processes
        The processes of the fit.
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
        """Set the epoch, counted from 0, and the number of its samples that are done already."""
        self.order.start(epoch, n_seen)

    def n_in_batch(self, index: int) -> int:
        """Number of samples in batch ``index`` of an epoch, in all processes together."""
        return min(self.batch_size, self.order.n_samples - index * self.batch_size)

    def takes(self, n: int) -> int:
        """Number of samples of this process in a batch of ``n``."""
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
    """The order of the samples of this process: the whole order, or its share."""
    processes = processes_of(net_params)
    return order if processes is None else SharedOrder(order, int(batch_size), processes)


def is_first(order) -> bool:
    """Return whether this is the process that writes files and shows progress."""
    return not isinstance(order, SharedOrder) or order.processes.rank == 0


def net_class(order) -> type[LiftNet]:
    """The class of the net: :class:`SharedNet` for a shared order."""
    return SharedNet if isinstance(order, SharedOrder) else LiftNet


class SharedNet(LiftNet):
    """Net that trains together with the nets of other processes.

    Its ``iterator_train__order`` is a :class:`SharedOrder`. Losses, hits and batch sizes in its
    history are those of whole batches. Each process validates and predicts all samples itself.
    """

    @property
    def processes(self) -> Processes:
        """The processes of this fit."""
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
        """Check that all processes are about to train the same epochs.

        Raises
        ------
        ValueError
            If they have found different checkpoints; raised in all processes.
        """
        if len(set(self.processes.gather((len(self.history), self.stopping)))) > 1:
            raise ValueError(
                "the processes of this fit have found different checkpoints: the folder "
                "must be one that all of them see"
            )

    def train_step_single(self, batch, **fit_params):
        """Loss and gradient of a whole batch, from the shares of all processes."""
        X, target = unpack_data(batch)
        order = self.iterator_train__order
        self.n_in_batch = order.n_in_batch(len(self.history[-1]["batches"]) - 1)
        if not order.takes(self.n_in_batch):  # a stand-in
            views, weight = split(X)
            X = (views[:0], None if weight is None else weight[:0])
            target = target[:0]
        coupled = getattr(self.criterion_, "couples_samples", True)
        step = self._coupled_step(X, target) if coupled else self._separate_step(X, target)
        step = self._regularized(step)
        self.last_loss = step["loss"].item()
        return step

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        """Record the size of the whole batch, for the mean loss of the epoch."""
        if training:
            self.history.record_batch("train_batch_size", self.n_in_batch)

    def validation_step(self, batch, **fit_params):
        """Validate with the loss of the first process, so that all stop in the same epoch."""
        step = super().validation_step(batch, **fit_params)
        loss = torch.tensor(self.processes.first(step["loss"].item()), dtype=torch.float64)
        return {**step, "loss": loss}

    def _separate_step(self, X, target):
        """Step for a loss that is a weighted mean over samples: sum the means of the processes."""
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
        """Step for a loss that couples samples: ``get_loss`` gathers all processes' logits."""
        X, target = self._mixed(X, target)
        if len(target):
            step = self._step(X, target)
        else:
            n_columns = self.module_.n_classes + self.has_terms
            logits = torch.empty(0, n_columns, device=self.device)
            step = {"loss": self.get_loss(logits, target, X, training=True), "y_pred": logits}
        n_busy = min(self.n_in_batch, self.processes.size)
        for parameter in self.loss_parameters().values():  # each process has the whole gradient
            if parameter.grad is not None:
                parameter.grad /= n_busy
        self._sum_gradients()
        return step

    def get_loss(self, y_pred, y_true, X=None, training=False, total=None):
        """Loss of this process's samples; for a loss that couples samples, of the whole batch."""
        if training and getattr(self.criterion_, "couples_samples", True):
            mine = (y_pred.detach().cpu(), y_true.cpu(), _on_cpu(split(X)[1]))
            logits, targets, weights = map(list, zip(*self.processes.gather(mine), strict=True))
            logits = [part.to(y_pred) for part in logits]
            logits[self.processes.rank] = y_pred  # with its gradient
            y_pred, y_true = torch.cat(logits), torch.cat(targets)
            X = (None, None if weights[0] is None else torch.cat(weights))
        return super().get_loss(y_pred, y_true, X, training, total)

    def _sum_gradients(self, scale: float = 1.0) -> None:
        """Replace the gradients by the sum over processes of the scaled gradients."""
        params = [p for _, p in self.get_all_learnable_params()]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad * scale for p in params]
        flat = self.processes.sum(torch.cat([part.flatten() for part in parts]))
        sizes = [p.numel() for p in params]
        for p, part in zip(params, flat.split(sizes), strict=True):
            p.grad = part.view_as(p)


def _on_cpu(tensor):
    return None if tensor is None else tensor.cpu()
