"""Base module of heads that are one product of features and rows."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ._base import Head
from ._init import normalize

__all__ = ["ProductHead"]


class ProductHead(Head):
    r"""Product of prepared features and the rows of the classes.

    .. math:: z_k = s \, \langle \phi(f), v_k \rangle + b_k, \qquad v_k = w_k / |w_k|
        \text{ or } w_k

    Many of them, on the same features, are trained as one product: :math:`\phi` has no trained
    weights, and does not depend on the scale s. A subclass overrides :meth:`prepared`, not
    :meth:`forward`.

    Attributes
    ----------
    has_unit_rows : bool
        Whether the rows count by their directions alone.
    scale : float or None
        s; None is 1.
    bias : Parameter of shape (n_classes,) or None
        b.
    """

    has_unit_rows = True
    scale: float | None = None
    bias: nn.Parameter | None

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__(n_features, n_classes)
        self.register_parameter("bias", None)

    def prepared(self, features: Tensor) -> Tensor:
        """Return what the rows are multiplied by, ``(B, n_features) -> (B, n_features)``."""
        return features

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits, ``(B, n_features) -> (B, n_classes)``."""
        prepared = self.prepared(features.to(self.weight.dtype))
        rows = normalize(self.weight) if self.has_unit_rows else self.weight
        if self.scale is not None:
            prepared = self.scale * prepared  # fewer products than of the logits
        return F.linear(prepared, rows, self.bias)
