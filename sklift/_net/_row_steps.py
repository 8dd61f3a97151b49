"""Steps of a head on rows of features, by gradients in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from skorch.callbacks import Callback
from torch import Tensor
from torch.optim import SGD
from torch.optim.sgd import sgd

from .._data._labelled_rows import LabelledRows
from .._data._prepared_rows import PreparedRows
from ..heads._product import ProductHead
from ..losses._gradient import ClosedGradient
from ._hits import n_hits

# What torch's function takes of a group, besides the rate.
_NUMBERS = ("momentum", "weight_decay", "dampening", "nesterov", "maximize")


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
                hits += n_hits(product.logits, target)
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


def _step_of(optimizer, trained: list[Tensor]) -> Callable[[list[Tensor]], None]:
    """The step of an optimizer, from gradients of the trained tensors."""
    # torch's function reads the memory of weights and gradients in one order
    if type(optimizer) is SGD and all(tensor.is_contiguous() for tensor in trained):
        return FusedSGD(optimizer, trained)

    def step(gradients: list[Tensor]) -> None:
        for tensor, gradient in zip(trained, gradients, strict=True):
            tensor.grad = gradient
        optimizer.step()
        optimizer.zero_grad()

    return step


class FusedSGD:
    """The step of torch's SGD in one pass over the memory, without what surrounds it there.

    Settings, rates and states are those of the optimizer.

    Parameters
    ----------
    optimizer : torch.optim.SGD
        One whose settings are numbers.
    trained : list of Tensor
        Its tensors, which are contiguous.
    """

    def __init__(self, optimizer: SGD, trained: list[Tensor]) -> None:
        self.optimizer, self.groups, places = optimizer, optimizer.param_groups, range(len(trained))
        self.trained = trained
        self.places = [
            [i for i in places if any(trained[i] is p for p in group["params"])]
            for group in self.groups
        ]

    def __call__(self, gradients: list[Tensor]) -> None:
        """Change the tensors and their momentum."""
        for group, places in zip(self.groups, self.places, strict=True):
            if not places:
                continue
            states = [self.optimizer.state[self.trained[i]] for i in places]
            buffers = [state.get("momentum_buffer") for state in states]
            is_first = group["momentum"] and buffers[0] is None
            sgd(
                [self.trained[i] for i in places],
                [gradients[i] for i in places],
                buffers,
                fused=True,
                foreach=False,
                lr=group["lr"],
                **{name: group[name] for name in _NUMBERS},
            )
            if is_first:
                for state, buffer in zip(states, buffers, strict=True):
                    state["momentum_buffer"] = buffer
