from __future__ import annotations

import math

import numpy as np
import pytest

from sklift.images import MinimalistCrop, resolve_augmentation


# From the authors' code at 5 epochs.
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("min", [0.08] * 5),
        ("max", [1.0] * 5),
        ("linear", [0.08, 0.31, 0.54, 0.77, 1.0]),
        ("convex", [0.08, 0.1092138303722941, 0.2032566285183165, 0.39147719845514417, 1.0]),
        ("concave", [0.08, 0.6885228015448559, 0.8767433714816835, 0.9707861696277059, 1.0]),
    ],
)
def test_min_area(schedule, expected):
    found = [MinimalistCrop(schedule).area(epoch / 4) for epoch in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(300, 400), (500, 100), (1, 1), (3, 200), (64, 64)])
@pytest.mark.parametrize("epoch", range(5))
def test_minimal_crops(shape, epoch):
    rng = np.random.default_rng(epoch)
    height, width = shape
    cap = min(shape) ** 2 / (height * width)
    low = min(MinimalistCrop().area(epoch / 4), cap)
    boxes = [MinimalistCrop().box(*shape, epoch / 4, rng) for _ in range(300)]
    for top, left, h, w in boxes:
        assert h == w
        assert 0 <= top <= height - h
        assert 0 <= left <= width - w
        # the side is rounded, so the area may be off by half a pixel on each
        assert math.sqrt(low * height * width) - 0.5 <= h or h == 1
    areas = np.array([box[2] ** 2 for box in boxes]) / (height * width)
    if min(shape) >= 64:
        assert abs(areas.mean() - (low + cap) / 2) < 0.03


def test_the_last_epoch_takes_the_largest_square():
    rng = np.random.default_rng(0)
    assert MinimalistCrop().box(30, 40, 1.0, rng)[2:] == (30, 30)
    assert MinimalistCrop("min").box(300, 300, 1.0, rng)[2] < 300
    assert MinimalistCrop("max").box(300, 300, 0.0, rng)[2] == 300


def test_corners_are_uniform():
    rng = np.random.default_rng(0)
    tops = [MinimalistCrop("max").box(13, 10, 0.0, rng)[0] for _ in range(2000)]
    assert np.abs(np.bincount(tops, minlength=4) / 2000 - 0.25).max() < 0.04


@pytest.mark.parametrize("least_area", [0.01, 0.5, 1.0])
def test_the_least_area_is_that_of_the_first_epoch(least_area):
    rng = np.random.default_rng(0)
    sides = [MinimalistCrop(least_area=least_area).box(100, 100, 0.0, rng)[2] for _ in range(500)]
    assert least_area - 0.01 <= min(sides) ** 2 / 1e4 <= least_area + 0.02


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"schedule": "cubic"}, ValueError, "schedule must be one of .*'concave'.*got 'cubic'"),
        ({"schedule": None}, ValueError, "got None"),
        ({"least_area": 0}, ValueError, "least_area == 0, must be > 0"),
        ({"least_area": 1.5}, ValueError, "least_area == 1.5, must be <= 1"),
        ({"least_area": "8 %"}, TypeError, "least_area must be"),
    ],
)
def test_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        resolve_augmentation(MinimalistCrop(**settings))
