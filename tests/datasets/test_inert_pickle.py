from __future__ import annotations

import io
import pickle
import tracemalloc

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


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02)r\xff\xff\xff\x0f.", "a dictionary is expected, not tuple"),  # memo 2**28
        (b"\x80\x04}\x8f\x90.", "EMPTY_SET has no place"),
        (b"\x80\x02}K\x01K\x02s.", "a int has no place there"),  # as a key
        (b"\x80\x02}()" + b"\x86" * 9 + b"K\x02s.", "values are missing|tuple has no place"),
        (b"\x80\x02}K\x01b.", "a dict has no place there"),  # a state
        (b"\x80\x02K\x01)R.", "it calls a value"),
        (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "in latin1, not in 'rot13'"),
    ],
)
def test_only_what_data_need_is_done(program, message):
    with pytest.raises(pickle.UnpicklingError, match=message):
        load_inert(io.BytesIO(program))


def test_a_place_in_its_memory_takes_no_more_than_a_value():
    program = b"\x80\x02}r\xff\xff\xff\x7f."  # Python's own makes room for two thousand million
    tracemalloc.start()
    assert load_inert(io.BytesIO(program)) == {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
