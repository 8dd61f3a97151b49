from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import coo_array

from sklift._classes._label_sets import as_given, read_label_sets

Y = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
LISTS = [["ant", "cat"], [], ["bee"]]


@pytest.mark.parametrize(
    "y",
    [
        Y,
        Y.astype(bool),
        Y.astype(float),
        Y.tolist(),
        [tuple(row) for row in Y.tolist()],
        [np.array(row) for row in Y],
        torch.from_numpy(Y),
        pd.DataFrame(Y, columns=[0, 1, 2]),
        coo_array(Y),
    ],
    ids=["int", "bool", "float", "lists", "tuples", "arrays", "tensor", "table", "sparse"],
)
def test_matrices(y):
    sets = read_label_sets(y)
    np.testing.assert_array_equal(sets.targets, Y)
    assert sets.targets.dtype == np.uint8 and sets.classes.tolist() == [0, 1, 2]
    assert sets.form == ("sparse" if isinstance(y, coo_array) else "matrix")


@pytest.mark.parametrize(
    "y",
    [
        LISTS,
        [set(row) for row in LISTS],
        [np.array(row, dtype=str) for row in LISTS],
        pd.Series(LISTS),
        np.array([*LISTS, None], dtype=object)[:3],
        (("cat", "ant"), (), ("bee", "bee")),
    ],
    ids=["lists", "sets", "arrays", "series", "objects", "repeated"],
)
def test_lists(y):
    sets = read_label_sets(y)
    np.testing.assert_array_equal(sets.targets, Y)
    assert sets.classes.tolist() == ["ant", "bee", "cat"] and sets.form == "lists"
    assert as_given(sets.targets == 1, sets.classes, "lists") == [("ant", "cat"), (), ("bee",)]


def test_labels_that_look_alike_are_warned_of():
    with pytest.warns(UserWarning, match="differ only by case"):
        read_label_sets([["fox"], ["Fox"]])


def test_sets_of_numbers_are_no_matrix():
    sets = read_label_sets([{0, 1}, {1}, {0}])
    assert sets.form == "lists" and sets.targets.tolist() == [[1, 1], [0, 1], [1, 0]]
    assert read_label_sets([[5, 7], [7, 5]]).classes.tolist() == [5, 7]


def test_given_classes_keep_their_order():
    sets = read_label_sets(LISTS, ["cat", "bee", "ant", "dog"])
    assert sets.classes.tolist() == ["cat", "bee", "ant", "dog"]
    assert sets.targets.tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert read_label_sets(Y, ["c", "a", "b"]).classes.tolist() == ["c", "a", "b"]
    table = pd.DataFrame(Y, columns=["z", "y", "x"])
    assert read_label_sets(table).classes.tolist() == ["z", "y", "x"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (7, "y is of type int"),
        ([], "y is empty"),
        (np.zeros((0, 3)), r"y has shape \(0, 3\)"),
        (np.zeros((2, 2, 2)), r"y has shape \(2, 2, 2\)"),
        (np.array([["a", "b"]]), "y is a matrix of <U1"),
        ([["a"], ["b", ["c"]]], r"y\[1\] holds \['c'\]"),
        ([["a"], "b"], r"y\[1\] is 'b', a single label"),
        ([["a"], float("nan")], r"y\[1\] is missing"),
    ],
)
def test_wrong_labels(y, message):
    with pytest.raises(ValueError, match=message):
        read_label_sets(y)
