"""Isolation of a computation from the modes that its caller has set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from threading import Lock

import numpy as np
import sklearn

_DEVICES = ("cpu", "cuda", "mps", "xpu")
_lock: Lock
_n_inside: int
_restore: Callable[[], None]


def isolated(function: Callable) -> Callable:
    """Decorate a function: it computes in :func:`default_modes`."""

    @wraps(function)  # by hand: contextlib's decorators would stand where warnings should point to
    def call(*args, **kwargs):
        with default_modes():
            return function(*args, **kwargs)

    return call


@contextmanager
def default_modes() -> Iterator[None]:
    """The modes of torch, scikit-learn and NumPy as they are by default, and as before outside.

    What an estimator computes depends on its parameters alone: not on a mixed precision, a default
    type or device, or a mode without gradients that the caller works in. Of all modes, torch's
    default type and how it rounds products of float32 belong to the whole process; the first
    thread to come finds what the last to go restores.
    """
    import torch

    with ExitStack() as stack:
        stack.enter_context(sklearn.config_context(array_api_dispatch=False))
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(_out_of_autocast())
        stack.enter_context(_of_the_process())
        if torch.empty(0).device.type != "cpu":  # asked for each time: a mode slows all calls down
            stack.enter_context(torch.device("cpu"))
        yield


@contextmanager
def _out_of_autocast() -> Iterator[None]:
    """Out of all regions of mixed precision.

    To switch it off is not enough: torch keeps the casts of weights until the outermost region
    ends, so that regions inside would never see how training changes the weights.
    """
    import torch

    torch.autocast_increment_nesting()
    n_regions = 0
    while torch.autocast_decrement_nesting() > 0:
        n_regions += 1
    if not n_regions:
        yield
        return
    torch.clear_autocast_cache()
    switched_on = [kind for kind in _DEVICES if torch.is_autocast_enabled(kind)]
    keeps_casts = torch.is_autocast_cache_enabled()
    for kind in switched_on:
        torch.set_autocast_enabled(kind, False)
    torch.set_autocast_cache_enabled(True)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(keeps_casts)
        for kind in switched_on:
            torch.set_autocast_enabled(kind, True)
        for _ in range(n_regions):
            torch.autocast_increment_nesting()


@contextmanager
def _of_the_process() -> Iterator[None]:
    global _n_inside, _restore
    with _lock:
        if _n_inside == 0:
            _restore = _set_defaults()
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _restore()


def _set_defaults() -> Callable[[], None]:
    import torch

    from ._float32_products import round_as_float32

    dtype, restore_products = torch.get_default_dtype(), round_as_float32()
    torch.set_default_dtype(torch.float32)

    def restore() -> None:
        torch.set_default_dtype(dtype)
        restore_products()

    return restore


def _start_afresh() -> None:
    """Nobody is inside: a forked process has none of the threads that were."""
    global _lock, _n_inside
    _lock, _n_inside = Lock(), 0


_start_afresh()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
