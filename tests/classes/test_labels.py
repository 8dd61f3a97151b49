from __future__ import annotations

import warnings
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import DataConversionWarning

from sklift._classes._labels import check_labels, encode_labels, gather_labels
from sklift._classes._names import resolve_names


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", "a", "b"], ["a", "b"]),
        (np.array(["b", "a", "b"], dtype=object), ["a", "b"]),
        (pd.Series(["b", "a", "b"]), ["a", "b"]),
        (pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"]), ["a", "b"]),
        ([7, -3, 7], [-3, 7]),
        ([1.0, 0.0, 1.0], [0.0, 1.0]),
        ([True, False, True], [False, True]),
        (pd.Series([5, 2, 5], dtype="Int64"), [2, 5]),
        (np.array([5, 2, 5], dtype=object), [2, 5]),
        (pd.Series([5, 2, 5], dtype="category"), [2, 5]),
    ],
    ids=str,
)
def test_labels_of_every_kind(y, classes):
    found, codes = encode_labels(check_labels(y))
    assert found.tolist() == classes
    assert codes.tolist() == [1, 0, 1] and codes.dtype == np.int64


def test_names_that_are_all_there_once_are_no_regression():
    names = [f"species {i}" for i in range(40)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_labels(names).tolist() == names
    with pytest.warns(UserWarning, match="regression"):
        check_labels(range(40))


def test_a_column_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning):
        assert check_labels([["a"], ["b"]]).tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([], "y is empty"),
        ([0.0, np.nan, 1.0], r"y\[1\] is missing \(.*nan.*; 1 in all\)"),
        (np.array(["a", None, "b", None], dtype=object), r"y\[1\] is missing \(None; 2 in all\)"),
        (pd.Series([1, None, 2], dtype="Int64"), r"y\[1\] is missing"),
        (pd.Categorical(["a", np.nan]), r"y\[1\] is missing"),
        (np.ma.masked_array(["a", "b"], [False, True]), r"y\[1\] is missing"),
        (np.ma.masked_array([3, 4], [True, False]), r"y\[0\] is missing"),
        ([0.5, 1.7, 2.2], "continuous"),
        (np.eye(3, dtype=int), "1d array"),
        (np.array(["a", 1, "b"], dtype=object), r"mixes kinds of labels: \['int', 'str'\]"),
        ([Decimal(1), Decimal(2)], r"y\[0\] is a Decimal \(1\).* make them text, \[str\(v\)"),
        ([1, date(2020, 5, 1)], r"y\[1\] is a date \(2020-05-01\): labels are text"),
        (pd.Series(pd.period_range("2020", "2021", freq="Y")), r"y\[0\] is a Period \(2020\)"),
        ([3, 1 << 70], r"y\[1\] is 1180591620717411303424, too large"),
        ([1 << 53, (1 << 53) + 1, 0.0], r"y\[1\] = 9007199254740993 can't be told"),
        ([-1, 1 << 63], r"y\[1\] = 9223372036854775808 can't be told"),
        (["fox\0", "fox", "owl"], r"y\[0\] = 'fox\\x00' ends with a zero character"),
        ({"a"}, "y is of type set: give the labels in a list"),
    ],
    ids=str,
)
def test_labels_that_are_none(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y)


def test_masked_arrays_of_which_nothing_is_masked():
    y = np.ma.masked_array([4, 7])
    assert check_labels(y).tolist() == [4, 7]
    assert encode_labels(np.array([4]), y)[0].tolist() == [4, 7]


def test_one_class_is_too_few():
    with pytest.raises(ValueError, match=r"at least 2 classes.*only one class: .*'a'"):
        encode_labels(np.array(["a", "a"]))


@pytest.mark.parametrize("given", [["c", "a", "b"], pd.Series(["c", "a", "b"]), ("b", "c", "a")])
def test_a_given_class_list_is_sorted_and_may_name_absent_classes(given):
    classes, codes = encode_labels(np.array(["c", "a"]), given)
    assert classes.tolist() == ["a", "b", "c"] and codes.tolist() == [2, 0]


def test_a_given_class_list_longer_than_the_strings_of_y():
    classes, codes = encode_labels(np.array(["b"]), ["a long name", "b"])
    assert codes.tolist() == [1] and classes[0] == "a long name"


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a", "a", "b"], "distinct"),
        ([0, 1], "of one kind"),
        (["a", "c"], r"y\[1\] = .*'b'.* is not among classes \(2 given\)"),
        ({"a", "b"}, "classes is of type set: give the labels in a list"),
        ([b"a", b"b"], "classes has labels of bytes: decode them"),
        (np.ma.masked_array(["a", "b"], [False, True]), "classes has a missing value"),
        (["a\0", "a", "b"], "zero character"),
    ],
)
def test_class_lists_that_do_not_fit(classes, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(np.array(["a", "b"]), classes)


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (None, ["a", "b"], ["a", "b"]),
        (None, [0, 1], None),
        ({0: "zero", 1: "one", 9: "extra"}, [0, 1], ["zero", "one"]),
        ({"x": "cat"} | {"y": "dog"}, ["x", "y"], ["cat", "dog"]),
        ({True: "yes", False: "no"}, [False, True], ["no", "yes"]),
        (["cat", "dog"], ["x", "y"], ["cat", "dog"]),
        (["cat", "dog"], [10, 20], ["cat", "dog"]),
        (["no", "yes"], [False, True], ["no", "yes"]),
        (["zero", "one", "two"], [0, 2], ["zero", "two"]),
        (np.array(["zero", "one"]), [0, 1], ["zero", "one"]),
    ],
)
def test_names(names, labels, expected):
    assert resolve_names(names, np.array(labels)) == expected


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ({0: "zero"}, ValueError, "no name for 2 classes, the first is 1"),
        (["a", "b"], ValueError, "2 names for 3 classes"),
        (["a", " ", "c"], TypeError, "name of class 1 must be a non-empty str"),
        ([0, 1, 2], TypeError, "name of class 0 must be a non-empty str, got 0"),
        ("abc", TypeError, "must be a dict or a list of str, got str"),
        (3, TypeError, "must be a dict or a list of str, got int"),
    ],
)
def test_names_that_do_not_fit(names, error, message):
    with pytest.raises(error, match=message):
        resolve_names(names, np.array([0, 1, 2]))


