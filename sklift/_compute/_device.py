"""Device and precision of a computation, and arguments of data loaders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core._text import counted
from ._processor import bfloat16_of_processor

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def resolve_device(device: str):
    """The ``torch.device`` that ``device`` means; ``"auto"`` is the GPU if there is one.

    Raises
    ------
    ValueError
        If the device is unknown or absent on this machine.
    """
    import torch

    if isinstance(device, str) and device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        if not isinstance(device, (str, torch.device)):
            raise TypeError(f"it is of type {type(device).__name__}")
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={device!r} is not a device; try 'auto', 'cpu' or 'cuda'"
        ) from error
    n_gpus = torch.cuda.device_count()
    if resolved.type == "cpu":
        return torch.device("cpu")
    if resolved.type == "cuda":
        if (resolved.index or 0) >= n_gpus:
            raise ValueError(
                f"device={device!r}: this machine has {counted(n_gpus, 'CUDA device')}; 'auto' "
                "takes what is there"
            )
        return torch.device("cuda", resolved.index or 0)
    try:
        torch.zeros(1, device=resolved).cpu()  # "meta" has no values
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(
            f"device={device!r} is not available; 'auto' takes what is there"
        ) from error
    return resolved


def check_precision(precision: str, device) -> None:
    """Raise a ValueError if the precision is unknown or the device does not have it."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} must be one of {PRECISIONS}")
    if precision == "float16" and device.type == "cpu":
        raise ValueError("precision='float16' needs a GPU; on a CPU use 'bfloat16' or 'float32'")


def resolve_precision(precision: str, device, is_worthwhile: Callable[[], bool]):
    """The ``torch.dtype`` of matrix products on ``device``.

    ``"auto"`` is bfloat16 where the device computes in it natively, else float32.

    Parameters
    ----------
    precision : str
        One of ``PRECISIONS``.
    device : torch.device
        The device.
    is_worthwhile : callable
        A function that measures whether bfloat16 is faster on this processor. It is called only
        where the processor does not tell: one with a matrix unit always is, one without
        instructions never.

    Raises
    ------
    ValueError
        If the precision is unknown or the device does not have it.
    """
    import torch

    check_precision(precision, device)
    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        way = bfloat16_of_processor()
        native = way == "matrix unit" or (way == "instructions" and is_worthwhile())
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


def kept_precision(precision: str, device) -> str:
    """The precision of predictions by a model that was trained in ``precision``.

    A CPU keeps to it, so that nothing is measured again: float32, or bfloat16 where there are
    instructions for it. Elsewhere it is ``"auto"``.
    """
    known = {"float32": True, "bfloat16": bfloat16_of_processor() != "none"}
    return precision if device.type == "cpu" and known.get(precision, False) else "auto"


def n_ahead(device, num_workers: int) -> int:
    """Number of batches that a thread prepares ahead; 0 on a CPU, whose cores training needs."""
    return 2 if device.type != "cpu" and not num_workers else 0


def worker_arguments(num_workers: int) -> dict:
    """Arguments of a data loader with that many worker processes.

    Inside joblib's workers, the default start method is one that torch's loaders can't use.
    """
    import multiprocessing

    arguments: dict[str, Any] = {"num_workers": int(num_workers)}
    if num_workers and multiprocessing.get_start_method(allow_none=True) == "loky":
        methods = multiprocessing.get_all_start_methods()
        arguments["multiprocessing_context"] = "fork" if "fork" in methods else "spawn"
    return arguments
