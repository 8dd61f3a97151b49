"""Rows that are computed at once."""

from __future__ import annotations

import pytest
import torch

from sklift._compute._micro_batches import MicroBatches, enough_rows

CPU = torch.device("cpu")


@pytest.mark.parametrize("n", [1, 7, 8, 9, 15, 16, 17, 40])
def test_a_few_pictures_are_repeated_to_sixteen_rows(n):
    x = torch.arange(2.0 * n).reshape(n, 2)
    with torch.inference_mode():
        rows = enough_rows(x)
    if 8 <= n < 16:
        assert torch.equal(rows, torch.cat([x, x])[:16])
    else:
        assert rows is x


def test_nothing_is_repeated_in_training_or_elsewhere():
    x = torch.ones(9, 2, requires_grad=True)
    assert enough_rows(x) is x
    with torch.no_grad():
        assert enough_rows(x) is x
    with torch.inference_mode():
        far = torch.ones(9, 2, device="meta")
        assert enough_rows(far) is far


@pytest.mark.parametrize("most", [1, 3, 5])
def test_parts_that_fit_into_memory(most):
    seen = []

    def function(x):
        seen.append(len(x))
        if len(x) > most:
            raise torch.OutOfMemoryError
        return 2 * x

    parts, x = MicroBatches(), torch.arange(22.0).reshape(11, 2)
    assert torch.equal(parts(function, x, CPU), 2 * x)
    seen.clear()
    assert torch.equal(parts(function, x, CPU), 2 * x)
    assert max(seen) <= most == max(most, parts.largest)  # remembered


def test_other_errors_and_a_row_that_does_not_fit():
    def fails(error):
        def function(x):
            raise error

        return function

    with pytest.raises(torch.OutOfMemoryError):
        MicroBatches()(fails(torch.OutOfMemoryError()), torch.ones(5, 2), CPU)
    parts = MicroBatches()
    with pytest.raises(RuntimeError, match="something else"):
        parts(fails(RuntimeError("something else")), torch.ones(5, 2), CPU)
    assert parts.largest is None


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((40, 3, 224, 224), [8] * 5),
        ((12, 3, 224, 224), [12]),  # halves would have fewer than eight rows
        ((17, 3, 224, 224), [9, 8]),
        ((40, 3, 32, 32), [40]),
        ((8, 5, 3, 224, 224), [2] * 4),  # five views of each: ten rows
        ((40, 3 * 224 * 224), [40]),  # features are small whatever their number
    ],
)
def test_parts_of_a_cpu(shape, sizes):
    seen = []
    x = torch.zeros(1).expand(shape)
    MicroBatches()(lambda part: seen.append(len(part)) or part[:, 0], x, CPU)
    assert seen == sizes
    seen.clear()
    MicroBatches()(lambda part: seen.append(len(part)) or part[:, 0], x, torch.device("cuda"))
    assert seen == [shape[0]]  # a GPU takes all at once
