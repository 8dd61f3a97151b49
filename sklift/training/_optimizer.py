"""The base of the optimizer recipes, with the settings that all optimizers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator
from torch.optim import Optimizer

from .._core._recipes import check_real
from ._schedules import rate_factors

__all__ = ["OptimizerRecipe", "Schedule", "SharedSettings", "shared_settings"]

Schedule = str | Callable[[int, int], float]


class OptimizerRecipe(BaseEstimator):
    """Base of the optimizer recipes: the settings that all optimizers share, and ``build``.

    Your own recipe need not be derived from it: any object with a method ``build(groups, lr,
    weight_decay)`` will do. The settings below then have their defaults, unless the object has
    attributes of these names.

    Parameters
    ----------
    schedule : {"cosine", "linear", "constant"} or callable, default="cosine"
        The factor of the learning rate in each epoch: from 1 towards 0 along a half cosine or a
        line, or constantly 1. A callable gets ``(epoch, n_epochs)``, where epochs count from 0.
    warmup_epochs : float, default=0.0
        Number of epochs (or part of one) in which the rate grows from 0 to its scheduled value,
        batch by batch.
    head_lr_factor : float, default=1.0
        Factor of the head's learning rate: 10 trains the head ten times as fast as the adapter,
        0 leaves it at its start.
    clip_grad_norm : float, optional
        The largest norm of the gradient of all trained weights together. A longer gradient is
        scaled down to it.

    Examples
    --------
    Your own optimizer:

    >>> import torch
    >>> from sklift import LiftClassifier
    >>> from sklift.training import OptimizerRecipe
    >>> class Adafactor(OptimizerRecipe):
    ...     def __init__(self, decay=-0.8, warmup_epochs=0.5):
    ...         self.decay = decay
    ...         self.warmup_epochs = warmup_epochs
    ...     def build(self, groups, lr, weight_decay):
    ...         return torch.optim.Adafactor(
    ...             groups, lr=lr, weight_decay=weight_decay, beta2_decay=self.decay
    ...         )
    >>> clf = LiftClassifier(optimizer=Adafactor(), lr=1e-3)
    >>> clf.set_params(optimizer__decay=-0.5).optimizer
    Adafactor(decay=-0.5)
    """

    schedule: Schedule = "cosine"
    warmup_epochs: float = 0.0
    head_lr_factor: float = 1.0
    clip_grad_norm: float | None = None

    def check(self) -> None:
        """Raise an error for settings that are out of range, before anything is computed."""

    def build(self, groups: list[dict[str, Any]], lr: float, weight_decay: float) -> Optimizer:
        """Return the optimizer.

        Parameters
        ----------
        groups : list of dict
            Groups of trained weights, in the form of torch's optimizers: ``{"params": [...]}``,
            with an ``"lr"`` if it differs.
        lr, weight_decay : float
            The parameters of the estimator.

        Returns
        -------
        optimizer : torch.optim.Optimizer
            Its ``step`` must call the given closure, as torch's optimizers do.
        """
        raise NotImplementedError(f"{type(self).__name__} must define build")


@dataclass(frozen=True)
class SharedSettings:
    """The settings that all optimizers share, validated.

    ``factors``: factors of the learning rate, one for each epoch.
    """

    factors: list[float]
    warmup_epochs: float
    head_lr_factor: float
    clip_grad_norm: float | None


def shared_settings(recipe, n_epochs: int) -> SharedSettings:
    """Return the settings that all optimizers share, see :class:`OptimizerRecipe`.

    Parameters
    ----------
    recipe : object
        A recipe of an optimizer. Settings without an attribute have their defaults.
    n_epochs : int
        Number of epochs.

    Returns
    -------
    settings : SharedSettings
        The validated settings.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of range or of a wrong type.

    Examples
    --------
    >>> from sklift.training import SGD
    >>> from sklift.training._optimizer import shared_settings
    >>> shared_settings(SGD(schedule="linear", clip_grad_norm=1), n_epochs=2)
    SharedSettings(factors=[1.0, 0.5], warmup_epochs=0.0, head_lr_factor=1.0, clip_grad_norm=1.0)
    """

    def setting(name: str):
        return getattr(recipe, name, getattr(OptimizerRecipe, name))

    def real(name: str, **limits) -> float:
        return check_real(setting(name), f"optimizer__{name}", minimum=0, **limits)

    no_clipping = setting("clip_grad_norm") is None
    return SharedSettings(
        rate_factors(setting("schedule"), n_epochs),
        real("warmup_epochs"),
        real("head_lr_factor"),
        None if no_clipping else real("clip_grad_norm", include_boundaries="neither"),
    )
