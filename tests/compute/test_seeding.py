"""The global random state of a fit."""

from __future__ import annotations

import multiprocessing
import threading

import pytest
import torch

from sklift._compute._seeding import drawing_alone, seeded

CPU = torch.device("cpu")


@pytest.fixture
def seeds(monkeypatch):
    """The seeds that all devices have been given."""
    seeds = []
    monkeypatch.setattr(torch, "manual_seed", seeds.append)
    return seeds


@pytest.fixture
def drawn():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        return torch.rand(4)


@pytest.mark.parametrize("inside", [lambda: seeded(3, CPU), lambda: drawing_alone(3)])
def test_draws_start_from_the_seed_and_leave_the_state_as_it_was(inside, drawn):
    before = torch.get_rng_state()
    for _ in range(2):
        with inside():
            assert torch.equal(torch.rand(4), drawn)
        assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyError), inside():
        torch.rand(4)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_the_last_one_restores_what_the_first_one_found():
    before = torch.get_rng_state()
    one, other = seeded(1, CPU), seeded(2, CPU)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    inside = torch.get_rng_state()
    assert not torch.equal(inside, before)
    torch.rand(4)
    other.__exit__(None, None, None)
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_of_two_threads_take_turns():
    inside = threading.Event()

    def draw():
        with drawing_alone(2):
            inside.set()

    thread = threading.Thread(target=draw)
    with drawing_alone(1):
        thread.start()
        assert not inside.wait(timeout=0.2)
    thread.join(timeout=30)
    assert inside.is_set()


def restores() -> bool:
    before = torch.get_rng_state()
    with seeded(3, CPU), drawing_alone(4):
        torch.rand(1)
    return torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="nothing is inherited"
)
def test_a_forked_process_begins_outside():
    with seeded(1, CPU), multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(restores).get(timeout=60)


def test_a_gpu_that_is_not_used_gets_no_seed(seeds, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    with seeded(3, CPU), drawing_alone(4):
        pass
    assert seeds == []


def test_a_gpu_in_use_gets_the_seed(seeds, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with seeded(3, CPU):
        pass
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    for device in ("cuda", "mps"):  # each of them may draw before CUDA has begun
        with seeded(4, torch.device(device)):
            pass
    assert seeds == [3, 4, 4]
