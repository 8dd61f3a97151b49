"""Speeds of products: how they are timed, chosen by, and remembered."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from sklift._compute import _product_speed
from sklift._compute._product_speed import (
    LayerProducts,
    ProductSpeeds,
    known_speeds,
    measure,
    product_speeds,
)
from sklift._store._speeds import StoredSpeeds

SINGLE, HALF = torch.float32, torch.bfloat16


@pytest.fixture
def measured(monkeypatch):
    """The widths that were measured; each time, bfloat16 is found to be faster by 1e9."""
    widths = []

    def fake(width):
        widths.append(width)
        return ProductSpeeds(1e9, 1e9 * len(widths))

    monkeypatch.setattr(_product_speed, "measure", fake)
    monkeypatch.setattr(_product_speed, "_measured", {})
    return widths


@pytest.mark.parametrize(
    ("ratio", "chosen"), [(0.55, False), (1.0, False), (1.24, False), (1.26, True), (4.8, True)]
)
def test_bfloat16_is_taken_where_it_is_faster_by_a_margin(ratio, chosen):
    speeds = measure(768, lambda dtype: 0.01 if dtype == SINGLE else 0.01 / ratio)
    assert speeds.bfloat16 / speeds.float32 == pytest.approx(ratio)
    assert speeds.prefers_bfloat16 == chosen


def test_speeds_are_operations_by_seconds():
    speeds = measure(64, lambda dtype: 0.5 if dtype == SINGLE else 0.25)
    # the output, and the gradient of the input: 2 x rows x width x 4 width each
    assert speeds.float32 == 2 * 2 * 8 * 197 * 64 * 256 / 0.5
    assert speeds.bfloat16 == 2 * speeds.float32


def test_others_who_slow_it_down_do_not_count():
    slow = iter([9, 9, 1, 7, 8, 1, 9, 9])  # the first turn makes programs
    given = []

    def seconds_of(dtype):
        given.append(dtype)
        return 0.1 * next(slow) * (1 if dtype == SINGLE else 2)

    speeds = measure(64, seconds_of)
    assert given == [SINGLE, HALF] * 4
    assert speeds.float32 / speeds.bfloat16 == pytest.approx(2)


def test_fast_products_are_repeated_but_not_for_long():
    n = {SINGLE: 0, HALF: 0}

    def seconds_of(dtype):
        n[dtype] += 1
        return 0.01

    measure(64, seconds_of)
    assert 4 < n[SINGLE] == n[HALF] <= 16 and sum(n.values()) * 0.01 <= 0.3


@pytest.mark.parametrize("width", [8, 384, 1024])
def test_the_products_of_a_layer(width):
    products = LayerProducts(width)
    assert products.n_rows <= 8 * 197 and products.flops <= 2e9
    assert products.weights[HALF].shape == (4 * width, width)
    assert all(0 < products(dtype) < 60 for dtype in (SINGLE, HALF))


@pytest.mark.skipif(_product_speed._clock is not time.thread_time, reason="has no fine clock")
def test_waiting_does_not_count():
    class Sleepy(torch.Tensor):
        """Rows that take long to be there."""

        def to(self, dtype):
            time.sleep(0.2)
            return super().to(dtype)

    products = LayerProducts(8)
    products.rows = products.rows.as_subclass(Sleepy)
    products(SINGLE)
    assert products(SINGLE) < 0.1


def test_one_core_computes_in_a_thread_of_its_own(monkeypatch):
    seen = []

    def look(width):
        seen.append((torch.get_num_threads(), threading.current_thread()))
        return ProductSpeeds(1e9, 2e9)

    monkeypatch.setattr(_product_speed, "measure", look)
    monkeypatch.setattr(_product_speed, "_measured", {})
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        product_speeds(64)
        later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        later.start()
        later.join()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    (n_threads, thread), of_later_threads = seen
    assert n_threads == 1 and thread is not threading.current_thread()
    assert of_later_threads == 3


def test_a_process_measures_each_width_once(measured):
    first = product_speeds(384)
    assert product_speeds(384) is first and measured == [384]
    assert product_speeds(768) != first and measured == [384, 768]
    product_speeds(1280)
    product_speeds(2048)
    assert measured == [384, 768, 1024]


def test_another_version_measures_anew(measured, monkeypatch):
    product_speeds(384)
    monkeypatch.setattr(torch, "__version__", "99.0")
    product_speeds(384)
    assert measured == [384, 384]


def test_all_processes_take_the_first_measurement_of_a_folder(measured, tmp_path):
    store = StoredSpeeds(tmp_path)
    assert known_speeds(384, store) is None
    first = product_speeds(384, store)
    assert known_speeds(384, store) == first
    _product_speed._measured.clear()  # as in another process
    assert product_speeds(384, StoredSpeeds(tmp_path)) == first and measured == [384]
    assert product_speeds(384).bfloat16 == 2e9  # without the folder, it measures for itself
    assert product_speeds(384, store) == first


def test_a_folder_takes_what_the_process_has_measured(measured, tmp_path):
    assert product_speeds(384, StoredSpeeds(tmp_path / "new")) == product_speeds(384)
    assert measured == [384]


def test_random_states_stay():
    state = torch.get_rng_state()
    measure(64)
    assert torch.equal(torch.get_rng_state(), state)
