"""Head with a bias for each class."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.base import BaseEstimator
from torch import nn

from ._product import ProductHead
from .cosine import Cosine

__all__ = ["Biased"]


class Biased(BaseEstimator):
    r"""Any other head, with a trained bias for each class.

    .. math:: z_k' = z_k + b_k

    A label that most pictures lack has a low logit on most of them, which angles alone can hardly
    say. :class:`~sklift.MultilabelClassifier` gives its head one; among classes of which each
    picture has one, only differences of logits count.

    Parameters
    ----------
    head : recipe, default=None
        The other head; None is :class:`Cosine`. One that has a bias already, or that is no product
        of features and rows, stays as it is.

    Examples
    --------
    >>> from sklift.heads import Biased, Cosine
    >>> head = Biased(Cosine(scale=20.0)).build(n_features=8, n_classes=3)
    >>> head.bias.shape, head.scale
    (torch.Size([3]), 20.0)
    """

    def __init__(self, head: Any = None) -> None:
        self.head = head

    def build(self, n_features: int, n_classes: int) -> nn.Module:
        """Return the head module, ``(B, n_features) -> (B, n_classes)``."""
        head = (Cosine() if self.head is None else self.head).build(n_features, n_classes)
        if isinstance(head, ProductHead) and head.bias is None:
            head.bias = nn.Parameter(torch.zeros(n_classes))
        return head

    def choose(self, init: str, has_adapter: bool = False) -> Biased:
        """Return the recipe for a start of the head, see :meth:`Auto.choose`."""
        if not hasattr(self.head, "choose"):
            return self
        return Biased(self.head.choose(init, has_adapter))
