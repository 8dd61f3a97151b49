from __future__ import annotations

import math

import numpy as np
import pytest

from sklift.training import SCHEDULES
from sklift.training._schedules import rate_factors


def test_the_cosine_is_that_of_the_papers():
    expected = [(1 + math.cos(math.pi * e / 11)) / 2 for e in range(11)]
    assert rate_factors("cosine", 11) == expected
    assert expected[0] == 1 and expected[-1] < 0.03


def test_lines():
    assert rate_factors("linear", 4) == [1, 0.75, 0.5, 0.25]
    assert rate_factors("constant", 3) == [1, 1, 1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_single_epoch_is_trained_at_the_full_rate(name):
    assert rate_factors(name, 1) == [1.0]


def test_numbers_of_numpy_become_plain():
    (factor,) = rate_factors(lambda epoch, n_epochs: np.float32(0.5), 1)
    assert type(factor) is float


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        ("step", ValueError, r"be one of \['constant', 'cosine', 'linear'\] or a function"),
        (0.5, TypeError, "or a function .* got 0.5"),
        (None, TypeError, "or a function .* got None"),
        (lambda e, n: None, TypeError, "return a number; got None in epoch 0 of 3"),
        (lambda e, n: 1 - e, ValueError, "not negative; got -1 in epoch 2 of 3"),
        (lambda e, n: math.nan, ValueError, "got nan in epoch 0"),
        (lambda e, n: math.inf, ValueError, "got inf in epoch 0"),
    ],
)
def test_mistakes(schedule, error, message):
    with pytest.raises(error, match=f"optimizer__schedule must .*{message}"):
        rate_factors(schedule, 3)
