from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklift.datasets import make_long_tailed
from sklift.datasets._long_tailed import draw, profile
from sklift.images import ImageSequence

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "index.json"


@pytest.fixture(scope="module")
def published():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["facts"]["cifar100_lt"]


@pytest.mark.parametrize(("ratio", "total"), [(10, 19573), (50, 12608), (100, 10847)])
def test_counts_of_cifar100_lt(published, ratio, total):
    counts = profile(100, 500, ratio)
    assert counts.tolist() == published[f"IR{ratio}"]["counts"]
    assert counts.sum() == total
    y = np.arange(50000) % 100
    rows, kept = make_long_tailed(np.arange(50000), y, ratio, random_state=0)
    np.testing.assert_array_equal(np.bincount(kept), counts)
    np.testing.assert_array_equal(kept, y[rows])


def test_the_draw_of_seed_0_is_the_authors(published):
    expected = published["selection_example"]
    y = np.arange(50000) % 100
    rows = draw(y, profile(100, 500, 100), np.random.RandomState(0))
    assert rows[:10].tolist() == expected["first_10_of_class0"]
    assert rows[-5:].tolist() == expected["class99"]
    assert rows.sum() == expected["sum_of_selected_indices"]
    kept, _ = make_long_tailed(np.arange(50000), y, random_state=0)
    np.testing.assert_array_equal(kept, np.sort(rows))


def test_classes_are_ranked_by_size_whatever_their_names():
    y = np.repeat(["a", "b", "c", "d"], [40, 90, 100, 90])
    _, kept = make_long_tailed(y, y, imbalance_ratio=8, random_state=1)
    names, counts = np.unique(kept, return_counts=True)
    # c, then b and d in sorted order, then a: 100 * 8 ** -(0, 1/3, 2/3, 1)
    assert dict(zip(names, counts.tolist(), strict=True)) == {"c": 100, "b": 50, "d": 25, "a": 12}


def test_without_n_max_no_class_lacks_samples_and_one_more_would():
    y = np.repeat(np.arange(3), [300, 20, 5])
    kept = make_long_tailed(y, y, imbalance_ratio=100, random_state=0)[1]
    assert np.bincount(kept).tolist() == [209, 20, 2]
    with pytest.raises(ValueError, match="the most that these classes allow is n_max=209"):
        make_long_tailed(y, y, imbalance_ratio=100, n_max=210)


@pytest.mark.parametrize("ratio", [1, 3, 10, 70.5])
def test_a_long_tailed_set_is_its_own_subset(ratio):
    y = np.arange(700) % 7
    X, once = make_long_tailed(np.arange(700), y, ratio, random_state=0)
    again, twice = make_long_tailed(X, once, ratio, random_state=5)
    np.testing.assert_array_equal(again, X)
    np.testing.assert_array_equal(twice, once)


def test_higher_ratios_are_nested_and_seeds_differ():
    y = np.arange(1000) % 10
    rows = np.arange(1000)
    low, high, other = (
        set(make_long_tailed(rows, y, ratio, random_state=seed)[0])
        for ratio, seed in ((5, 0), (50, 0), (5, 1))
    )
    assert high < low
    assert low != other and len(low) == len(other)


def test_no_class_is_lost_and_one_class_is_fine():
    y = np.arange(40) % 4
    assert np.bincount(make_long_tailed(y, y, imbalance_ratio=1e6)[1]).tolist() == [10, 1, 1, 1]
    assert len(make_long_tailed([1, 2, 3], ["a", "a", "a"], n_max=2)[0]) == 2


def test_x_and_y_keep_their_kind():
    y = ["b", "a", "b", "a", "b", "a"]
    frame = pd.DataFrame({"path": list("uvwxyz")})
    X, kept = make_long_tailed(frame, pd.Series(y), 3, random_state=0)
    assert isinstance(X, pd.DataFrame) and isinstance(kept, pd.Series)
    assert X.index.equals(kept.index) and X.index.is_monotonic_increasing
    assert kept.value_counts().to_dict() == {"a": 3, "b": 1}
    X, kept = make_long_tailed(list("uvwxyz"), y, 3, random_state=0)
    assert isinstance(X, list) and isinstance(kept, list) and len(X) == 4
    assert all(y["uvwxyz".index(x)] == label for x, label in zip(X, kept, strict=True))


def test_a_dataset_is_not_read():
    class Unread:
        def __len__(self):
            return 6

        def __getitem__(self, i):
            raise AssertionError("read")

    X, kept = make_long_tailed(ImageSequence(Unread()), [0, 1] * 3, 3, random_state=0)
    assert isinstance(X, ImageSequence) and len(X) == len(kept) == 4


@pytest.mark.parametrize("ratio", [0.5, 0, -1, np.nan, np.inf, "10", True, None])
def test_wrong_ratio(ratio):
    with pytest.raises(ValueError, match="imbalance_ratio must be a number of at least 1; got"):
        make_long_tailed([1, 2], [0, 1], ratio)


@pytest.mark.parametrize("n_max", [0, -3, 2.0, True, "5"])
def test_wrong_n_max(n_max):
    with pytest.raises(ValueError, match="n_max must be None or an integer of at least 1; got"):
        make_long_tailed([1, 2], [0, 1], n_max=n_max)


def test_a_class_that_is_too_small_is_named():
    y = pd.Series(["x"] * 50 + ["y"] * 5)
    with pytest.raises(ValueError, match="n_max=50 asks for 25 samples of class 'y', which has 5"):
        make_long_tailed(y, y, imbalance_ratio=2, n_max=50)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make_long_tailed([1, 2, 3], [0, 1])
