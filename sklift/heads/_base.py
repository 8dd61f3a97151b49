"""Base module of all heads."""

from __future__ import annotations

from torch import Tensor, nn

from ._init import random_rows

__all__ = ["Head"]


class Head(nn.Module):
    """Map of features to logits, with one row of weights for each class.

    Parameters
    ----------
    n_features, n_classes : int

    Attributes
    ----------
    weight : Parameter of shape (n_classes, n_features)
        Random unit rows at first, from torch's global generator.

    Examples
    --------
    A head of your own; to use it, write a recipe whose ``build`` returns it:

    >>> import torch
    >>> from sklift.heads import Head
    >>> class Nearest(Head):
    ...     def forward(self, features):
    ...         return -torch.cdist(features, self.weight)
    >>> Nearest(n_features=8, n_classes=3)(torch.zeros(5, 8)).shape
    torch.Size([5, 3])
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(random_rows(n_classes, n_features))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits, ``(B, n_features) -> (B, n_classes)``."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return the settings that ``print`` shows."""
        n_classes, n_features = self.weight.shape
        return f"n_features={n_features}, n_classes={n_classes}"
