"""Distillation: a regularizer that holds predictions near those at the start."""

from __future__ import annotations

from copy import deepcopy

from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from .._core._recipes import check_real
from ._base import Outputs, Regularizer

__all__ = ["Distillation"]


class Distillation(BaseEstimator):
    r"""Divergence of the tuned predictions from those at the start of training.

    .. math:: r = \lambda T^2 \, \mathrm{KL}\left(
              \mathrm{softmax}(z_0 / T) \,\|\, \mathrm{softmax}(z / T) \right)

    with the logits z of the tuned model, and the logits z_0 of the untrained model (the head at its
    start on the feature of the frozen tower) for the same view. It costs a forward pass of the
    frozen tower. It is not useful for ``init="random"``, where the start holds no knowledge.

    Parameters
    ----------
    weight : float, default=1.0
        The factor lambda, >= 0.
    temperature : float, default=2.0
        T, > 0. The factor T squared gives gradients of similar size for all temperatures.

    References
    ----------
    Li, Hoiem, "Learning without Forgetting", ECCV 2016, arXiv 1606.09282; the temperature and its
    square: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015,
    arXiv 1503.02531.

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import Linear
    >>> from sklift.regularizers import Distillation, Outputs, build_regularizer
    >>> model = torch.nn.Module()
    >>> model.head = Linear().build(n_features=2, n_classes=2)
    >>> model.head.weight.data = torch.eye(2)
    >>> frozen, logits = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    >>> distillation = build_regularizer(Distillation(temperature=1.0), model)
    >>> distillation.per_sample(Outputs(frozen, logits, lambda: frozen))
    tensor([0.3278])
    """

    def __init__(self, weight: float = 1.0, temperature: float = 2.0) -> None:
        self.weight = weight
        self.temperature = temperature

    def build(self, model: nn.Module) -> DistillationTerm:
        """Return the regularizer, which keeps a copy of the model's head.

        Raises
        ------
        ValueError
            If ``weight`` is negative, ``temperature`` is not positive, or one is not finite.
        """
        weight = check_real(self.weight, "weight", minimum=0)
        temperature = check_real(
            self.temperature, "temperature", minimum=0, include_boundaries="neither"
        )
        return DistillationTerm(weight, temperature, deepcopy(model.head))


class DistillationTerm(Regularizer):
    """Module of :class:`Distillation`."""

    def __init__(self, weight: float, temperature: float, head: nn.Module) -> None:
        super().__init__()
        self.weight = weight
        self.temperature = temperature
        self.head = head

    def per_sample(self, outputs: Outputs) -> Tensor:
        """Return the terms ``weight * T**2 * KL``, ``(B,)``."""
        start, now = (
            F.log_softmax(logits / self.temperature, dim=1)
            for logits in (self.head(outputs.frozen_features), outputs.logits)
        )
        divergence = F.kl_div(now, start, reduction="none", log_target=True).sum(1)
        return self.weight * self.temperature**2 * divergence
