"""A plain function as a loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from torch import Tensor

from ._base import Loss, precision
from ._recipe import LossRecipe

__all__ = ["CallableLoss"]


class CallableLoss(LossRecipe):
    """Recipe around a function of logits and targets.

    What mix of classes the function assumes is not known: `implied_prior` is that of the training
    data, as for the cross-entropy.

    Parameters
    ----------
    function : callable
        ``function(logits, target) -> scalar``, with logits (B, n_classes) in at least float32 and
        target (B,). Sample weights are passed on if it has a parameter `sample_weight`.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CallableLoss
    >>> loss = CallableLoss(torch.nn.functional.cross_entropy).build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """

    def __init__(self, function: Callable) -> None:
        self.function = function

    def build(self, class_counts, head=None) -> WrappedFunction:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class.
        head : ignored
            Present for the common interface.

        Returns
        -------
        loss : WrappedFunction
            Called as ``loss(logits, target, sample_weight=None)``.

        Raises
        ------
        TypeError
            If `function` is not callable.
        """
        if not callable(self.function):
            raise TypeError(f"function must be callable, got {self.function!r}.")
        return WrappedFunction(class_counts, self.function)


class WrappedFunction(Loss):
    """Module of `CallableLoss`."""

    def __init__(self, class_counts, function) -> None:
        super().__init__(class_counts)
        self.function = function

    @property
    def couples_samples(self) -> bool:
        """True: nobody knows what the function does with the batch."""
        return True

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Raise: a plain function gives the loss of the batch only."""
        raise NotImplementedError(f"{self.function!r} gives no per-sample losses.")

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return what the function returns, ``(B, n_classes), (B,), (B,) -> ()``.

        Raises
        ------
        ValueError
            If `sample_weight` is given and the function does not take it, or if the function does
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
                "sample_weight."
            )
        if loss.ndim:
            raise ValueError(
                f"The loss {self.function!r} must return a scalar, "
                f"got a tensor of shape {tuple(loss.shape)}."
            )
        return loss


def _takes_sample_weight(function) -> bool:
    # nn.Module.__call__ is (*args, **kwargs): its forward has the real signature.
    parameters = inspect.signature(getattr(function, "forward", function)).parameters
    return "sample_weight" in parameters