def test_a_missing_text_is_not_a_class():
    for missing in (float("nan"), None):
        with pytest.raises(ValueError, match=r"y\[1\] is missing"):
            check_labels(["cat", missing, "dog"])
    with pytest.raises(ValueError, match="mixes kinds"):
        check_labels(["cat", 3])
    assert check_labels(["cat", "dog"]).dtype.kind == "U"
    assert check_labels([3, 5]).dtype.kind == "i"


def test_names_in_order_win_where_both_readings_fit():
    assert resolve_names(["a", "b", "c"], np.array([1, 2, 3])) == ["a", "b", "c"]
    with pytest.warns(UserWarning, match="indexed by label, the first for label 0"):
        assert resolve_names(["a", "b", "c"], np.array([1, 2])) == ["b", "c"]


class Animal(str, Enum):  # noqa: UP042 - the text of members is another than their value
    RACCOON = "raccoon"
    FOX = "fox"


class Grade(IntEnum):
    GOOD = 3
    BAD = 1


class Bare(Enum):
    FOX = 1


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([Animal.RACCOON, Animal.FOX], ["raccoon", "fox"]),
        (np.array([Animal.RACCOON, Animal.FOX], dtype=object), ["raccoon", "fox"]),
        (pd.Series([Animal.RACCOON, Animal.FOX]), ["raccoon", "fox"]),
        ([Grade.GOOD, Grade.BAD], [3, 1]),
        (pd.Series(["b", "a"], dtype="string"), ["b", "a"]),
        (pd.Series([True, False], dtype="boolean"), [True, False]),
        (pd.Series([2**53 + 1, 2**53], dtype="Int64"), [2**53 + 1, 2**53]),
    ],
    ids=str,
)
def test_labels_of_other_libraries_are_the_plain_values(y, expected):
    labels = check_labels(y)
    assert labels.tolist() == expected
    assert {type(v) for v in labels.tolist()} == {type(expected[0])}


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="numpy 2 has it")
def test_texts_of_numpys_own_kind():
    kind = np.dtypes.StringDType
    labels = check_labels(np.array(["raccoon", "fox"], dtype=kind()))
    assert labels.tolist() == ["raccoon", "fox"] and labels.dtype.kind == "U"
    given = np.array(["raccoon", "fox"], dtype=kind())
    assert encode_labels(labels, given)[1].tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"y\[1\] is missing"):
        check_labels(np.array(["fox", np.nan], dtype=kind(na_object=np.nan)))


def test_columns_of_arrow_and_polars():
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    texts, gap = ["b", "a"], ["b", None]
    columns = (pa.array, lambda v: pa.chunked_array([v]), pl.Series, pl.Series(texts).cast)
    for make in columns[:3]:
        assert check_labels(make(texts)).tolist() == texts
        assert check_labels(make([5, 2])).tolist() == [5, 2]
        with pytest.raises(ValueError, match=r"y\[1\] is missing"):
            check_labels(make(gap))
    assert check_labels(pa.array(texts).dictionary_encode()).tolist() == texts
    assert check_labels(columns[3](pl.Categorical)).tolist() == texts


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([Bare.FOX, Bare.FOX], r"y\[0\] is Bare.FOX, a member of an enumeration: give names"),
        ([b"fox", b"lynx"], "bytes: decode them"),
        (np.array([b"fox", b"lynx"]), "bytes: decode them"),
        (np.array(["2024-01-01", "NaT"], dtype="M8[D]"), r"y\[1\] is missing"),
    ],
    ids=str,
)
def test_labels_that_must_be_converted_say_how(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y)


def test_errors_call_the_labels_what_they_are_told():
    with pytest.raises(ValueError, match=r"^the label of X\[1\] is missing"):
        check_labels(["fox", None], "the label of X")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a", float("nan")], "classes has a missing value"),
        (["a", 3], r"classes mixes kinds of labels: \['int', 'str'\]"),
    ],
)
def test_class_lists_are_read_by_the_same_rule(classes, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(np.array(["a", "a"]), classes)
    given = [Animal.RACCOON, Animal.FOX]
    assert encode_labels(np.array(["raccoon"]), given)[0].tolist() == ["fox", "raccoon"]


def test_gathered_labels_keep_their_kinds():
    assert gather_labels([1, 2]).dtype.kind == "i" and gather_labels(["a", "b"]).dtype.kind == "U"
    for mixed in (["a", None], ["a", 1], ["a", float("nan")]):
        gathered = gather_labels(mixed)
        assert gathered.shape == (2,) and [type(v) for v in gathered] == [type(v) for v in mixed]
