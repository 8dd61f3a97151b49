"""The net: forward pass, loss and gradient of a batch."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, PassthroughScoring
from skorch.dataset import unpack_data
from skorch.history import History

from .._compute._micro_batches import MOST_VALUES, MicroBatches, free_memory, is_out_of_memory
from ._batches import chunks, split
from ._callbacks import BestEpoch
from ._columns import packed, unpacked
from ._gradients import first_gradients
from ._history import figures_of
from ._hits import n_hits


class LiftNet(ClassifierMixin, NeuralNet):
    """Trains the unfrozen weights of a :class:`~sklift._model.TunedModel` in mixed precision.

    Batches are ``(views, target)`` or ``((views, weight), target)``, as
    :class:`sklift.images._dataset.TrainViews` gives them. ``precision`` is the ``torch.dtype`` of
    matrix products, ``accumulate`` the number of parts in which the gradient of a batch is
    computed, ``regularizer`` a :class:`~sklift.regularizers.Regularizer` or None, and ``mixing`` a
    :class:`~sklift._net.Mixing` of the pictures of a batch or None.

    Target and weight of a mixed batch have two columns. Its loss is the weighted sum of the losses
    for the two columns, with the weights ``share`` and ``1 - share``.
    """

    interrupted = False  # whether Ctrl-C was pressed during the batch
    planned_epochs: int | None = None  # how many fit into the time, if there is a limit
    out_of_time = False  # whether the time was up during an epoch
    stopping = False  # whether a callback has asked to stop after the epoch
    share = 1.0  # share of the first labels of a mixed batch
    has_gradients = False  # whether a first step has shown that all trained weights get gradients
    row_steps = None  # a RowSteps that trains the epochs, where there is one
    is_first = True  # of several processes, whether this is the one that writes
    target_ndim = 1  # of the targets of a batch that is not mixed
    hyperparameters: dict = {}  # of the fit, by name, as callbacks write them down

    def __init__(
        self,
        module,
        criterion,
        *,
        precision=torch.float32,
        accumulate=1,
        regularizer=None,
        mixing=None,
        **kwargs,
    ):
        self.precision = precision
        self.accumulate = accumulate
        self.regularizer = regularizer
        self.mixing = mixing
        # of predict_proba, for scoring callbacks; skorch guesses it for losses of torch only
        kwargs.setdefault("predict_nonlinearity", partial(torch.softmax, dim=-1))
        super().__init__(module, criterion, **kwargs)
        self._in_parts = MicroBatches()

    def get_default_callbacks(self):
        """The callbacks that every fit has."""
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
        ]

    def get_all_learnable_params(self):
        """Names and values of the trained weights; frozen ones never reach the optimizer."""
        return ((n, p) for n, p in super().get_all_learnable_params() if p.requires_grad)

    def get_params_for_optimizer(self, prefix, named_parameters):
        """Groups of weights. Weight decay applies to weights of the model, not of the loss."""
        named, losses = list(named_parameters), self.loss_parameters().values()
        models = [(n, p) for n, p in named if not any(p is other for other in losses)]
        (groups,), settings = super().get_params_for_optimizer(prefix, models)
        if losses:
            groups.append({"params": list(losses), "weight_decay": 0.0})
        return (groups,), settings

    def _loss_tensors(self) -> dict[str, torch.Tensor]:
        """Parameters and buffers of the loss that are not the model's, by name."""
        models = {id(t) for t in self.module_.state_dict(keep_vars=True).values()}
        state = self.criterion_.state_dict(keep_vars=True)
        return {n: t for n, t in state.items() if torch.is_tensor(t) and id(t) not in models}

    def loss_parameters(self) -> dict[str, torch.Tensor]:
        """Trained parameters of the loss, such as a threshold, by name."""
        return {n: t for n, t in self._loss_tensors().items() if t.requires_grad}

    def autocast(self):
        """Context of mixed precision; for float32 it does nothing."""
        if self.precision not in (torch.bfloat16, torch.float16):
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, self.precision)

    def infer(self, x, **fit_params):
        """Logits of a batch of views, weighted or not, in float32 or float64."""
        with self.autocast():
            logits = super().infer(split(x)[0], **fit_params)
        return logits if logits.dtype == torch.float64 else logits.float()

    @property
    def figures(self) -> dict[str, float]:
        """Figures of the last epoch, as ``history_`` has them, for callbacks."""
        return figures_of(self.history[-1])

    @property
    def has_terms(self) -> bool:
        """True if the regularizer has a term for each sample."""
        return self.regularizer is not None and self.regularizer.sees_samples

    def train_infer(self, X):
        """Logits of a batch; with a regularizer, its terms of the samples are an extra column.

        So the terms take the same way as the logits: through parts, two passes, and processes.
        """
        if not self.has_terms:
            return self.infer(X)
        with self.autocast():
            outputs = self.module_.outputs(split(X)[0].to(self.device))
        return torch.cat([outputs.logits, self.regularizer.terms(outputs)[:, None]], 1)

    def get_loss(self, y_pred, y_true, X=None, training=False, total=None):
        """Loss of a batch. Hits are counted on the device, without waiting for it.

        In training, ``y_pred`` is the output of :meth:`train_infer`. ``total`` is given for a part
        of a batch: the sum of the weights of the batch. The result is then the part's contribution.
        """
        labels = self._labels(X, y_true)
        has_terms = training and self.has_terms
        logits = y_pred[:, :-1] if has_terms else y_pred
        main = labels[0][1] if len(labels) == 1 else max(labels, key=lambda label: label[0])[1]
        self.hits["train" if training else "valid"] += self.n_right(logits.detach(), main)
        losses = []
        for _, target, weight in labels:
            loss = self.criterion_(logits, target, weight)
            if has_terms:
                loss = loss + self._mean(y_pred[:, -1], target, weight)
            if total is not None:  # the loss of a part is divided by the part's own weights
                loss = loss * (self._sum_of_weights(target, weight) / total)
            losses.append(loss)
        if len(labels) == 1:
            return losses[0]
        return sum(label[0] * loss for label, loss in zip(labels, losses, strict=True))

    def n_right(self, logits, target):
        """Number of samples whose label is predicted."""
        return n_hits(logits, target)

    def _mean(self, terms, target, weight):
        """Mean of the samples' terms, weighted as the loss weighs the samples."""
        weights = self.criterion_.weights(target, weight, terms.dtype)
        return (weights * terms).sum() / weights.sum().clamp_min(torch.finfo(terms.dtype).tiny)

    def _labels(self, X, y_true) -> list[tuple]:
        """List of (share, target, weight): one entry, or two for a mixed batch."""
        target, weight = y_true.to(self.device), split(X)[1]
        weight = None if weight is None else weight.to(self.device)
        if target.ndim == self.target_ndim:
            return [(1.0, target, weight)]
        weights = (None, None) if weight is None else weight.unbind(1)
        shares = (self.share, 1 - self.share)
        return list(zip(shares, target.unbind(1), weights, strict=True))

    def _mixed(self, X, target):
        """The batch after the mixing of its pictures, if there is a mixing augmentation."""
        if self.mixing is None:
            return X, target
        views, weight = split(X)
        where = (len(self.history) - 1, len(self.history[-1]["batches"]) - 1)
        mixed = self.mixing(views.to(self.device), target, weight, *where)
        views, target, weight, self.share = mixed
        return (views if weight is None else (views, weight)), target

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train or validate for an epoch."""
        if training and self.row_steps is not None and iterator.takes_rows():
            self.row_steps.epoch(iterator.index_batches())
        else:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)

    def train_step_single(self, batch, **fit_params):
        """Loss and gradient of a batch, with the terms of the regularizer."""
        step = self._regularized(self._step_that_fits(*unpack_data(batch)))
        self.last_loss = step["loss"].item()
        return step

    def _step_that_fits(self, X, target) -> dict:
        """Loss and gradient of a batch, in as many parts as the memory requires."""
        X, target = self._mixed(X, target)
        hits = self.hits["train"].clone()
        while True:
            try:
                return self._step(X, target)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if self.accumulate >= len(target) or not is_out_of_memory(error):
                    raise
                self.accumulate *= 2
            # Outside of the handler, which would keep the tensors of the failed attempt alive.
            self.optimizer_.zero_grad()
            self.hits["train"] = hits.clone()
            free_memory(self.device)

    def _step(self, X, target) -> dict:
        """Loss and gradient of a batch, in parts whose gradients add up to the gradient."""
        with first_gradients(self, split(X)[0]):
            return self._step_in_parts(X, target)

    def _step_in_parts(self, X, target) -> dict:
        couples = getattr(self.criterion_, "couples_samples", True)
        n_parts = min(max(self.accumulate, 1 if couples else self._n_parts(X)), len(target))
        self.module_.train()
        if isinstance(self.criterion_, torch.nn.Module):
            self.criterion_.train()
        if n_parts == 1:
            logits = self.train_infer(X)
            loss = self.get_loss(logits, target, X, training=True)
            loss.backward()
            return {"loss": loss.detach(), "y_pred": logits.detach()}
        parts = chunks(X, target, n_parts)
        if couples:
            return self._two_passes(parts, X, target)
        total = self._weight_of(X, target)
        loss = 0
        outputs: list[torch.Tensor] = []
        for part, y in parts:
            logits = self.train_infer(part)
            part_loss = self.get_loss(logits, y, part, training=True, total=total)
            part_loss.backward()
            loss, outputs = loss + part_loss.detach(), [*outputs, logits.detach()]
        return {"loss": loss, "y_pred": torch.cat(outputs)}

    def _n_parts(self, X) -> int:
        """Number of parts that saves memory at no cost: a CPU is as fast with 8 views of 224 px."""
        views = split(X)[0]
        if torch.device(self.device).type != "cpu" or views.ndim < 3:
            return 1
        return -(-views.numel() // MOST_VALUES)

    def _two_passes(self, parts, X, target):
        """Step for a loss that couples samples: first the logits' gradient, then the weights'."""
        with torch.no_grad():
            logits = torch.cat([self.train_infer(part) for part, _ in parts])
        logits.requires_grad_()
        loss = self.get_loss(logits, target, X, training=True)
        loss.backward()
        gradients = logits.grad.split([len(y) for _, y in parts])
        for (part, _), gradient in zip(parts, gradients, strict=True):
            self.train_infer(part).backward(gradient)
        return {"loss": loss.detach(), "y_pred": logits.detach()}

    def _regularized(self, step: dict) -> dict:
        """The step of a whole batch, plus the regularizer's term of the model and its gradient."""
        if self.regularizer is None:
            return step
        if self.has_terms and step["y_pred"] is not None:
            step = {**step, "y_pred": step["y_pred"][:, :-1]}
        term = self.regularizer.term_of_batch(self.module_)
        if term is None:
            return step
        if term.requires_grad:
            term.backward()
        return {**step, "loss": step["loss"] + term.detach().to(step["loss"])}

    def _weight_of(self, X, target):
        """Sum of the weights of a batch, by which its loss is divided."""
        _, target, weight = self._labels(X, target)[0]  # both labels have the same sum
        return self._sum_of_weights(target, weight)

    def _sum_of_weights(self, target, weight):
        total = self.criterion_.weights(target, weight).sum()
        return total.clamp_min(torch.finfo(total.dtype).tiny)

    def evaluation_step(self, batch, training=False):
        """Logits of a batch, without gradients."""
        views = batch if torch.is_tensor(batch) else unpack_data(batch)[0]
        self.module_.train(training)
        with torch.inference_mode(not training):
            return self._in_parts(self.infer, split(views)[0], self.device)

    def training_state(self) -> dict:
        """State from which training can continue, as tensors and plain values."""
        rows, resumed = self.history.to_list(), None
        if "train_acc" not in rows[-1]:  # in the middle of an epoch
            rows = rows[:-1]
            keys = ("train_loss", "train_batch_size")
            batches = [{k: row[k] for k in keys} for row in self.history[-1, "batches"]]
            resumed = {"batches": packed(batches), "hits": self.hits["train"].item()}
        best = [c.state for _, c in self.callbacks_ if isinstance(c, BestEpoch)]
        return {
            "weights": self.module_.trained_state(),
            "loss": {n: t.detach().cpu().clone() for n, t in self._loss_tensors().items()},
            "optimizer": self.optimizer_.state_dict(),
            "history": packed(rows),
            "resumed": resumed,
            "best": best[0] if best else None,
            "random_state": torch.get_rng_state(),
            "accumulate": self.accumulate,
            "stopping": self.stopping,
            "regularizer": self.regularizer_state(),
        }

    def regularizer_state(self) -> dict:
        """Tensors that the regularizer remembers of the start of training, on the CPU."""
        state = {} if self.regularizer is None else self.regularizer.state_dict()
        return {name: tensor.cpu() for name, tensor in state.items()}

    def restore(self, state: dict) -> None:
        """Restore a state that :meth:`training_state` returned."""
        self.module_.load_trained_state(state["weights"])
        with torch.no_grad():
            for name, tensor in self._loss_tensors().items():
                tensor.copy_(state["loss"][name])
        self.optimizer_.load_state_dict(state["optimizer"])
        self.history.extend({**row, "batches": []} for row in unpacked(state["history"]))
        if self.regularizer is not None:
            self.regularizer.load_state_dict(state["regularizer"])
        self.accumulate = state["accumulate"]
        self.stopping = state["stopping"]
        torch.set_rng_state(state["random_state"])

    def take_over(self, optimizer: torch.optim.Optimizer, loss: torch.nn.Module) -> None:
        """Take over the parameters of an earlier loss, and the state of an earlier optimizer.

        Parameters of the loss must have the same name and shape, the optimizer the same class; what
        does not fit is not taken over.
        """
        state = dict(optimizer.state) if type(optimizer) is type(self.optimizer_) else {}
        ours = self.loss_parameters()
        with torch.no_grad():
            for name, parameter in loss.named_parameters():
                if name in ours and ours[name].shape == parameter.shape:
                    ours[name].copy_(parameter)
                    if parameter in state:
                        state[ours[name]] = state[parameter]
        held = {id(p) for group in self.optimizer_.param_groups for p in group["params"]}
        self.optimizer_.state.update({p: s for p, s in state.items() if id(p) in held})

    @property
    def classes_(self) -> np.ndarray:
        """Indices of the classes: the labels that skorch's scoring callbacks see."""
        return np.arange(self.module_.n_classes)

    def predict(self, X):
        """Indices of the most probable classes, for skorch's scoring callbacks."""
        return self.forward(X).argmax(1).numpy()

    def __getstate__(self):
        """State for pickle, without optimizer, callbacks and records of batches."""
        state = self.__dict__.copy()
        left = ("optimizer_", "callbacks_", "criterion_", "hits", "last_loss", "row_steps")
        for name in [n for n in state if n in left or n.startswith("iterator_train__")]:
            del state[name]
        left_empty = dict.fromkeys(("module", "criterion", "callbacks", "regularizer", "mixing"))
        state.update(left_empty, _in_parts=MicroBatches())
        if "history_" in state:
            state["history_"] = History({**row, "batches": []} for row in state["history_"])
        return state

    def __setstate__(self, state):
        self.__dict__.update(state, callbacks_=[])
        if "module_" in state:
            self.__dict__["device"] = str(self.module_.mean.device)
