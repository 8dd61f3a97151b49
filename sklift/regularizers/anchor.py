"""Anchor: a regularizer that holds weights near their start."""

from __future__ import annotations

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from .._core._recipes import check_real
from ._base import Regularizer

__all__ = ["Anchor"]


class Anchor(BaseEstimator):
    r"""Squared distance of weights from their start.

    .. math:: R = \lambda \sum_k \left| \hat w_k - \hat w_{k,0} \right|^2,
              \qquad \hat w_k = \frac{w_k}{|w_k|}

    with the rows w of the head and their start, by default the text features of the class names.
    With ``part="all"``, it is the squared distance of all trained weights (not normalised) from
    their start. It then replaces the usual weight decay, which pulls weights to zero: set
    ``weight_decay=0``. The term costs almost no time.

    Parameters
    ----------
    weight : float, default=1.0
        The factor lambda, >= 0. With SGD, ``lr * weight`` must stay well below 1.
    part : {"head", "all"}, default="head"
        The weights that are held: the rows of the head, or all trained weights.

    References
    ----------
    Silva-Rodriguez, Hajimiri, Ben Ayed, Dolz, "A Closer Look at the Few-Shot Adaptation of Large
    Vision-Language Models" (CLAP), CVPR 2024, arXiv 2312.12730: the rows of the head, there with a
    lambda of each class. Li, Grandvalet, Davoine, "Explicit Inductive Bias for Transfer Learning
    with Convolutional Networks" (L2-SP), ICML 2018, arXiv 1802.01483: trained weights.

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import Linear
    >>> from sklift.regularizers import Anchor
    >>> model = torch.nn.Module()
    >>> model.head = Linear().build(n_features=2, n_classes=1)
    >>> model.head.weight.data = torch.tensor([[2.0, 0.0]])
    >>> anchor = Anchor(weight=0.5).build(model)
    >>> model.head.weight.data = torch.tensor([[0.0, 3.0]])
    >>> anchor.per_batch(model).item()
    1.0
    """

    def __init__(self, weight: float = 1.0, part: str = "head") -> None:
        self.weight = weight
        self.part = part

    def build(self, model: nn.Module) -> AnchorTerm:
        """Return the regularizer, which remembers the weights of the model.

        Raises
        ------
        ValueError
            If ``weight`` is negative or not finite, or ``part`` is unknown.
        """
        weight = check_real(self.weight, "weight", minimum=0)
        if self.part not in _PARTS:
            raise ValueError(f"part must be one of {sorted(_PARTS)}, got {self.part!r}")
        return AnchorTerm(weight, _PARTS[self.part], model)


def _head_rows(model: nn.Module) -> list[Tensor]:
    return [F.normalize(model.head.weight, dim=1)]


def _trained_weights(model: nn.Module) -> list[Tensor]:
    return [p for p in model.parameters() if p.requires_grad]


_PARTS = {"head": _head_rows, "all": _trained_weights}


class AnchorTerm(Regularizer):
    """Module of :class:`Anchor`; ``find_held`` lists the held tensors of a model."""

    def __init__(self, weight: float, find_held, model: nn.Module) -> None:
        super().__init__()
        self.weight = weight
        self.find_held = find_held
        for i, tensor in enumerate(find_held(model)):
            self.register_buffer(f"start_{i}", tensor.detach().clone())

    def per_batch(self, model: nn.Module) -> Tensor:
        """Return the weighted squared distance, a scalar."""
        pairs = zip(self.find_held(model), self.buffers(), strict=True)
        distances = [(now - start).square().sum() for now, start in pairs]
        return self.weight * torch.stack(distances).sum()
