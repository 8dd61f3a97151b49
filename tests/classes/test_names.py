from __future__ import annotations

import warnings
from enum import Enum

import numpy as np
import pandas as pd
import pytest

from sklift import ZeroShotClassifier
from sklift._classes._names import resolve_names

TWELVE = [f"name {k}" for k in range(12)]


def resolve(names, labels, given=None):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return resolve_names(names, np.unique(labels), given)


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        (["b", "a", "c"], ["b", "c", "a"]),
        ([1, 0, 2], [2, 0, 1]),
        (["10", "9", "8"], ["10", "8", "9"]),
        ([True, False], [True, False]),
    ],
)
@pytest.mark.parametrize("kind", [list, np.array, tuple])
def test_a_list_of_names_follows_the_classes_as_they_were_given(labels, given, kind):
    names = [f"the name of {label}" for label in given]
    found = dict(zip(np.unique(labels).tolist(), resolve(names, labels, kind(given)), strict=True))
    assert found == {label: f"the name of {label}" for label in given}


def test_classes_of_an_enumeration_keep_their_order():
    class Kind(str, Enum):  # noqa: UP042
        FOX = "fox"
        BEAR = "bear"

    found = resolve(["Vulpes", "Ursus"], ["fox", "bear"], [Kind.FOX, Kind.BEAR])
    assert found == ["Ursus", "Vulpes"]


@pytest.mark.parametrize(
    "label",
    [str, "{:02}".format, "{:05}".format, lambda k: str(k + 1), int, "{}.0".format, "{}.5".format],
    ids=["digits", "2 digits", "5 digits", "from 1", "numbers", "whole", "halves"],
)
def test_digits_are_numbers_to_a_list_of_names(label):
    labels = [label(k) for k in range(12)]
    found = dict(zip(np.unique(labels).tolist(), resolve(TWELVE, labels), strict=True))
    assert found == {label(k): f"name {k}" for k in range(12)}


def test_digits_are_numbers_where_a_fold_lacks_a_class():
    assert resolve(TWELVE, ["0", "2", "11"]) == ["name 0", "name 11", "name 2"]
    with pytest.warns(UserWarning, match="indexed by label, the first for label 0"):
        assert resolve_names(TWELVE, np.array(["10", "2"])) == ["name 10", "name 2"]
    with pytest.raises(ValueError, match="12 names for 2 classes"):
        resolve(TWELVE, ["2", "12"])


def test_numbers_within_labels_warn_where_their_order_matters():
    labels = np.unique([f"c{k}" for k in range(12)])
    with pytest.warns(UserWarning, match="'c10' comes before 'c2'"):
        resolve_names(TWELVE, labels)
    assert resolve(TWELVE, labels, [f"c{k}" for k in range(12)])[labels.tolist().index("c2")] == (
        "name 2"
    )
    assert resolve(TWELVE, [f"c{k:02}" for k in range(12)]) == TWELVE
    others = np.unique([*labels[:11], "zebra"])  # it is some of the labels that have numbers
    with pytest.warns(UserWarning, match="'c10' comes before 'c2'"):
        resolve_names(TWELVE, others)


def test_numbers_in_front_warn_where_their_order_matters():
    with pytest.warns(UserWarning, match="'10-dog' comes before '2-cat'"):
        assert resolve_names(["ten", "two"], np.array(["10-dog", "2-cat"])) == ["ten", "two"]


def test_what_is_wrong_with_names_of_another_kind_is_told():
    with pytest.raises(ValueError, match="its keys are of type int, the labels of type str"):
        resolve_names({0: "fox", 1: "lynx"}, np.array(["0", "1"]))
    with pytest.raises(TypeError, match=r"got Series: give list\(class_names\).* or a dict"):
        resolve_names(pd.Series(["fox", "lynx"]), np.array([0, 1]))


def test_the_classifiers_give_each_class_its_name(quick, shapes):
    X, y = shapes
    words = np.unique(y)
    order = [2, 0, 1]
    clf = quick(classes=words[order].tolist(), class_names=["x-ray", "fox", "lynx"], max_epochs=1)
    expected = dict(zip(words[order].tolist(), ["x-ray", "fox", "lynx"], strict=True))
    assert dict(zip(clf.fit(X, y).classes_, clf.class_names_, strict=True)) == expected
    other = quick(class_names=["x-ray", "fox", "lynx"], max_epochs=1)
    other.partial_fit(X, y, classes=words[order])
    assert dict(zip(other.classes_, other.class_names_, strict=True)) == expected

    digits = [str(k) for k in range(12)]
    zero = ZeroShotClassifier("emoji-tiny", class_names=TWELVE).fit(None, digits)
    assert dict(zip(zero.classes_, zero.class_names_, strict=True))["2"] == "name 2"
