"""Time and memory of one call, by its size, and what is left behind by many calls."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ENOUGH = 0.3  # CPU seconds in which a call is repeated
M_MMAP_THRESHOLD = -3  # of malloc.h
SMALLEST = 4 << 20  # bytes: what the allocator itself may add, of which no exponent is taken


def status(name: str) -> int:
    """A figure of this process in bytes, from Linux: ``VmRSS``, or its peak, ``VmHWM``."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


def measure(run: Callable) -> dict[str, float]:
    """CPU seconds of a call, the least of several, and the memory that the first one adds.

    Memory is the peak of the process above what it held before, without the arrays that the call
    returns.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is freed counts as free
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = status("VmRSS")
    times = []
    while not times or (sum(times) < ENOUGH and len(times) < 20):
        start = time.process_time()
        answer = run()
        times.append(time.process_time() - start)
        if len(times) == 1:
            answers = answer if isinstance(answer, tuple) else (answer,)
            kept = sum(part.nbytes for part in answers if isinstance(part, np.ndarray))
            added = max(0, status("VmHWM") - before - kept)
        del answer
    return {"seconds": min(times), "bytes": added}


def give_back_at_once() -> None:
    """Let the allocator return all freed arrays above 1 MiB, so that the peak is what is in use.

    Else it keeps some tens of MiB for the next ones, whatever the size of the data: glibc below
    2.38 can't use a freed piece again where torch asks for an aligned one.
    """
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 20)


def exponent(sizes: Sequence[int], values: Sequence[float], least: float = 0.0) -> float | None:
    """Slope of the values over the sizes, both as logarithms, between the last two.

    There, constant costs matter least. None where the last value is not above ``least``: it is
    constant.
    """
    if len(sizes) < 2 or values[-1] <= least:
        return None
    first, last = max(values[-2], least), values[-1]
    return math.log(last / first) / math.log(sizes[-1] / sizes[-2])


def usage() -> dict[str, int]:
    """Memory, open files and threads of this process."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return {
        "bytes": status("VmRSS"),
        "open files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
    }


def soak(once: Callable[[int], object], n_times: int, n_warm_up: int) -> list[dict[str, int]]:
    """Usage after the first calls, and after each quarter of the others."""
    for i in range(n_warm_up):
        once(i)
    found = [usage()]
    for i in range(n_times):
        once(n_warm_up + i)
        if (i + 1) % max(1, n_times // 4) == 0:
            found.append(usage())
    return found
