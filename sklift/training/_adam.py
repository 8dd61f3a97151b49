"""Recipes of the optimizers Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import optim

from .._core._recipes import check_real
from ._optimizer import OptimizerRecipe, Schedule

__all__ = ["Adam", "AdamW"]


class _AdamRecipe(OptimizerRecipe):
    """Base of Adam and AdamW: their common settings."""

    def __init__(
        self,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        schedule: Schedule = "cosine",
        warmup_epochs: float = 0.0,
        head_lr_factor: float = 1.0,
        clip_grad_norm: float | None = None,
    ) -> None:
        self.betas = betas
        self.eps = eps
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.head_lr_factor = head_lr_factor
        self.clip_grad_norm = clip_grad_norm

    def check(self) -> None:
        """Raise an error for betas or an eps out of range."""
        self._settings()

    def _settings(self) -> dict[str, Any]:
        said = f"optimizer__betas must be two numbers, got {self.betas!r}"
        if isinstance(self.betas, str) or not hasattr(self.betas, "__len__"):
            raise TypeError(said)
        if len(self.betas) != 2:
            raise ValueError(said)
        first, second = (
            check_real(beta, "optimizer__betas", minimum=0, maximum=1, include_boundaries="left")
            for beta in self.betas
        )
        return {"betas": (first, second), "eps": check_real(self.eps, "optimizer__eps", minimum=0)}


class AdamW(_AdamRecipe):
    """Adam with decoupled weight decay.

    It needs a smaller learning rate than SGD, for instance 1e-3.

    Parameters
    ----------
    betas : two floats, default=(0.9, 0.999)
        Decay factors of the running means of the gradient and of its square, in [0, 1).
    eps : float, default=1e-8
        Number that is added to the root of the mean of squares, >= 0.
    schedule, warmup_epochs, head_lr_factor, clip_grad_norm
        See :class:`OptimizerRecipe`.

    References
    ----------
    Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv 1711.05101.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> clf = LiftClassifier(optimizer="adamw", lr=1e-3)
    >>> clf.set_params(optimizer__warmup_epochs=0.5).optimizer
    AdamW(warmup_epochs=0.5)
    """

    def build(self, groups: list[dict[str, Any]], lr: float, weight_decay: float) -> optim.AdamW:
        """Return the optimizer, see :meth:`OptimizerRecipe.build`."""
        return optim.AdamW(groups, lr=lr, weight_decay=weight_decay, **self._settings())


class Adam(_AdamRecipe):
    """Adam with weight decay as a part of the gradient.

    Parameters
    ----------
    betas, eps
        See :class:`AdamW`.
    schedule, warmup_epochs, head_lr_factor, clip_grad_norm
        See :class:`OptimizerRecipe`.

    References
    ----------
    Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv 1412.6980.

    Examples
    --------
    >>> from sklift.training import Adam
    >>> Adam(betas=(0.9, 0.99)).get_params()["betas"]
    (0.9, 0.99)
    """

    def build(self, groups: list[dict[str, Any]], lr: float, weight_decay: float) -> optim.Adam:
        """Return the optimizer, see :meth:`OptimizerRecipe.build`."""
        return optim.Adam(groups, lr=lr, weight_decay=weight_decay, **self._settings())
