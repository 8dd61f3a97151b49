"""Concurrent requests, put together into batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Busy(Exception):
    """No more items may wait."""


class _Job(NamedTuple):
    item: Any
    outcome: asyncio.Future


class Batcher:
    """Function of many items, called for a batch of them at a time.

    While a batch is computed, others wait; the next batch are the first of those that wait then.
    So nobody waits for company: a single item is computed at once, and batches are as large as the
    load makes them. All calls come from one event loop, and one thread computes.

    Parameters
    ----------
    compute : callable
        A function from a list of items to a list of as many outcomes.
    batch_size : int
        Items of a batch, at most.
    max_waiting : int
        Items that may wait.
    cost : callable
        A function of an item that tells how much of a batch it takes.
    max_cost : float
        What the items of a batch may cost together, unless there is only one.
    """

    def __init__(
        self,
        compute: Callable[[list], list],
        batch_size: int,
        max_waiting: int,
        cost: Callable[[Any], float],
        max_cost: float,
    ):
        self.compute = compute
        self.batch_size = batch_size
        self.max_waiting = max_waiting
        self.cost = cost
        self.max_cost = max_cost
        self._waiting: deque[_Job] = deque()
        self._thread = ThreadPoolExecutor(1, "sklift-serve")
        self._task: asyncio.Task | None = None
        self._started: float | None = None

    @property
    def n_waiting(self) -> int:
        """Number of items that wait."""
        return len(self._waiting)

    @property
    def seconds(self) -> float:
        """For how long the present batch has been computed; 0 if there is none."""
        return 0.0 if self._started is None else asyncio.get_running_loop().time() - self._started

    async def __call__(self, items: Sequence) -> list:
        """Outcomes of some items; if the call is cancelled, those that wait are given up.

        Raises
        ------
        Busy
            If too many wait already.
        Exception
            The one that ``compute`` has raised for one of these items.
        """
        if len(self._waiting) + len(items) > self.max_waiting:
            raise Busy
        loop = asyncio.get_running_loop()
        jobs = [_Job(item, loop.create_future()) for item in items]
        self._waiting.extend(jobs)
        if self._task is None:
            self._task = loop.create_task(self._drain())
        try:
            return await asyncio.gather(*(job.outcome for job in jobs))
        finally:
            if any(job.outcome.cancelled() for job in jobs):
                self._waiting = deque(j for j in self._waiting if not j.outcome.cancelled())

    async def _drain(self) -> None:
        """Compute until nothing waits."""
        try:
            while self._waiting:
                await self._finish(self._next())
        finally:
            self._task = None

    def _next(self) -> list[_Job]:
        """The first of those that wait."""
        jobs = [self._waiting.popleft()]
        cost = self.cost(jobs[0].item)
        while self._waiting and len(jobs) < self.batch_size:
            cost += self.cost(self._waiting[0].item)
            if cost > self.max_cost:
                break
            jobs.append(self._waiting.popleft())
        return jobs

    async def _finish(self, jobs: list[_Job]) -> None:
        """Compute a batch; if that fails, each of its items, so that one fails alone."""
        loop = asyncio.get_running_loop()
        self._started = loop.time()
        items = [job.item for job in jobs]
        try:
            outcomes = await loop.run_in_executor(self._thread, self.compute, items)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    await self._finish([job])
            elif not jobs[0].outcome.done():
                jobs[0].outcome.set_exception(error)
            return
        finally:
            self._started = None
        for job, outcome in zip(jobs, outcomes, strict=True):
            if not job.outcome.done():  # else nobody waits for it any more
                job.outcome.set_result(outcome)
