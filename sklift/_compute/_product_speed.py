"""Measured speeds of matrix products in float32 and bfloat16, which decide on the precision."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from threading import Lock

import torch
from torch.nn import functional as F

from ._processor import processor_name

WIDTH = 768  # of a ViT-B, where no tower is known
WORTHWHILE = 1.25  # times as fast: what is gained by less must not differ from run to run
_WIDEST = 1024  # products of more are as fast
_MOST_ROWS = 8 * 197  # tokens of eight views of 224 px, which are computed at once
_FLOPS = 2e9
_SECONDS = 0.15
_FEWEST, _MOST = 3, 15  # turns
# The time for which the thread waits for other programs does not count, where the clock that leaves
# it out is fine (not on Windows). What others cost besides only adds: the least time is right.
_clock = (
    time.thread_time if time.get_clock_info("thread_time").resolution < 1e-4 else time.perf_counter
)
_DTYPES = (torch.float32, torch.bfloat16)

_lock: Lock
_measured: dict[str, ProductSpeeds] = {}  # by machine, in this process


@dataclass(frozen=True)
class ProductSpeeds:
    """Speeds of products of one width by one core, in floating point operations a second.

    Examples
    --------
    >>> from sklift._compute._product_speed import ProductSpeeds
    >>> ProductSpeeds(144e9, 80e9).prefers_bfloat16
    False
    >>> print(ProductSpeeds(165e9, 794e9))
    float32 165, bfloat16 794 GFLOP/s a core
    """

    float32: float
    bfloat16: float

    @property
    def prefers_bfloat16(self) -> bool:
        """Whether bfloat16 is faster by more than what differs from run to run."""
        return self.bfloat16 >= WORTHWHILE * self.float32

    def __str__(self) -> str:
        return (
            f"float32 {self.float32 / 1e9:.0f}, bfloat16 {self.bfloat16 / 1e9:.0f} GFLOP/s a core"
        )


def product_speeds(width: int, store=None) -> ProductSpeeds:
    """Speeds of products as in blocks of a width, on this processor.

    They are measured once: afterwards they come from the memory of the process, or from a store of
    a folder, whose first measurement all processes take. One core computes them, so that the ratio
    depends neither on the number of torch's threads nor on what else the machine does: threads
    would wait for each other.

    Parameters
    ----------
    width : int
        The width of the blocks.
    store : StoredSpeeds, optional
        Speeds in a folder.
    """
    if store is None:
        return _in_process(width)
    if (known := known_speeds(width, store)) is not None:
        return known
    mine = _in_process(width)
    return ProductSpeeds(*store.add(_machine(width), (mine.float32, mine.bfloat16)))


def known_speeds(width: int, store) -> ProductSpeeds | None:
    """Speeds that a store has; None if they were not measured there."""
    found = store.find(_machine(width))
    return None if found is None else ProductSpeeds(*found)


def measure(width: int, seconds_of: Callable[[torch.dtype], float] | None = None) -> ProductSpeeds:
    """Measure both speeds, in turn, within about 0.3 seconds.

    Parameters
    ----------
    width : int
        The width.
    seconds_of : callable, optional
        A function that computes the products in a dtype and returns the seconds that it took; by
        default, :class:`LayerProducts`.
    """
    products = LayerProducts(width)
    timed = products if seconds_of is None else seconds_of
    spent = sum(timed(dtype) for dtype in _DTYPES)  # in the first turn, the library makes programs
    least, n_turns = dict.fromkeys(_DTYPES, inf), 0
    while n_turns < _FEWEST or (n_turns < _MOST and spent < _SECONDS):
        for dtype in _DTYPES:
            seconds = timed(dtype)
            least[dtype] = min(least[dtype], seconds)
            spent += seconds
        n_turns += 1
    return ProductSpeeds(*(products.flops / least[dtype] for dtype in _DTYPES))


class LayerProducts:
    """Products of the first linear layer of a feed-forward part: its output, its input's gradient.

    The rows of the input come in float32, and the weight is frozen, so that it has been converted
    before: as in a block under autocast.
    """

    def __init__(self, width: int):
        self.n_rows = int(max(1, min(_MOST_ROWS, _FLOPS / (16 * width**2))))
        self.flops = 16 * self.n_rows * width**2
        self.rows = _values(self.n_rows, width)
        weight = _values(4 * width, width)
        self.weights = {dtype: weight.to(dtype) for dtype in _DTYPES}

    @torch.no_grad()
    def __call__(self, dtype: torch.dtype) -> float:
        """Compute the products in a dtype; return the seconds."""
        begun = _clock()
        weight = self.weights[dtype]
        F.linear(self.rows.to(dtype), weight) @ weight
        return _clock() - begun


def _values(n_rows: int, n_columns: int) -> torch.Tensor:
    """Values between -1 and 1; not drawn, which takes longer and uses a generator."""
    values = torch.linspace(-1, 1, n_rows * n_columns, dtype=torch.float32, device="cpu")
    return values.view(n_rows, n_columns)


def _machine(width: int) -> str:
    """What the speeds of products of a width depend on."""
    return f"{processor_name()}; width {min(width, _WIDEST)}; torch {torch.__version__}"


def _in_process(width: int) -> ProductSpeeds:
    machine = _machine(width)
    with _lock:
        if machine not in _measured:
            _measured[machine] = _by_one_core(partial(measure, min(width, _WIDEST)))
        return _measured[machine]


def _by_one_core(function: Callable):
    """Result of a function in a new thread, which alone computes with one core."""
    n_threads = torch.get_num_threads()

    def compute():
        torch.set_num_threads(1)  # of this thread, and of those that begin later
        try:
            return function()
        finally:
            torch.set_num_threads(n_threads)

    with ThreadPoolExecutor(1) as one:
        return one.submit(compute).result()


def _start_afresh() -> None:
    """Make a new lock: no thread of a forked process could release the old one."""
    global _lock
    _lock = Lock()


_start_afresh()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
