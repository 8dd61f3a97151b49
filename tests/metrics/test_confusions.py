from __future__ import annotations

import pytest

from sklift.metrics import most_confused_pairs

Y_TRUE = ["cat"] * 10 + ["lynx"] * 4 + ["dog"] * 2
Y_PRED = ["cat"] * 8 + ["lynx"] * 2 + ["cat"] * 3 + ["lynx"] + ["cat", "cat"]


def test_pairs_by_number_then_by_share():
    table = most_confused_pairs(Y_TRUE, Y_PRED)
    pairs = list(zip(*(column.tolist() for column in table.values()), strict=True))
    assert pairs == [
        ("lynx", "cat", 3, 0.75, 2),
        ("dog", "cat", 2, 1.0, 0),
        ("cat", "lynx", 2, 0.2, 3),
    ]


def test_the_first_ones_and_none():
    assert most_confused_pairs(Y_TRUE, Y_PRED, n_most=1)["true"].tolist() == ["lynx"]
    assert len(most_confused_pairs([1, 2], [1, 2])["n"]) == 0
    frame = most_confused_pairs(Y_TRUE, Y_PRED, output="dataframe")
    assert frame["n"].tolist() == [3, 2, 2]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="output must be one of"):
        most_confused_pairs([1], [1], output="text")
    with pytest.raises(ValueError, match="inconsistent numbers"):
        most_confused_pairs([1, 2], [1])
