"""Heads of several candidates on the same features, trained as one tensor program."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .._compute._determinism import deterministic
from .._net import LearningRates, figures_of
from ..heads._product import Product
from ..losses import Loss
from ..training._optimizer import shared_settings
from ._loss_groups import grouped
from ._training import Training

# Weights of a stack: larger ones, with gradient and momentum, don't stay in a core's cache.
MOST_WEIGHTS = 1 << 19


class Stack:
    """Heads on the same features, in the same order of batches, with rows stacked.

    Parameters
    ----------
    trainings : list of Training
        Whose models differ in their starts and scales alone; their heads are
        :class:`~sklift.heads._product.ProductHead`.
    losses : list of Loss
        The loss of each.
    X : Tensor of shape (n_samples, n_features), optional
        The prepared features, if another stack has them.
    """

    def __init__(
        self, trainings: Sequence[Training], losses: Sequence[Loss], X: Tensor | None = None
    ):
        first = trainings[0]
        self.plan, self.order = first.plan, first.order
        self.n_epochs = first.settings.max_epochs
        rows, heads = first.dataset, [t.model.head for t in trainings]
        self.head = heads[0]
        device, dtype = first.plan.device, self.head.weight.dtype
        if X is None:
            with torch.no_grad():
                X = self.head.prepared(torch.tensor(rows.views[:, 0], device=device).to(dtype))
        self.X = X
        self.target = rows.codes.to(device)
        self.weight = None if rows.weights is None else rows.weights.to(device)
        some = slice(None, first.plan.batch_size)
        with torch.no_grad():
            logits = self.head(torch.tensor(rows.views[some, 0], device=device))
        weight = None if self.weight is None else self.weight[some]
        groups, places = grouped(losses, logits, self.target[some], weight)
        # Members of a group lie side by side, so that a group reads a part of the logits.
        self.places = [i for members in places for i in members]
        self.trainings = [trainings[i] for i in self.places]
        heads = [heads[i] for i in self.places]
        self.groups = groups
        self.rows = torch.stack([h.weight.detach() for h in heads])
        self.bias = None
        if self.head.bias is not None:
            self.bias = torch.stack([h.bias.detach() for h in heads])
        scales = [1.0 if h.scale is None else h.scale for h in heads]
        self.scale = torch.tensor(scales, device=device, dtype=dtype)
        self.heads = heads

    def run(self) -> tuple[list[list[dict]], list[bool]]:
        """Train the heads.

        Returns
        -------
        histories : list of list of dict
            The figures of each epoch, of each training in :attr:`trainings`.
        is_finite : list of bool
            Whether losses and weights stayed finite.
        """
        steps = _Optimizers(self.trainings, self.rows, self.bias)
        histories: list[list[dict]] = [[] for _ in self.trainings]
        finite = torch.ones(len(self.trainings), dtype=torch.bool, device=self.rows.device)
        with deterministic(self.plan.device):
            for epoch in range(self.n_epochs):
                begun = time.perf_counter()
                losses, hits, sizes = self._epoch(epoch, steps)
                finite &= losses.isfinite().all(0) & self.rows.isfinite().all(2).all(1)
                means = np.average(losses.double().cpu().numpy(), axis=0, weights=sizes)
                accuracies = hits.cpu().numpy() / sum(sizes)
                seconds = (time.perf_counter() - begun) / len(self.trainings)
                rates = steps.rates()
                for row in zip(histories, means, rates, accuracies, strict=True):
                    keys = ("train_loss", "lr", "train_acc", "dur")
                    row[0].append(figures_of(dict(zip(keys, (*row[1:], seconds), strict=True))))
        with torch.no_grad():
            for i, head in enumerate(self.heads):
                head.weight.copy_(self.rows[i])
                if self.bias is not None:
                    head.bias.copy_(self.bias[i])
        return histories, finite.tolist()

    def _epoch(self, epoch: int, steps: _Optimizers) -> tuple[Tensor, Tensor, list[int]]:
        """One pass: losses of the batches, numbers of hits, and sizes of the batches."""
        self.order.start(epoch)
        order = torch.from_numpy(self.order.indices()).to(self.rows.device)
        batches = order.split(int(self.plan.batch_size))
        hits = torch.zeros(len(self.trainings), dtype=torch.int64, device=self.rows.device)
        losses = []
        for i, batch in enumerate(batches):
            steps.set_rates(epoch, i, len(batches))
            x, y = self.X.index_select(0, batch), self.target.index_select(0, batch)
            weight = None if self.weight is None else self.weight.index_select(0, batch)
            logits, loss, pull = self._forward(x, y, weight)
            hits += (logits.argmax(2) == y[:, None]).sum(0)
            steps(pull)
            losses.append(loss)
        return torch.stack(losses), hits, [len(batch) for batch in batches]

    def _forward(self, x: Tensor, y: Tensor, weight: Tensor | None):
        """Logits ``(B, n, n_classes)``, losses ``(n,)`` and the gradients of rows and bias."""
        n, n_classes, _ = self.rows.shape
        flat, scale = self.rows.flatten(0, 1), self.scale.repeat_interleave(n_classes)
        bias = None if self.bias is None else self.bias.flatten()
        product = Product(x, flat, scale, bias, self.head.has_unit_rows)
        logits = product.logits.view(len(x), n, n_classes).requires_grad_()
        loss = self._losses(logits, y, weight)
        loss.sum().backward()
        assert logits.grad is not None
        gradients = product.gradients(logits.grad.flatten(1))
        of_rows, *of_bias = (g.unflatten(0, (n, n_classes)) for g in gradients)
        return logits.detach(), loss.detach(), (of_rows, *of_bias)

    def _losses(self, logits: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
        parts = logits.split([len(group) for group in self.groups], dim=1)
        found = [group(part, y, weight) for group, part in zip(self.groups, parts, strict=True)]
        return torch.cat(found)


class _Optimizers:
    """Optimizers of stacked rows: one for each run of neighbours with the same settings.

    They work on views of the stack, element by element, as the optimizer of each would; fused, in
    one pass over the memory.
    """

    def __init__(self, trainings: Sequence[Training], rows: Tensor, bias: Tensor | None):
        self.parts, self.optimizers, self.shared = [], [], []
        keys = [optimizer_key(training) for training in trainings]
        starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
        for start, stop in zip(starts, [*starts[1:], len(keys)], strict=True):
            settings = trainings[start].settings
            part = slice(start, stop)
            views = [rows[part]] if bias is None else [rows[part], bias[part]]
            shared = shared_settings(settings.optimizer, settings.max_epochs)
            lr = float(settings.lr)
            group = {"params": views, "fused": True}
            optimizer = settings.optimizer.build([group], lr, float(settings.weight_decay))
            self.parts.append((part, views))
            self.shared.append((shared, lr, lr * shared.head_lr_factor))
            self.optimizers.append(optimizer)
        self._factors = [1.0] * len(self.parts)

    def set_rates(self, epoch: int, i: int, n_batches: int) -> None:
        """Set the rates of a batch: those of its epoch, lower during a warm-up."""
        for k, (shared, _, initial) in enumerate(self.shared):
            factor = shared.factors[epoch]
            if epoch < shared.warmup_epochs:
                factor *= LearningRates.warmed(epoch + (i + 1) / n_batches, shared.warmup_epochs)
            self._factors[k] = factor
            self.optimizers[k].param_groups[0]["lr"] = initial * factor

    def rates(self) -> list[float]:
        """The rate of each training, as its history has it."""
        return [
            lr * factor
            for (part, _), (_, lr, _), factor in zip(
                self.parts, self.shared, self._factors, strict=True
            )
            for _ in range(part.start, part.stop)
        ]

    def __call__(self, gradients: tuple[Tensor, Tensor | None]) -> None:
        for (part, views), optimizer in zip(self.parts, self.optimizers, strict=True):
            for view, gradient in zip(views, gradients, strict=False):
                assert gradient is not None
                view.grad = gradient[part]
            optimizer.step()


def optimizer_key(training: Training) -> str:
    """A text that is equal for trainings whose optimizers may work as one."""
    settings = training.settings
    recipe = settings.optimizer
    return f"{type(recipe)} {recipe.get_params()} {settings.lr} {settings.weight_decay}"
