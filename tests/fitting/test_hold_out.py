"""Holding out a part of every class."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils import check_random_state

from sklift._fitting import _hold_out
from sklift._fitting._hold_out import HoldOut


def test_members_are_drawn_class_by_class():
    codes = np.random.default_rng(0).integers(0, 7, 100)
    _, held = HoldOut(0.3, 5)(range(100), codes)
    rng, expected = check_random_state(5), []
    for code in range(7):
        n_held = np.isin(held.indices, np.flatnonzero(codes == code)).sum()
        expected += rng.permutation(np.flatnonzero(codes == code))[:n_held].tolist()
    assert sorted(expected) == held.indices.tolist()


@pytest.mark.parametrize("n_classes", [100, 8000])
def test_samples_are_looked_through_a_few_times_whatever_the_classes(n_classes, monkeypatch):
    """What numpy goes through, in values, is linear in the samples."""
    codes = np.random.default_rng(0).integers(0, n_classes, 20_000)
    gone_through = []

    class Counting:
        def __getattr__(self, name):
            function = getattr(np, name)
            if not callable(function) or isinstance(function, type):
                return function

            def counted(*args, **kwargs):
                gone_through.append(max((np.size(a) for a in args), default=0))
                return function(*args, **kwargs)

            return counted

    class Codes(np.ndarray):
        def __eq__(self, other):
            gone_through.append(self.size)
            return np.asarray(self) == other

    monkeypatch.setattr(_hold_out, "np", Counting())
    HoldOut(0.3, 0)(range(len(codes)), codes.view(Codes))
    assert sum(gone_through) < 20 * len(codes)
