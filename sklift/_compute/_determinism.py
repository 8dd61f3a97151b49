"""Deterministic algorithms on a GPU during training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"  # torch warns where it is not set
_lock = Lock()
_n_inside = 0
_before: tuple[bool, bool, bool, bool]


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Context in which torch uses deterministic algorithms, if the device is a GPU.

    By default, a GPU sums the gradient of attention in an arbitrary order, so that two fits with
    the same seed would differ. Several threads may be inside at once: the last one to leave
    restores the settings that the first one found.
    """
    if device.type != "cuda":
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _n_inside, _before
    with _lock:
        _n_inside += 1
        if _n_inside > 1:
            return
        _before = (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            _CUBLAS in os.environ,
        )
        os.environ.setdefault(_CUBLAS, ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=not _before[0] or _before[1])
        torch.utils.deterministic.fill_uninitialized_memory = _before[0] and _before[2]


def _leave() -> None:
    global _n_inside
    with _lock:
        _n_inside -= 1
        if _n_inside:
            return
        enabled, warn_only, fill, was_set = _before
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fill
        if not was_set:
            os.environ.pop(_CUBLAS, None)
