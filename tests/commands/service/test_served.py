"""A classifier that predicts the contents of files, from whomever they are."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image
from sklearn.exceptions import NotFittedError

from sklift import LiftClassifier
from sklift._commands._service._served import Picture, Served

pytestmark = pytest.mark.filterwarnings("ignore:.* can't be read")


@pytest.fixture(scope="module")
def served(fitted):
    return Served(fitted)


def test_contents_are_predicted_as_by_the_classifier(served, fitted, contents):
    part = served.predict(contents)
    np.testing.assert_array_equal(part.values, fitted.predict_proba(contents))
    assert part.paths == [str(i) for i in range(24)] and part.unreadable == {}


def test_a_look_tells_the_size_or_what_is_wrong(served, contents, encoded):
    assert served.look(contents[0], 64) == Picture(contents[0], 48 * 48, None)
    bomb = bytearray(contents[0])
    bomb[16:24] = (20_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    assert "exceeds limit" in served.look(bytes(bomb), 64).refusal
    large = encoded(Image.new("1", (1010, 1000)))
    assert served.look(large, 1).refusal == "it has 1.0 million pixels; 1 are taken"
    assert served.look(large, 2).refusal is None
    assert served.look(b"", 64).refusal == "the file is empty"
    for other in (b"rubbish", b"/etc/passwd", b"file:///etc/passwd"):
        assert served.look(other, 64).refusal == "no picture that Pillow reads"


def test_each_that_is_damaged_inside_has_its_reason(served, fitted, contents):
    part = served.predict([contents[0], contents[1][:-40], contents[2], contents[3][:60]])
    assert part.readable == ["0", "2"]
    why = "the picture can't be decoded (image file is truncated)"
    assert part.unreadable == {"1": why, "3": why}
    expected = fitted.predict_proba([contents[0], contents[2]])
    np.testing.assert_allclose(part.values, expected, atol=1e-5)
    alone = served.predict([contents[1][:-40]])
    assert alone.values.shape == (0, 3) and alone.unreadable == {"0": why}


def test_the_classifier_stays_as_it_is(fitted):
    before = str(fitted.get_params())
    own = Served(fitted).clf
    assert str(fitted.get_params()) == before
    assert own.reader.on_error == "skip" and own.compute.cache is False


def test_its_reader_reads(quick, shapes, contents):
    squashed = quick(reader__framing="squash", reader__channels=(0,)).fit(*shapes)
    wide = contents[:3]
    part = Served(squashed).predict(wide)
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
