"""Torch's global random state, which all threads of a process share."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch

_lock: RLock
_n_inside: int
_outside: Any  # the context whose exit restores torch's state


@contextmanager
def seeded(seed: int, device: torch.device):
    """Context in which torch's global random state starts from ``seed``; restored at the end.

    Several threads may be inside at once: the last one to leave restores the state that the first
    one found.
    """
    global _n_inside, _outside
    on_gpu = device.type == "cuda" or torch.cuda.is_initialized()
    with _lock:
        if _n_inside == 0:
            devices = list(range(torch.cuda.device_count())) if on_gpu else []
            _outside = torch.random.fork_rng(devices=devices)
            _outside.__enter__()
        _n_inside += 1
        if on_gpu or device.type != "cpu":
            torch.manual_seed(seed)
        else:  # torch.manual_seed would put the seed, and a traceback, aside for a GPU not yet used
            torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _outside.__exit__(None, None, None)


@contextmanager
def drawing_alone(seed: int):
    """Context in which this thread alone uses torch's CPU generator, from ``seed``; then restored.

    The generators of accelerators are left alone: a new seed would change a training that runs.
    """
    with _lock, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _start_afresh() -> None:
    """Reset the lock. In a forked process, no other thread is left that could release it."""
    global _lock, _n_inside, _outside
    _lock, _n_inside, _outside = RLock(), 0, None


_start_afresh()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
