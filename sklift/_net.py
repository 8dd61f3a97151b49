"""The training loop: a private skorch net over a :class:`~sklift._model.TunedModel`."""

from __future__ import annotations

import math

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from skorch.dataset import unpack_data
from skorch.helper import predefined_split
from skorch.history import History
from torch.utils.data import DataLoader, RandomSampler, Subset

__all__ = [
    "OPTIMIZERS",
    "CosineSchedule",
    "EpochState",
    "LiftNet",
    "Progress",
    "ShuffledLoader",
    "predefined_split",
]

OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


class LiftNet(NeuralNet):
    """Trains the unfrozen weights of a built model in mixed precision.

    Batches are ``(views, target)`` or ``((views, weight), target)``, as
    :class:`sklift.images._dataset.TrainViews` gives them. ``precision`` is the ``torch.dtype`` of
    matrix products, ``accumulate`` the number of parts in which the gradient of a batch is
    computed.
    """

    def __init__(self, module, criterion, *, precision=torch.float32, accumulate=1, **kwargs):
        self.precision = precision
        self.accumulate = accumulate
        super().__init__(module, criterion, **kwargs)

    @property
    def _default_callbacks(self):
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
        ]

    def get_all_learnable_params(self):
        """Only what is trained: frozen weights never reach the optimiser."""
        return ((n, p) for n, p in super().get_all_learnable_params() if p.requires_grad)

    def autocast(self):
        """Mixed precision, or nothing for float32."""
        enabled = self.precision != torch.float32
        return torch.autocast(torch.device(self.device).type, self.precision, enabled=enabled)

    def infer(self, x, **fit_params):
        """Logits of a batch of views, weighted or not, float32 at least."""
        with self.autocast():
            logits = super().infer(_split(x)[0], **fit_params)
        return logits if logits.dtype == torch.float64 else logits.float()

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """The loss of a batch; counts hits on the device, without waiting for it."""
        target, weight = y_true.to(self.device), _split(X)[1]
        if training:
            self._hits += (y_pred.detach().argmax(1) == target).sum()
        return self.criterion_(y_pred, target, None if weight is None else weight.to(self.device))

    def train_step_single(self, batch, **fit_params):
        """Loss and gradient of a batch, in parts whose gradients add up to that of the whole."""
        X, target = unpack_data(batch)
        n_parts = min(self.accumulate, len(target))
        if n_parts == 1:
            return super().train_step_single(batch, **fit_params)
        self._set_training(True)
        parts = _chunks(X, target, n_parts)
        if getattr(self.criterion_, "couples_samples", True):
            return self._two_passes(parts, X, target)
        total = self._weight_of(X, target)
        loss, outputs = 0, []
        for part, y in parts:
            logits = self.infer(part)
            # each part has a normaliser of its own, the batch one: that of all its weights
            part_loss = self.get_loss(logits, y, part, training=True)
            part_loss = part_loss * (self._weight_of(part, y) / total)
            part_loss.backward()
            loss, outputs = loss + part_loss.detach(), [*outputs, logits.detach()]
        return {"loss": loss, "y_pred": torch.cat(outputs)}

    def _two_passes(self, parts, X, target):
        """For a loss over the whole batch: its gradient by the logits comes first."""
        with torch.no_grad():
            logits = torch.cat([self.infer(part) for part, _ in parts])
        logits.requires_grad_()
        loss = self.get_loss(logits, target, X, training=True)
        loss.backward()
        gradients = logits.grad.split([len(y) for _, y in parts])
        for (part, _), gradient in zip(parts, gradients, strict=True):
            self.infer(part).backward(gradient)
        return {"loss": loss.detach(), "y_pred": logits.detach()}

    def _weight_of(self, X, target):
        weight = _split(X)[1]
        weight = None if weight is None else weight.to(self.device)
        total = self.criterion_.weights(target.to(self.device), weight).sum()
        return total.clamp_min(torch.finfo(total.dtype).tiny)

    def evaluation_step(self, batch, training=False):
        """Logits of a batch, without gradients."""
        views = batch if torch.is_tensor(batch) else unpack_data(batch)[0]
        self.module_.train(training)
        with torch.inference_mode(not training):
            return self.infer(views)

    def predict(self, X):
        """Indices of the most probable classes, for the scores of skorch's callbacks."""
        return self.forward(X).argmax(1).numpy()

    def __getstate__(self):
        """What prediction needs: optimiser state, callbacks and batch records stay behind."""
        state = self.__dict__.copy()
        left = ("optimizer_", "callbacks_", "criterion_", "_hits")
        for name in [n for n in state if n in left or n.startswith("iterator_train__")]:
            del state[name]
        state.update(module=None, criterion=None, callbacks=None)
        if "history_" in state:
            state["history_"] = History({**row, "batches": []} for row in state["history_"])
        return state

    def __setstate__(self, state):
        self.__dict__.update(state, callbacks_=[])
        if "module_" in state:
            self.__dict__["device"] = str(self.module_.mean.device)


def _split(X):
    """Views and weights of a batch; None where it has no weights."""
    return X if isinstance(X, (list, tuple)) else (X, None)


def _chunks(X, target, n_parts: int) -> list:
    """A batch as (X, target) parts."""
    views, weight = _split(X)
    targets = target.chunk(n_parts)
    sizes = [len(t) for t in targets]
    parts = views.split(sizes)
    if weight is not None:
        parts = list(zip(parts, weight.split(sizes), strict=True))
    return list(zip(parts, targets, strict=True))


class ShuffledLoader(DataLoader):
    """Draws from generators of its own, of which one is for the order alone.

    A plain loader draws from torch's global random state, needed or not.
    """

    def __init__(self, dataset, *, seed: int, shuffle: bool = True, sampler=None, **kwargs):
        if shuffle and sampler is None:
            sampler = RandomSampler(dataset, generator=torch.Generator().manual_seed(seed))
        generator = torch.Generator().manual_seed(seed)  # for the seeds of workers
        super().__init__(dataset, sampler=sampler, **{"generator": generator, **kwargs})


class CosineSchedule(Callback):
    """``lr * (1 + cos(pi e / E)) / 2`` in epoch e of E."""

    def __init__(self, n_epochs: int):
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net, **kwargs):
        """Set the rate before the first batch of the epoch."""
        epoch = len(net.history) - 1
        lr = net.lr * (1 + math.cos(math.pi * epoch / self.n_epochs)) / 2
        for group in net.optimizer_.param_groups:
            group["lr"] = lr
        net.history.record("lr", lr)


class EpochState(Callback):
    """Tells the data which epoch it is, and records the share of training views that were right."""

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Pass the epoch on to the augmentation schedule."""
        net._hits = torch.zeros((), dtype=torch.int64, device=net.device)
        whole = dataset_train.dataset if isinstance(dataset_train, Subset) else dataset_train
        whole.set_epoch(len(net.history) - 1)

    def on_epoch_end(self, net, **kwargs):
        """One synchronisation an epoch."""
        if not net.history[-1, "batches"]:
            raise ValueError("there is no batch to train on: drop_last leaves none that is full")
        n_seen = sum(net.history[-1, "batches", :, "train_batch_size"])
        net.history.record("train_acc", net._hits.item() / n_seen)


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
