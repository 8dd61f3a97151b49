"""The training loop: a private skorch net over a :class:`~sklift._model.TunedModel`."""

from __future__ import annotations

from skorch.callbacks import GradientNormClipping
from skorch.helper import predefined_split

from ._callbacks import (
    BestEpoch,
    EpochState,
    FiniteLoss,
    Progress,
    SklearnCallbacks,
    StopIfAsked,
)
from ._checkpoint import CheckpointFile, Checkpoints
from ._distributed import SharedOrder, is_first, net_class, shared_order
from ._history import figures_of
from ._interrupt import StopIfInterrupted, interrupts_deferred
from ._loader import EpochOrder, ShuffledLoader
from ._mixing import Mixing
from ._multilabel import MultilabelNet
from ._net import LiftNet
from ._optimizer import OptimizerFactory
from ._processes import agreed, agreed_seed, processes_of
from ._rates import LearningRates
from ._row_steps import RowSteps
from ._time_limit import TimeLimit

__all__ = [
    "BestEpoch",
    "CheckpointFile",
    "Checkpoints",
    "EpochOrder",
    "EpochState",
    "FiniteLoss",
    "GradientNormClipping",
    "LearningRates",
    "LiftNet",
    "Mixing",
    "MultilabelNet",
    "OptimizerFactory",
    "Progress",
    "RowSteps",
    "SharedOrder",
    "ShuffledLoader",
    "SklearnCallbacks",
    "StopIfAsked",
    "StopIfInterrupted",
    "TimeLimit",
    "agreed",
    "agreed_seed",
    "figures_of",
    "interrupts_deferred",
    "is_first",
    "net_class",
    "predefined_split",
    "processes_of",
    "shared_order",
]
