"""Linear head."""

from __future__ import annotations

import torch
from sklearn.base import BaseEstimator
from torch import nn

from ._product import ProductHead

__all__ = ["Linear"]


class Linear(BaseEstimator):
    r"""Linear map with a bias.

    .. math:: z_k = \langle f, w_k \rangle + b_k

    The bias starts at 0.

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import Linear
    >>> head = Linear().build(n_features=8, n_classes=3)
    >>> head(torch.ones(2, 8)).shape
    torch.Size([2, 3])
    """

    def build(self, n_features: int, n_classes: int) -> LinearHead:
        """Return the head module, ``(B, n_features) -> (B, n_classes)``."""
        return LinearHead(n_features, n_classes)


class LinearHead(ProductHead):
    """Module of :class:`Linear`."""

    has_unit_rows = False

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__(n_features, n_classes)
        self.bias = nn.Parameter(torch.zeros(n_classes))
