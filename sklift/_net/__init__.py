"""The training loop: a private skorch net over a :class:`~sklift._model.TunedModel`."""

from __future__ import annotations

import torch
from skorch.callbacks import GradientNormClipping
from skorch.helper import predefined_split

from ._callbacks import (
    BestEpoch,
    CosineSchedule,
    EpochState,
    Progress,
    SklearnCallbacks,
    StopIfAsked,
)
from ._loader import ShuffledLoader
from ._net import LiftNet

__all__ = [
    "OPTIMIZERS",
    "BestEpoch",
    "CosineSchedule",
    "EpochState",
    "GradientNormClipping",
    "LiftNet",
    "Progress",
    "ShuffledLoader",
    "SklearnCallbacks",
    "StopIfAsked",
    "predefined_split",
]

OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
