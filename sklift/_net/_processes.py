"""The processes that share one fit."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import torch
from torch import distributed

_OWN_ORDER = ("batch_sampler", "batch_size", "drop_last", "order", "sampler", "shuffle")


class Processes:
    """The processes of a group, of which this is number ``rank`` of ``size``."""

    def __init__(self):
        if not (distributed.is_available() and distributed.is_initialized()):
            raise ValueError(
                "net_params={'distributed': True} needs a group of processes: start the script "
                "with `accelerate launch` or `torchrun`, and make an accelerate.Accelerator(), or "
                "call torch.distributed.init_process_group(), before fit"
            )
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum of what they give, in place."""
        distributed.all_reduce(tensor)
        return tensor

    def gather(self, value) -> list:
        """What each gives, in order."""
        values = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def first(self, value):
        """What the first one gives."""
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def agree(self, seed: int, codes: np.ndarray, weight: np.ndarray | None) -> int:
        """The seed of the first one, if all have the same labels and weights.

        Raises
        ------
        ValueError
            In all of them, if they have not.
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
    """The processes that share a fit, or None for a fit in this one alone.

    Raises
    ------
    TypeError, ValueError
        If there is no group of processes, or ``net_params`` has what can't be shared.
    """
    wanted = (net_params or {}).get("distributed", False)
    if not isinstance(wanted, bool):
        raise TypeError(f"net_params['distributed'] must be True or False, got {wanted!r}")
    if not wanted:
        return None
    own = [name for name in _OWN_ORDER if f"iterator_train__{name}" in net_params]
    if own:
        raise ValueError(
            f"net_params can't set {[f'iterator_train__{name}' for name in own]} with "
            "'distributed': the processes share out one order of samples"
        )
    return Processes()


def agreed_seed(net_params, seed: int, codes: np.ndarray, weight: np.ndarray | None) -> int:
    """The seed that all processes of a fit use, once they are sure to have the same labels."""
    processes = processes_of(net_params)
    return seed if processes is None else processes.agree(seed, codes, weight)
