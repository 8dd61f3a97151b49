"""Torch's global random state, which all threads of a process share."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch

_lock: RLock
_n_inside: int
_outside: Any  # what gives torch its state back


@contextmanager
def seeded(seed: int, device: torch.device):
    """Torch's global random state set to ``seed`` inside, and as before outside.

    Threads may be inside at once: the first to come finds the state that the last to go restores.
    """
    global _n_inside, _outside
    on_gpu = device.type == "cuda" or torch.cuda.is_initialized()
    with _lock:
        if _n_inside == 0:
            devices = list(range(torch.cuda.device_count())) if on_gpu else []
            _outside = torch.random.fork_rng(devices=devices)
            _outside.__enter__()
        _n_inside += 1
        torch.manual_seed(seed)
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _outside.__exit__(None, None, None)


@contextmanager
def drawing_alone(seed: int):
    """Torch's CPU generator set to ``seed`` and for this thread alone, and as before outside.

    The generators of accelerators go on: seeding them in the midst of training would be felt.
    """
    with _lock, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _start_afresh() -> None:
    """Nobody is inside; a forked process has no other thread that could let go of the lock."""
    global _lock, _n_inside, _outside
    _lock, _n_inside, _outside = RLock(), 0, None


_start_afresh()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
