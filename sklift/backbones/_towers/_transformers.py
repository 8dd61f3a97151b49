"""Door to transformers: how its vision models give one feature for a picture."""

from __future__ import annotations

import torch
from torch import nn


class PooledFeature(nn.Module):
    """Vision model of transformers that gives its pooled feature alone.

    Parameters
    ----------
    model : nn.Module
        Pixels to an output with an attribute ``pooler_output``.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the features, ``(n, 3, size, size) -> (n, n_features)``."""
        output = self.model(x)
        pooled = getattr(output, "pooler_output", None)
        if pooled is None:
            raise ValueError(
                f"{type(self.model).__name__} gives no pooled feature (its output has no "
                "pooler_output): take the model without a classifier and with its pooling layer, "
                "or a module of your own that takes the feature from its output"
            )
        return pooled.flatten(1)


def gives_output_of_many(tower: nn.Module) -> bool:
    """Tell whether a module is a vision model of transformers, whose output has many parts."""
    return getattr(tower, "main_input_name", None) == "pixel_values" and hasattr(tower, "config")
