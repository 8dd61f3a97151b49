"""Consistency: a regularizer that holds the tuned features near the frozen ones."""

from __future__ import annotations

from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn import functional as F

from .._core._recipes import check_real
from ._base import Outputs, Regularizer

__all__ = ["Consistency"]


class Consistency(BaseEstimator):
    r"""Cosine distance between the tuned and the frozen feature of a view.

    .. math:: r = \lambda \left(1 - \frac{\langle f, f_0 \rangle}{|f| \, |f_0|}\right)

    with the feature f of the tuned model and f_0 of the frozen tower for the same view. It costs a
    forward pass of the frozen tower. With ``adapter=None`` the features are the frozen ones, and
    the term is 0.

    Parameters
    ----------
    weight : float, default=1.0
        The factor lambda, >= 0. The authors use values up to 8.

    References
    ----------
    Roy, Etemad, "Consistency-guided Prompt Learning for Vision-Language Models", ICLR 2024,
    arXiv 2306.01195. There the frozen tower sees another view of the picture, and features of
    texts are compared as well.

    Examples
    --------
    >>> import torch
    >>> from sklift.regularizers import Consistency, Outputs
    >>> features, frozen = torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0]])
    >>> Consistency(weight=2.0).build().per_sample(Outputs(features, features, lambda: frozen))
    tensor([0.8000])
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def build(self, model=None) -> ConsistencyTerm:
        """Return the regularizer; ``model`` is not used.

        Raises
        ------
        ValueError
            If ``weight`` is negative or not finite.
        """
        return ConsistencyTerm(check_real(self.weight, "weight", minimum=0))


class ConsistencyTerm(Regularizer):
    """Module of :class:`Consistency`."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def per_sample(self, outputs: Outputs) -> Tensor:
        """Return the terms ``weight * (1 - cos)``, ``(B,)``."""
        cosine = F.cosine_similarity(outputs.features, outputs.frozen_features, dim=1)
        return self.weight * (1 - cosine)
