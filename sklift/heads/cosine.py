"""Cosine head."""

from __future__ import annotations

from sklearn.base import BaseEstimator
from torch import Tensor

from .._core._recipes import check_real
from ._init import normalize
from ._product import ProductHead

__all__ = ["Cosine"]


class Cosine(BaseEstimator):
    r"""Scaled cosine of the angle between the feature and each class weight.

    .. math:: z_k = s \left\langle \frac{f}{|f|}, \frac{w_k}{|w_k|} \right\rangle

    Lengths play no part, so frequent classes cannot win by longer weights.

    Parameters
    ----------
    scale : float, default=25.0
        s, > 0: the logits lie in [-s, s]. Accuracy on rare classes depends on it strongly.

    References
    ----------
    Gidaris, Komodakis, "Dynamic Few-Shot Visual Learning without Forgetting", CVPR 2018,
    arXiv 1804.09458; as the head of LIFT: Shi et al., ICML 2024, arXiv 2309.10019.

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import Cosine
    >>> head = Cosine(scale=25.0).build(n_features=8, n_classes=3)
    >>> head(torch.ones(2, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(self, scale: float = 25.0) -> None:
        self.scale = scale

    def build(self, n_features: int, n_classes: int) -> CosineHead:
        """Return the head module, ``(B, n_features) -> (B, n_classes)``.

        Raises
        ------
        ValueError
            If ``scale`` is not positive and finite.
        """
        scale = check_real(self.scale, "scale", minimum=0, include_boundaries="neither")
        return CosineHead(n_features, n_classes, scale)


class CosineHead(ProductHead):
    """Module of :class:`Cosine`."""

    def __init__(self, n_features: int, n_classes: int, scale: float) -> None:
        super().__init__(n_features, n_classes)
        self.scale = scale

    def prepared(self, features: Tensor) -> Tensor:
        """Return features of length 1, ``(B, n_features) -> (B, n_features)``."""
        return normalize(features)

    def extra_repr(self) -> str:
        """Return the settings that ``print`` shows."""
        return f"{super().extra_repr()}, scale={self.scale:g}"
