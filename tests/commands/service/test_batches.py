"""Batches of concurrent calls: who waits with whom, and who fails alone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sklift._commands._service._batches import Batcher, Busy

BAD = 0.5


class Recorded:
    """Doubles numbers, when it is let; remembers batches."""

    def __init__(self):
        self.batches, self.free, self.inside = [], threading.Event(), threading.Event()

    def __call__(self, items):
        self.batches.append(items)
        self.inside.set()
        assert self.free.wait(10)
        if BAD in items:
            raise RuntimeError("bad")
        return [2 * item for item in items]


def batcher_of(compute, batch_size, max_waiting, max_cost=1000):
    return Batcher(compute, batch_size, max_waiting, lambda item: item, max_cost)


async def held(compute, batcher, *calls):
    """A first call that is computed, and others that wait."""
    tasks = [asyncio.create_task(batcher([1]))]
    await asyncio.to_thread(compute.inside.wait, 10)
    tasks += [asyncio.create_task(batcher(list(call))) for call in calls]
    await asyncio.sleep(0)
    return tasks


def test_what_waits_is_computed_together():
    compute = Recorded()

    async def main():
        batcher = batcher_of(compute, 4, 100)
        tasks = await held(compute, batcher, [2, 3], [4], [5, 6, 7])
        assert batcher.n_waiting == 6 and batcher.seconds > 0
        compute.free.set()
        outcomes = await asyncio.gather(*tasks)
        assert batcher.n_waiting == 0 and batcher.seconds == 0
        assert await batcher([8]) == [16]
        return outcomes

    assert asyncio.run(main()) == [[2], [4, 6], [8], [10, 12, 14]]
    assert compute.batches == [[1], [2, 3, 4, 5], [6, 7], [8]]


def test_no_more_than_some_wait():
    compute = Recorded()

    async def main():
        batcher = batcher_of(compute, 4, 3)
        tasks = await held(compute, batcher, [2, 3])
        with pytest.raises(Busy):
            await batcher([4, 5])
        tasks.append(asyncio.create_task(batcher([6])))
        compute.free.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [[2], [4, 6], [12]]
    assert compute.batches == [[1], [2, 3, 6]]


def test_one_fails_alone():
    compute = Recorded()

    async def main():
        batcher = batcher_of(compute, 4, 9)
        tasks = await held(compute, batcher, [2], [BAD], [3])
        compute.free.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, bad, last = asyncio.run(main())
    assert (first, second, last) == ([2], [4], [6]) and str(bad) == "bad"


def test_what_is_given_up_is_not_computed():
    compute = Recorded()

    async def main():
        batcher = batcher_of(compute, 4, 4)
        tasks = await held(compute, batcher, [2, 3], [4])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await batcher([5])
        given_up = tasks.pop(1)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert batcher.n_waiting == 1
        tasks[0].cancel()  # it is computed: its outcome is for nobody
        compute.free.set()
        return await tasks[1]

    assert asyncio.run(main()) == [8]
    assert compute.batches == [[1], [4]]


def test_it_works_in_one_loop_after_the_other():
    compute = Recorded()
    compute.free.set()
    batcher = batcher_of(compute, 4, 4)
    assert [asyncio.run(_one(batcher, n)) for n in (1, 2)] == [[2], [4]]


async def _one(batcher, n):
    return await batcher([n])


def test_dear_ones_are_computed_by_themselves():
    compute = Recorded()

    async def main():
        batcher = batcher_of(compute, 4, 100, max_cost=10)
        tasks = await held(compute, batcher, [4, 6, 1], [11], [2], [3])
        compute.free.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [[2], [8, 12, 2], [22], [4], [6]]
    assert compute.batches == [[1], [4, 6], [1], [11], [2, 3]]
