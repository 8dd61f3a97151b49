"""The training loop: a private skorch net over a :class:`~sklift._model.TunedModel`."""

from __future__ import annotations

import torch
from skorch.callbacks import GradientNormClipping
from skorch.helper import predefined_split

from ._callbacks import (
    BestEpoch,
    CosineSchedule,
    EpochState,
    FiniteLoss,
    Progress,
    SklearnCallbacks,
    StopIfAsked,
)
from ._checkpoint import CheckpointFile, Checkpoints
from ._interrupt import StopIfInterrupted, interrupts_deferred
from ._loader import EpochOrder, ShuffledLoader
from ._net import LiftNet

__all__ = [
    "OPTIMIZERS",
    "BestEpoch",
    "CheckpointFile",
    "Checkpoints",
    "CosineSchedule",
    "EpochOrder",
    "EpochState",
    "FiniteLoss",
    "GradientNormClipping",
    "LiftNet",
    "Progress",
    "ShuffledLoader",
    "SklearnCallbacks",
    "StopIfAsked",
    "StopIfInterrupted",
    "interrupts_deferred",
    "predefined_split",
]

OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
