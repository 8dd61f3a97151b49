"""The plan of a computation: its device, precision, sizes and stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ComputePlan:
    """Device, precision, sizes and stores of a fit or of a prediction.

    Attributes
    ----------
    device : torch.device
        The device of the model.
    precision : torch.dtype
        The dtype of matrix products.
    batch_size : int
        Pictures in a batch.
    num_workers : int
        Processes that prepare batches.
    cache : Cache
        The stores of decoded pictures, features and tokens.
    accumulate : int
        The least number of parts in which the gradient of a batch is computed.
    recompute : bool
        Whether blocks compute their activations again in the backward pass.
    compile : bool
        Whether blocks are compiled for training.
    time_limit : float or None
        Seconds for a fit.
    verbose : bool
        Whether passes over pictures show a bar.
    """

    device: torch.device
    precision: torch.dtype
    batch_size: int
    num_workers: int = 0
    cache: Any = None
    accumulate: int = 1
    recompute: bool = False
    compile: bool = False
    time_limit: float | None = None
    verbose: bool = False

    @property
    def precision_name(self) -> str:
        """The precision as a setting has it, such as ``"float32"``."""
        return str(self.precision).removeprefix("torch.")
