"""Taxonomy: sums, roll-up, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklift import Taxonomy
from sklift.metrics import per_level_scores

TABLE = {
    "red fox": ("Vulpes", "canid"),
    "wolf": ("Canis", "canid"),
    "jackal": ("Canis", "canid"),
    "lynx": ("Lynx", "felid"),
}
CLASSES = np.array(["jackal", "lynx", "red fox", "wolf"])


@pytest.fixture(scope="module")
def taxonomy():
    return Taxonomy(TABLE, levels=["genus", "family"])


def test_sums(taxonomy):
    proba = np.array([[0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0]])
    genera, names = taxonomy.sum_proba(proba, CLASSES, "genus")
    assert names.tolist() == ["Canis", "Lynx", "Vulpes"]
    assert_allclose(genera, [[0.5, 0.2, 0.3], [0, 1, 0]])
    families, names = taxonomy.sum_proba(proba, CLASSES, "family")
    assert names.tolist() == ["canid", "felid"]
    assert_allclose(families, [[0.8, 0.2], [0, 1]])
    assert_array_equal(taxonomy.sum_proba(proba, CLASSES, "label")[0], proba)


def test_the_smallest_group_that_is_sure_enough(taxonomy):
    proba = np.array(
        [
            [0.02, 0.03, 0.05, 0.9],
            [0.45, 0.05, 0.05, 0.45],
            [0.3, 0.1, 0.3, 0.3],
            [0.2, 0.4, 0.2, 0.2],
            [np.nan] * 4,
        ]
    )
    found = taxonomy.roll_up(proba, CLASSES, sure=0.85)
    assert found["label"].tolist() == ["wolf", "Canis", "canid", None, None]
    assert found["level"].tolist() == ["label", "genus", "family", None, None]
    assert_allclose(found["probability"], [0.9, 0.9, 0.9, np.nan, np.nan])


def test_a_table_and_single_groups(taxonomy):
    frame = pd.DataFrame(list(TABLE.values()), index=list(TABLE), columns=["genus", "family"])
    assert Taxonomy(frame).levels == ("label", "genus", "family") == taxonomy.levels
    assert Taxonomy(pd.concat([frame, frame])).groups(["wolf"], "genus").tolist() == ["Canis"]
    single = Taxonomy({3: 0, 7: 1, 9: 1})
    assert single.levels == ("label", "level 1")
    assert single.groups([9, 3], "level 1").tolist() == [1, 0]
    assert single.sum_proba(np.eye(3), [3, 7, 9], "level 1")[0].tolist() == [[1, 0], [0, 1], [0, 1]]


def test_scores_rise_with_the_level(taxonomy):
    true = ["wolf", "wolf", "jackal", "red fox", "lynx"]
    predicted = ["wolf", "jackal", "red fox", "red fox", "red fox"]
    table = per_level_scores(true, predicted, taxonomy, output="dataframe").set_index("level")
    assert table["accuracy"].tolist() == [2 / 5, 3 / 5, 4 / 5]
    assert table["n_groups"].tolist() == [4, 3, 2]
    assert_allclose(table["balanced_accuracy"], [1.5 / 4, (2 / 3 + 1) / 3, 1 / 2])


@pytest.mark.parametrize(
    ("parents", "levels", "message"),
    [
        ({}, None, "parents must be a dict label -> groups"),
        ([("a", "b")], None, "parents must be a dict label -> groups"),
        ({"a": ("x", "y"), "b": ("x",)}, None, "'b' has 1 group, and the first label has 2"),
        ({"a": ("x", "y")}, ["one"], "levels must be 2 different names other than 'label'"),
        ({"a": ("x",)}, ["label"], "levels must be 1 different names"),
        ({"a": None}, None, r"'a' has no group at one of the levels \['level 1'\]: where"),
        ({"a": ("x", "y"), "b": ("x", np.nan)}, None, "'b' has no group at one of the levels"),
        ({"a": "x", "b": 3}, None, "level 1 mixes text and other values"),
        (pd.DataFrame({"g": ["x", "y"]}, ["a", "a"]), None, r"'a' has two rows, \['x'\] and"),
        ({"a": ("x", "y"), "b": ("x", "z")}, None, "level 1 'x' is in two groups, 'y' and 'z'"),
    ],
)
def test_tables_that_are_none(parents, levels, message):
    with pytest.raises(ValueError, match=message):
        Taxonomy(parents, levels)


def test_what_is_asked_for_wrongly(taxonomy):
    with pytest.raises(ValueError, match=r"level must be one of \['label', 'genus', 'family'\]"):
        taxonomy.groups(["wolf"], "order")
    with pytest.raises(ValueError, match=r"the taxonomy has no groups of \['bear'\]"):
        taxonomy.groups(["wolf", "bear"], "genus")
    with pytest.raises(ValueError, match="for 4 classes"):
        taxonomy.sum_proba(np.eye(3), CLASSES, "genus")
    with pytest.raises(ValueError, match=r"sure must be between 0.5 and 1"):
        taxonomy.roll_up(np.eye(4), CLASSES, sure=0.4)
