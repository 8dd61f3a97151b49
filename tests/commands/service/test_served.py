"""A classifier that predicts the contents of files, from whomever they are."""

from __future__ import annotations

import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from sklearn.exceptions import NotFittedError

from sklift import LiftClassifier
from sklift._commands._service._served import Served


@pytest.fixture(scope="module")
def served(fitted):
    return Served(fitted)


def test_contents_are_predicted_as_by_the_classifier(served, fitted, contents):
    part = served.predict(contents, 64)
    np.testing.assert_array_equal(part.values, fitted.predict_proba(contents))
    assert part.paths == [str(i) for i in range(24)] and part.unreadable == {}


def test_each_that_cannot_be_read_has_its_reason(served, fitted, contents, encoded):
    bomb = bytearray(contents[0])
    bomb[16:24] = (20_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    large = encoded(Image.new("1", (1001, 1000)))
    given = [
        *(contents[0], b"", b"rubbish", contents[1][:-40], bytes(bomb), large, contents[2]),
        b"/etc/passwd",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # strangers choose what would be in the log
        part = served.predict(given, 1)
    expected = {
        "1": "the file is empty",
        "2": "no picture that Pillow reads",
        "3": "the picture can't be decoded (image file is truncated)",
        "5": "it has 1.0 million pixels; 1 are taken",
        "7": "no picture that Pillow reads",
    }
    assert part.readable == ["0", "6"]
    assert "exceeds limit" in part.unreadable["4"]
    assert part.unreadable == expected | {"4": part.unreadable["4"]}
    np.testing.assert_allclose(
        part.values, fitted.predict_proba([contents[0], contents[2]]), atol=1e-5
    )


def test_none_that_can_be_read(served):
    part = served.predict([b"", b"x"], 64)
    assert part.values.shape == (0, 0) and set(part.unreadable) == {"0", "1"}


def test_the_classifier_stays_as_it_is(fitted):
    before = str(fitted.get_params())
    own = Served(fitted).clf
    assert str(fitted.get_params()) == before
    assert own.reader.on_error == "skip" and own.compute.cache is False


def test_its_reader_reads(quick, shapes, contents):
    squashed = quick(reader__framing="squash", reader__channels=(0,)).fit(*shapes)
    wide = [image for image in contents[:3]]
    part = Served(squashed).predict(wide, 64)
    np.testing.assert_array_equal(part.values, squashed.predict_proba(wide))


def test_what_is_not_served(shapes):
    with pytest.raises(TypeError, match=r"a fitted LiftClassifier, or a fitted ZeroShot.*got int"):
        Served(3)
    with pytest.raises(NotFittedError):
        Served(LiftClassifier())
    rows = np.random.default_rng(0).normal(size=(24, 8)).astype(np.float32)
    features = LiftClassifier("precomputed", max_epochs=1).fit(rows, shapes[1])
    with pytest.raises(ValueError, match="trained on features: a service takes pictures"):
        Served(features)
