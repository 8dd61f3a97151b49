"""Labels of any type come back, and so do all plain values."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklift import LiftClassifier, ZeroShotClassifier
from sklift._persistence._codec import decode, encode

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=8,
)
LABEL_TYPES = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="?")
    | hnp.unsigned_integer_dtypes(endianness="?")
    | hnp.floating_dtypes(sizes=(16, 32, 64), endianness="?")
    | hnp.unicode_string_dtypes(endianness="?", max_len=12)
)


def there_and_back(value):
    tensors = {}
    text = json.dumps(encode(value, tensors, "x"), allow_nan=False)
    back = decode(json.loads(text), dict(tensors), {})
    return back, tensors


def same(a, b):
    """Equal in type as well, and NaN equal to NaN."""
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(b) is dict and same(list(a), list(b)) and same([*a.values()], [*b.values()])
    return type(a) is type(b) and a == b


@given(PLAIN)
def test_plain_values(value):
    back, tensors = there_and_back(value)
    assert same(value, back)
    assert tensors == {}


@given(LABEL_TYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=1))))
def test_vectors(array):
    back, tensors = there_and_back(array)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes() or np.isnan(array.astype(float)).any()
    np.testing.assert_array_equal(back, array)
    assert tensors == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 4), 0.25),
        (np.longdouble(0.5), 0.5),
        (range(3, 30_000, 2), list(range(3, 30_000, 2))),
        (range(2, 9), range(2, 9)),
    ],
)
def test_what_comes_back_as_the_plain_value(value, expected):
    back, _ = there_and_back(value)
    assert same(back, expected)


@given(st.lists(st.text() | st.integers() | st.floats(allow_nan=False) | st.none()))
def test_vectors_of_objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    back, _ = there_and_back(array)
    assert back.dtype == object
    assert same(back.tolist(), values)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=3)))
def test_matrices_become_tensors(array):
    back, tensors = there_and_back(array)
    assert list(tensors) == ["x"]
    assert back.dtype == array.dtype and back.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "value",
    [
        np.array(["2020-01-01"], "datetime64[D]"),
        np.array([1j]),
        np.array([1], np.longdouble),
        np.array([b"a"]),
        np.array([object()]),
        np.array([("a", "b"), None], dtype=object),
        {1, 2},
        b"bytes",
        len,
        int,
        1j,
    ],
)
def test_what_is_no_plain_data(value):
    with pytest.raises(TypeError, match="can't be saved"):
        encode(value, {}, "x")


@settings(max_examples=25, deadline=None)
@given(
    LABEL_TYPES.flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            st.integers(2, 5),
            unique=True,
            elements=None if dtype.kind != "f" else st.integers(-500, 500),
        )
    )
)
def test_labels_of_every_type(tmp_path_factory, shapes, labels):
    path = tmp_path_factory.mktemp("labels") / "model"
    prompts = {label: "a cat" for label in labels.tolist()}
    est = ZeroShotClassifier("emoji-tiny", prompts=prompts).fit(None, labels)
    est.save(path)
    loaded = ZeroShotClassifier.load(path)
    assert loaded.classes_.dtype == est.classes_.dtype
    assert np.array_equal(loaded.classes_, est.classes_)
    assert loaded.prompts == est.prompts
    predicted = loaded.predict(shapes[0][:2])
    assert np.array_equal(predicted, est.predict(shapes[0][:2]))
    assert predicted.dtype == labels.dtype.newbyteorder("=") or predicted.dtype == labels.dtype


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: list(y),
        lambda y: y.astype(object),
        lambda y: pd.Series(y),
        lambda y: pd.Categorical(y),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: y == "blue square",
        lambda y: (y == "blue square").astype(float),
        lambda y: np.unique(y, return_inverse=True)[1].astype(np.uint8),
        lambda y: pd.Series(np.unique(y, return_inverse=True)[1], dtype=object),
    ],
)
@pytest.mark.filterwarnings("ignore:the labels are no names")
def test_labels_as_a_user_has_them(quick, shapes, tmp_path, convert):
    X, y = shapes[0], convert(shapes[1])
    est = quick(adapter=None, max_epochs=1, classes=np.unique(np.asarray(y))).fit(X, y)
    est.save(tmp_path / "model")
    loaded = LiftClassifier.load(tmp_path / "model")
    assert loaded.classes_.dtype == est.classes_.dtype
    assert [type(v) for v in loaded.classes_.tolist()] == [type(v) for v in est.classes_.tolist()]
    assert np.array_equal(loaded.predict(X), est.predict(X))
    assert np.array_equal(loaded.classes, est.classes)
