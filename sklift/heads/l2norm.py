"""Head with weights of unit length."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from ._product import ProductHead

__all__ = ["L2Norm"]


class L2Norm(BaseEstimator):
    r"""Linear map with class weights of unit length, and features as they are.

    .. math:: z_k = \left\langle f, \frac{w_k}{|w_k|} \right\rangle

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import L2Norm
    >>> head = L2Norm().build(n_features=8, n_classes=3)
    >>> head(torch.ones(2, 8)).shape
    torch.Size([2, 3])
    """

    def build(self, n_features: int, n_classes: int) -> L2NormHead:
        """Return the head module, ``(B, n_features) -> (B, n_classes)``."""
        return L2NormHead(n_features, n_classes)


class L2NormHead(ProductHead):
    """Module of :class:`L2Norm`."""
