"""The group of processes that share one fit."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import torch
from torch import distributed

_ORDER_SETTINGS = ("batch_sampler", "batch_size", "drop_last", "order", "sampler", "shuffle")


class Processes:
    """Group of ``size`` processes; this process has the number ``rank``."""

    def __init__(self):
        if not (distributed.is_available() and distributed.is_initialized()):
            raise ValueError(
                "net_params={'distributed': True} needs a group of processes: start the script "
                "with 'accelerate launch' or 'torchrun', and make an accelerate.Accelerator(), or "
                "call torch.distributed.init_process_group(), before fit"
            )
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum of the tensors of all processes, in place."""
        distributed.all_reduce(tensor)
        return tensor

    def gather(self, value) -> list:
        """Values of all processes, in order of their rank."""
        values = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def first(self, value):
        """Value of the first process."""
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def agree(self, seed: int, codes: np.ndarray, weight: np.ndarray | None) -> int:
        """Seed of the first process, after a check that labels and weights are the same in all.

        Raises
        ------
        ValueError
            If they differ; raised in all processes.
        """
        digest = blake2b(np.ascontiguousarray(codes), digest_size=16)
        if weight is not None:
            digest.update(np.ascontiguousarray(weight))
        if len(set(self.gather((len(codes), digest.digest())))) > 1:
            raise ValueError(
                "y or sample_weight differs between the processes of this fit: give all of them "
                "the same samples in the same order (a list of files may need to be sorted)"
            )
        return self.first(seed)


def processes_of(net_params) -> Processes | None:
    """The processes that share a fit, or None for a fit in this process alone.

    Raises
    ------
    TypeError, ValueError
        If there is no group of processes, or a setting in ``net_params`` can't be shared.
    """
    wanted = (net_params or {}).get("distributed", False)
    if not isinstance(wanted, bool):
        raise TypeError(f"net_params['distributed'] must be True or False, got {wanted!r}")
    if not wanted:
        return None
    forbidden = [name for name in _ORDER_SETTINGS if f"iterator_train__{name}" in net_params]
    if forbidden:
        raise ValueError(
            f"net_params can't set {[f'iterator_train__{name}' for name in forbidden]} with "
            "'distributed': the processes share out one order of samples"
        )
    return Processes()


def agreed_seed(net_params, seed: int, codes: np.ndarray, weight: np.ndarray | None) -> int:
    """The seed for all processes of a fit, after a check that they have the same labels."""
    processes = processes_of(net_params)
    return seed if processes is None else processes.agree(seed, codes, weight)


def agreed(net_params, value):
    """The value of the first process, for all processes of a fit."""
    processes = processes_of(net_params)
    return value if processes is None else processes.first(value)
