"""Class activation: how much each place of a tower's last map speaks for a class."""

from __future__ import annotations

import torch


def activation(features: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    r"""Weigh the channels of a map by how much a class rests on them (Grad-CAM).

    .. math:: m_{p} = \max\Big(0, \sum_c \alpha_c A_{pc}\Big), \qquad
              \alpha_c = \frac{1}{P} \sum_p \nabla A_{pc}

    with the map A of P places p and channels c, and the gradient of the class's score with respect
    to it.

    Parameters
    ----------
    features, gradient : Tensor of shape (n, n_places, n_channels)
        The map and the gradient.

    Returns
    -------
    activation : Tensor of shape (n, n_places)
        Not negative.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, "Grad-CAM: Visual Explanations from Deep
    Networks via Gradient-Based Localization", ICCV 2017, arXiv 1610.02391.

    Examples
    --------
    >>> import torch
    >>> from sklift._model._class_activation import activation
    >>> features = torch.tensor([[[2.0, 1.0], [0.0, 1.0]]])
    >>> activation(features, torch.tensor([[[1.0, -1.0], [1.0, -1.0]]]))
    tensor([[1., 0.]])
    """
    channels = gradient.mean(1, keepdim=True)
    return (features * channels).sum(2).clamp_min(0)
