"""Head on standardised features."""

from __future__ import annotations

from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn import functional as F

from ._init import EPS
from ._product import ProductHead

__all__ = ["LayerNorm"]


class LayerNorm(BaseEstimator):
    r"""Linear map of standardised features, with class weights of unit length.

    .. math:: z_k = \left\langle \mathrm{LN}(f), \frac{w_k}{|w_k|} \right\rangle

    LN is the layer norm of the feature without learned scale and shift.

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import LayerNorm
    >>> head = LayerNorm().build(n_features=8, n_classes=3)
    >>> head(torch.ones(2, 8)).shape
    torch.Size([2, 3])
    """

    def build(self, n_features: int, n_classes: int) -> LayerNormHead:
        """Return the head module, ``(B, n_features) -> (B, n_classes)``."""
        return LayerNormHead(n_features, n_classes)


class LayerNormHead(ProductHead):
    """Module of :class:`LayerNorm`."""

    def prepared(self, features: Tensor) -> Tensor:
        """Return standardised features, ``(B, n_features) -> (B, n_features)``."""
        return F.layer_norm(features, features.shape[-1:], eps=EPS)
