"""Base module of heads that are one product of features and rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._base import Head
from ._init import EPS, normalize

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

    def product(self, prepared: Tensor) -> Product:
        """Return the product with prepared features, whose gradient needs no graph."""
        bias = None if self.bias is None else self.bias.detach()
        return Product(prepared, self.weight.detach(), self.scale, bias, self.has_unit_rows)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits, ``(B, n_features) -> (B, n_classes)``."""
        prepared = self.prepared(features.to(self.weight.dtype))
        rows = normalize(self.weight) if self.has_unit_rows else self.weight
        if self.scale is not None:
            prepared = self.scale * prepared  # fewer products than of the logits
        return F.linear(prepared, rows, self.bias)


class Product:
    """Logits of prepared features, and the gradients of the weights in closed form.

    Rows of unit length give the logits z = s <x, w> / |w|, with the gradient
    dw = s dz x / |w| - (z dz / |w|^2) w: the second part takes out what would change the length.

    Parameters
    ----------
    prepared : Tensor of shape (B, n_features)
        What ``head.prepared`` returns.
    rows : Tensor of shape (n_rows, n_features)
        The weights, which must not change before :meth:`gradients`.
    scale : float, Tensor of shape (n_rows,), or None
        What the products are multiplied by.
    bias : Tensor of shape (n_rows,), or None
        What is added to them.
    has_unit_rows : bool
        Whether rows are scaled to unit length first.

    Attributes
    ----------
    logits : Tensor of shape (B, n_rows)
        Those of ``head.forward``, but for rounding.
    """

    def __init__(
        self,
        prepared: Tensor,
        rows: Tensor,
        scale: float | Tensor | None,
        bias: Tensor | None,
        has_unit_rows: bool,
    ) -> None:
        self._rows, self._x = rows, prepared
        self._factor: Tensor | float | None = scale
        self._has_bias, self._has_unit_rows = bias is not None, has_unit_rows
        if has_unit_rows:
            self._length = torch.linalg.vector_norm(rows, dim=1)
            self._factor = (1.0 if scale is None else scale) / self._length.clamp_min(EPS)
        if self._factor is None:
            self._product = self.logits = F.linear(prepared, rows, bias)
        else:
            self._product = (prepared @ rows.T).mul_(self._factor)
            self.logits = self._product if bias is None else self._product + bias

    def gradients(self, pull: Tensor) -> list[Tensor]:
        """Return the gradients of the weight, and of the bias if there is one.

        Parameters
        ----------
        pull : Tensor of shape (B, n_classes)
            The gradient of the logits.
        """
        of_rows = (pull if self._factor is None else pull * self._factor).T @ self._x
        if self._has_unit_rows:
            along = (pull * self._product).sum(0) / self._length.square().clamp_min(EPS**2)
            along.masked_fill_(self._length <= EPS, 0)  # there, the length is not divided by
            of_rows.addcmul_(self._rows, along[:, None], value=-1)
        return [of_rows, pull.sum(0)] if self._has_bias else [of_rows]
