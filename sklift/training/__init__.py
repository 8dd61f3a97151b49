"""Recipes of training: samplers, optimizers, the computation, checkpoints, and its records."""

from __future__ import annotations

from torch.optim import Optimizer

from .._core._recipes import resolve
from ._adam import Adam, AdamW
from ._checkpoint import Checkpoint, resolve_checkpoint
from ._compute import Compute, resolve_compute
from ._optimizer import OptimizerRecipe
from ._runs import MLflowRuns, TensorBoardRuns, WandbRuns
from ._samplers import Balanced, Power, SquareRoot
from ._schedules import SCHEDULES
from ._sgd import SGD
from ._torch_optimizer import TorchOptimizer

__all__ = [
    "OPTIMIZERS",
    "SAMPLERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Balanced",
    "Checkpoint",
    "Compute",
    "MLflowRuns",
    "OptimizerRecipe",
    "Power",
    "SquareRoot",
    "TensorBoardRuns",
    "TorchOptimizer",
    "WandbRuns",
    "resolve_checkpoint",
    "resolve_compute",
    "resolve_optimizer",
    "resolve_sampler",
]

SAMPLERS = {
    "balanced": Balanced,
    "sqrt": SquareRoot,
    "power": Power,
}

OPTIMIZERS = {
    "sgd": SGD,
    "adamw": AdamW,
    "adam": Adam,
}


def resolve_sampler(value):
    """Return the sampler recipe that ``value`` names or is.

    Parameters
    ----------
    value : str, recipe or None
        A key of ``SAMPLERS``, or an object with a method ``probabilities(codes, class_counts)``.
        None: each sample is drawn once an epoch.

    Returns
    -------
    recipe : object or None

    Raises
    ------
    ValueError
        If ``value`` is an unknown name.
    TypeError
        If ``value`` is a class, or has no method ``probabilities``.

    Examples
    --------
    >>> from sklift.training import resolve_sampler
    >>> resolve_sampler("power")
    Power()
    """
    if value is None:
        return None
    return resolve(value, SAMPLERS, "sampler", method="probabilities")


def resolve_optimizer(value):
    """Return the optimizer recipe that ``value`` names or is.

    Parameters
    ----------
    value : str, recipe or class
        A key of ``OPTIMIZERS``, an object with a method ``build(groups, lr, weight_decay)``, or an
        optimizer class of torch, which is wrapped in :class:`TorchOptimizer`.

    Returns
    -------
    recipe : object

    Raises
    ------
    ValueError
        If ``value`` is an unknown name.
    TypeError
        If ``value`` is the class of a recipe, or none of the above.

    Examples
    --------
    >>> import torch
    >>> from sklift.training import resolve_optimizer
    >>> resolve_optimizer("sgd")
    SGD()
    >>> resolve_optimizer(torch.optim.RMSprop).build
    <bound method TorchOptimizer.build of TorchOptimizer(optimizer_class=<class ...RMSprop'>)>
    """
    if isinstance(value, type) and not hasattr(value, "build"):
        if not issubclass(value, Optimizer):
            raise TypeError(
                f"optimizer must be one of {sorted(OPTIMIZERS)}, an object with a 'build' method, "
                f"or a torch.optim.Optimizer class; got {value!r}"
            )
        value = TorchOptimizer(value)
    return resolve(value, OPTIMIZERS, "optimizer")
