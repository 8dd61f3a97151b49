"""Recipe of stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from torch import optim

from .._core._recipes import check_real
from ._optimizer import OptimizerRecipe, Schedule

__all__ = ["SGD"]


class SGD(OptimizerRecipe):
    r"""Stochastic gradient descent with momentum.

    .. math:: v \leftarrow \mu v + g + \lambda w, \qquad w \leftarrow w - \eta v

    Parameters
    ----------
    momentum : float, default=0.9
        The factor mu, in [0, 1).
    nesterov : bool, default=False
        Whether to use Nesterov's momentum: the gradient at the weights after the momentum step.
    schedule, warmup_epochs, head_lr_factor, clip_grad_norm
        See :class:`OptimizerRecipe`.

    References
    ----------
    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.training import SGD
    >>> clf = LiftClassifier(optimizer=SGD(head_lr_factor=10))
    >>> clf.set_params(optimizer__momentum=0.8).optimizer
    SGD(head_lr_factor=10, momentum=0.8)
    """

    def __init__(
        self,
        momentum: float = 0.9,
        *,
        nesterov: bool = False,
        schedule: Schedule = "cosine",
        warmup_epochs: float = 0.0,
        head_lr_factor: float = 1.0,
        clip_grad_norm: float | None = None,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.head_lr_factor = head_lr_factor
        self.clip_grad_norm = clip_grad_norm

    def check(self) -> None:
        """Raise an error for a momentum out of range, or for nesterov without momentum."""
        momentum = check_real(
            self.momentum, "optimizer__momentum", minimum=0, maximum=1, include_boundaries="left"
        )
        if self.nesterov and not momentum:
            raise ValueError("optimizer__nesterov=True needs an optimizer__momentum above 0")

    def build(self, groups: list[dict[str, Any]], lr: float, weight_decay: float) -> optim.SGD:
        """Return the optimizer, see :meth:`OptimizerRecipe.build`."""
        self.check()
        return optim.SGD(
            groups,
            lr=lr,
            momentum=float(self.momentum),
            weight_decay=weight_decay,
            nesterov=bool(self.nesterov),
        )
