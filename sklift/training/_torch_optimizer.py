"""Recipe around an optimizer class of torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import optim

from ._optimizer import OptimizerRecipe, Schedule

__all__ = ["TorchOptimizer"]


class TorchOptimizer(OptimizerRecipe):
    """Recipe around an optimizer class of torch, or around your own class.

    Parameters
    ----------
    optimizer_class : class
        A class derived from :class:`torch.optim.Optimizer`. It is called with groups, ``lr``,
        ``weight_decay`` (if it takes one) and the settings.
    settings : dict, optional
        Further keyword arguments of the class.
    schedule, warmup_epochs, head_lr_factor, clip_grad_norm
        See :class:`OptimizerRecipe`.

    Examples
    --------
    >>> import torch
    >>> from sklift import LiftClassifier
    >>> from sklift.training import TorchOptimizer
    >>> rmsprop = TorchOptimizer(torch.optim.RMSprop, {"alpha": 0.9}, schedule="linear")
    >>> LiftClassifier(optimizer=rmsprop, lr=1e-3).get_params()["optimizer__schedule"]
    'linear'
    """

    def __init__(
        self,
        optimizer_class: type[optim.Optimizer],
        settings: Mapping[str, Any] | None = None,
        *,
        schedule: Schedule = "cosine",
        warmup_epochs: float = 0.0,
        head_lr_factor: float = 1.0,
        clip_grad_norm: float | None = None,
    ) -> None:
        self.optimizer_class = optimizer_class
        self.settings = settings
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.head_lr_factor = head_lr_factor
        self.clip_grad_norm = clip_grad_norm

    def check(self) -> None:
        """Raise an error for another class than an optimizer, or settings that it does not take."""
        optimizer_class = self.optimizer_class
        if not (isinstance(optimizer_class, type) and issubclass(optimizer_class, optim.Optimizer)):
            raise TypeError(
                "optimizer__optimizer_class must be a torch.optim.Optimizer class, got "
                f"{optimizer_class!r}"
            )
        taken = inspect.signature(optimizer_class).parameters
        unknown = sorted(
            name for name in self.settings or () if not _takes_keyword(optimizer_class, name)
        )
        if unknown:
            raise ValueError(
                f"optimizer__settings has {unknown}, which {optimizer_class.__name__} does not "
                f"take: it takes {sorted(set(taken) - {'params', 'lr', 'weight_decay'})}"
            )

    def build(
        self, groups: list[dict[str, Any]], lr: float, weight_decay: float
    ) -> optim.Optimizer:
        """Return the optimizer, see :meth:`OptimizerRecipe.build`.

        Raises
        ------
        ValueError
            If ``weight_decay`` is not 0, and the class does not take it.
        """
        self.check()
        optimizer_class: Callable[..., optim.Optimizer] = self.optimizer_class
        settings = {"lr": lr, "weight_decay": weight_decay, **(self.settings or {})}
        if not _takes_keyword(optimizer_class, "weight_decay"):
            if weight_decay:
                raise ValueError(
                    f"{self.optimizer_class.__name__} takes no weight_decay: set weight_decay=0, "
                    f"got {weight_decay}"
                )
            del settings["weight_decay"]
        return optimizer_class(groups, **settings)


def _takes_keyword(optimizer_class: Callable, name: str) -> bool:
    """Return whether the class takes a keyword argument of that name."""
    taken = inspect.signature(optimizer_class).parameters
    return name in taken or any(p.kind is p.VAR_KEYWORD for p in taken.values())
