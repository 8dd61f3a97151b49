"""Module of a loss that is a plain function."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from torch import Tensor

from ._base import Loss
from ._numerics import precision

__all__ = ["FunctionLoss"]


class FunctionLoss(Loss):
    """Module of a plain function of logits and targets.

    Parameters
    ----------
    class_counts : array-like of shape (n_classes,)
    function : callable
        ``function(logits, target) -> scalar``, see :class:`CallableLoss`.

    Raises
    ------
    TypeError
        If ``function`` is not callable.
    """

    def __init__(self, class_counts, function: Callable) -> None:
        super().__init__(class_counts)
        if not callable(function):
            raise TypeError(f"function must be callable, got {function!r}")
        self.function = function

    @property
    def couples_samples(self) -> bool:
        """True: the function may do anything with the batch."""
        return True

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Raise an error: a plain function gives the loss of the whole batch only."""
        raise NotImplementedError(f"{self.function!r} gives no per-sample losses")

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return what the function returns, ``(B, n_classes), (B,), (B,) -> ()``.

        Raises
        ------
        ValueError
            If ``sample_weight`` is given and the function does not take it, or if the function does
            not return a scalar.
        """
        self._check_logits(logits)
        logits = logits.to(precision(logits))
        if sample_weight is None:
            loss = self.function(logits, target)
        elif _takes_sample_weight(self.function):
            loss = self.function(logits, target, sample_weight=sample_weight)
        else:
            raise ValueError(
                f"sample_weight was given, but the loss {self.function!r} has no parameter "
                "sample_weight"
            )
        if loss.ndim:
            raise ValueError(
                f"The loss {self.function!r} must return a scalar, "
                f"got a tensor of shape {tuple(loss.shape)}"
            )
        return loss


def _takes_sample_weight(function) -> bool:
    # nn.Module.__call__ is (*args, **kwargs): its forward has the real signature.
    parameters = inspect.signature(getattr(function, "forward", function)).parameters
    return "sample_weight" in parameters
