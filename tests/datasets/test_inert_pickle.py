from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from sklift.datasets._inert_pickle import load_inert


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["u1", "<i4", ">i4", "<i8", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_they_were(protocol, dtype, order):
    array = np.asarray(np.arange(250, 262).reshape(3, 4), dtype, order=order)
    text = pickle.dumps({"a": array, b"b": [1, "é", None], "c": b"\xff\x00"}, protocol)
    content = load_inert(io.BytesIO(text))
    np.testing.assert_array_equal(content["a"], array)
    assert content["a"].dtype == array.dtype
    assert content["b"] == [1, "é", None] and content["c"] == b"\xff\x00"


@pytest.mark.parametrize("thing", [print, np.float64(2), np.random.RandomState, io.BytesIO(b"")])
def test_anything_else_is_refused(thing):
    with pytest.raises(pickle.UnpicklingError, match=r"it asks for \S+, which has no place in"):
        load_inert(io.BytesIO(pickle.dumps({"a": thing})))
