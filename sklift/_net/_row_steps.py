"""Steps of a head on rows of features, by gradients in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor
from torch.optim import SGD

from .._data._labelled_rows import LabelledRows
from .._data._prepared_rows import PreparedRows
from ..heads._product import ProductHead
from ..losses._gradient import ClosedGradient


class RowSteps:
    """Epochs of a net whose only trained weights are those of a head on rows of features.

    They are those of skorch, without what it needs for models of any kind: no graph is recorded,
    features are prepared once, and callbacks are called only for what they wait for. They are not
    given batches or predictions.

    Parameters
    ----------
    net : LiftNet
        An initialised net. Its loss has a gradient in closed form, its head is a product.
    rows : LabelledRows
        The training data, or those of which they are a subset.
    """

    def __init__(self, net, rows: LabelledRows) -> None:
        self.net = net  # which lets go of the steps after training
        self.head: ProductHead = net.module_.head
        prepares = type(self.head).prepared is not ProductHead.prepared
        with torch.no_grad():
            prepare = self.head.prepared if prepares else None
            self.rows = PreparedRows(rows, prepare, self.head.weight.dtype)
            self.gradient = ClosedGradient(net.criterion_, self.head.weight.dtype)

    def epoch(self, batches: Iterable[Tensor]) -> None:
        """Train on batches of the rows with the given indices."""
        net, head = self.net, self.head
        before, between, after = map(self._waiting, ("batch_begin", "grad_computed", "batch_end"))
        trained = [head.weight] if head.bias is None else [head.weight, head.bias]
        step = _step_of(net.optimizer_, trained)
        records, hits = net.history[-1]["batches"], net.hits["train"]
        net.module_.train()
        net.criterion_.train()
        n = 0
        with torch.no_grad():
            for x, target, weight in self.rows.batches(batches):
                records.append({})
                _call(before, net)
                product = head.product(x)
                loss, pull = self.gradient(product.logits, target, weight)
                vars(net)["last_loss"] = loss  # skorch would compare the name with many others
                # NumPy finds the largest four times as fast as torch
                found = product.logits.numpy().argmax(1)
                hits += np.count_nonzero(found == target.numpy())
                gradients = product.gradients(pull)
                _call(between, net)
                step(gradients)
                records[-1].update(train_loss=loss, train_batch_size=x.shape[0])
                _call(after, net)
                n += 1
        net.history.record("train_batch_count", n)

    def _waiting(self, event: str) -> list[Callable]:
        """The methods of those callbacks that do something at an event."""
        name = f"on_{event}"
        nothing = getattr(Callback, name)
        callbacks = [callback for _, callback in self.net.callbacks_]
        return [getattr(c, name) for c in callbacks if getattr(type(c), name) is not nothing]


def _call(methods: list[Callable], net) -> None:
    for method in methods:
        method(net, training=True)


def _step_of(optimizer, trained: list[Tensor]) -> Callable[[Iterable[Tensor]], None]:
    """The step of an optimizer, from gradients of the trained tensors."""
    if type(optimizer) is SGD:
        return PlainSGD(optimizer, trained)

    def step(gradients: Iterable[Tensor]) -> None:
        for tensor, gradient in zip(trained, gradients, strict=True):
            tensor.grad = gradient
        optimizer.step()
        optimizer.zero_grad()

    return step


class PlainSGD:
    """The step of torch's SGD, operation by operation, without what surrounds it there.

    Rates and states are those of the optimizer. Its settings must be those of
    :class:`sklift.training.SGD`.

    Parameters
    ----------
    optimizer : torch.optim.SGD
    trained : list of Tensor
        Its tensors.
    """

    def __init__(self, optimizer: SGD, trained: list[Tensor]) -> None:
        groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
        self.parts = [(p, groups[id(p)], optimizer.state[p]) for p in trained]

    def __call__(self, gradients: Iterable[Tensor]) -> None:
        """Change the tensors, and the gradients as well."""
        for (tensor, group, state), gradient in zip(self.parts, gradients, strict=True):
            momentum, decay = group["momentum"], group["weight_decay"]
            step = gradient
            if decay:
                gradient.add_(tensor, alpha=decay)
            if momentum:
                buffer = state.get("momentum_buffer")
                if buffer is None:
                    buffer = state["momentum_buffer"] = gradient.clone()
                else:
                    buffer.mul_(momentum).add_(gradient)
                step = gradient.add_(buffer, alpha=momentum) if group["nesterov"] else buffer
            tensor.add_(step, alpha=-group["lr"])
