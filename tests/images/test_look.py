"""Warnings about pictures that come out nearly black, or white."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from sklift import ImageEmbedder
from sklift.images import ImageSequence, Reader

from .made_files import pgm, png16, tiff

N = 40
RNG = np.random.default_rng(0)
TWELVE = RNG.integers(0, 4096, (N, 8, 8)).astype(np.uint16)
TWELVE[:, 0, 0] = 4095
CLEAR = np.dstack([TWELVE[0] // 16] * 4).astype(np.uint8)
CLEAR[..., 3] = 0


def said(X, **settings):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Reader(**settings).build(X)
    return [str(w.message) for w in caught if issubclass(w.category, UserWarning)]


def written(folder, contents):
    paths = [folder / f"{i}.x" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def saved_png(pixels):
    Image.fromarray(pixels).save(stream := io.BytesIO(), "PNG")
    return stream.getvalue()


def kinds_of(pictures, folder):
    paths = written(folder, [png16(p) for p in pictures])
    return {
        "array": pictures,
        "big-endian": pictures.astype(">u2"),
        "list": list(pictures),
        "PIL": [Image.fromarray(p) for p in pictures],
        "mode I": [Image.fromarray(p.astype(np.int32)) for p in pictures],
        "PNG": paths,
        "bytes": [path.read_bytes() for path in paths],
        "opened": [Image.open(path) for path in paths],
        "TIFF": [tiff(p) for p in pictures],
        "pairs": [(p, "a") for p in pictures],
        "sequence": ImageSequence(list(pictures)),
    }


@pytest.mark.parametrize(("shift", "bits"), [(0, 12), (2, 10), (4, 8)])
def test_a_range_that_is_not_used(tmp_path, shift, bits):
    for kind, X in kinds_of(TWELVE >> shift, tmp_path).items():
        (message,) = said(X)
        assert f"seen is {4095 >> shift}" in message, kind
        assert f"reader__value_range={bits}" in message, kind
        for value_range in (bits, 16, (0, 5000), "percentiles"):
            assert not said(X, value_range=value_range), kind


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda a: (a >> 11).astype(np.uint8), "in 8 bits.*seen is 1:.*value_range=1 if.* or 8 if"),
        (lambda a: (a >> 7).astype(np.uint8), "in 8 bits.*seen is 31:.*value_range=5 if"),
        (
            lambda a: (a / 65535).astype(np.float32),
            r"floats.*0\.0624857.*=\(0, 0\.06249\).*\(0, 1\)",
        ),
        (lambda a: a / 4095 / 255, r"floats.*0\.00392157"),
    ],
)
def test_bytes_and_floats_that_do_not_use_their_range(make, remedy):
    X = make(TWELVE)
    kinds = [X, list(X), torch.from_numpy(X)]
    if X.dtype == np.uint8:
        kinds.append([Image.fromarray(x) for x in X])
        assert not said(X, value_range=8)
    else:
        assert not said(X, value_range=(0, 1))
    for kind in kinds:
        (message,) = said(kind)
        assert re.search(remedy, message)


def test_a_range_that_cuts_off_all(tmp_path):
    colours = np.dstack([TWELVE[0] // 16] * 3).astype(np.uint8)
    for X in (TWELVE, colours[None], [Image.fromarray(colours)], [saved_png(colours)]):
        (message,) = said(X, value_range=(0, 1))
        assert "value_range=(0.0, 1.0) leaves nearly nothing" in message
        assert not said(X, value_range=(0, 100))
    assert len(said([png16(TWELVE[0])], value_range=(-2000, 0.5))) == 1
    assert not said([*TWELVE, *(TWELVE / 4095)], value_range=(0, 1))


def test_no_word_about_pictures_that_use_their_range(tmp_path):
    bright = TWELVE.copy()
    bright[::7] *= 16  # some of them do
    for X in kinds_of(bright, tmp_path).values():
        if not isinstance(X, ImageSequence):
            assert not said(X)
    assert not said(np.zeros((3, 8, 8), np.uint16))  # nothing is known of these
    assert not said((TWELVE // 120).astype(np.uint8))
    assert not said(TWELVE / 4095 / 4)
    assert not said([saved_png((TWELVE[0] // 400).astype(np.uint8))])  # which declares 8 bits
    assert not said([pgm(TWELVE[0], 4095)])
    assert not said([tiff(TWELVE[0], 12)])
    assert not said([png16(TWELVE[0] | 1, significant=12)])


def test_a_few_wide_files_among_others(tmp_path):
    contents = [png16(TWELVE[0]) if i % 10 == 3 else b"no picture" for i in range(N)]
    (message,) = said(written(tmp_path, contents))
    assert "4095" in message


@pytest.mark.parametrize("settings", [{}, {"value_range": (0, 1)}, {"value_range": "percentiles"}])
def test_a_range_does_not_silence_the_opacity(settings):
    for X in (CLEAR, CLEAR * np.uint16(257), CLEAR / 255, Image.fromarray(CLEAR)):
        assert any("fourth channel" in text for text in said([X], **settings))


@pytest.mark.parametrize("scale", [1, 257, 1 / 255])
def test_an_opacity_that_hides_all(tmp_path, scale):
    X = np.stack([CLEAR] * 5).astype(float) * scale
    X = X.astype(np.uint16 if scale == 257 else np.uint8) if scale >= 1 else X
    (message,) = said(X)
    assert "makes 5 of 5 that were looked at white" in message
    assert "reader__channels=(0, 1, 2)" in message
    assert not said(X, channels=(0, 1, 2))
    X[:3, 1, 1, 3] = 255 * scale  # most show something
    assert not said(X)
    X[2] = X[4]
    assert len(said(X)) == 1


def test_a_fourth_channel_that_varies_as_a_picture_does(tmp_path):
    colours = RNG.integers(0, 256, (16, 16, 4), dtype=np.uint8)
    cut_out, shade = colours.copy(), colours.copy()
    cut_out[..., 3] = np.where(colours[..., 3] < 200, 255, 0)
    cut_out[4:12, 4:8, 3] = colours[4:12, 4:8, 3]  # soft edges
    shade[..., 3] = 200
    wide = colours * np.uint16(257)
    for X in ([colours], [wide], [Image.fromarray(colours)], [saved_png(colours)], [colours / 255]):
        (message,) = said(X)
        assert "makes 1 of 1" in message and "paler" in message and "(0, 1, 2)" in message
        assert not said(X, channels=(0, 1, 2))
    for X in ([cut_out], [shade], [Image.fromarray(cut_out)], [colours, shade, shade]):
        assert not said(X)


def test_files_with_an_opacity_that_hides_all(tmp_path):
    for mode in ("RGBA", "LA"):
        image = Image.fromarray(CLEAR).convert(mode)
        image.save(tmp_path / f"{mode}.png")
        for item in (image, tmp_path / f"{mode}.png", Image.open(tmp_path / f"{mode}.png")):
            assert len(said([item])) == 1
    image.putalpha(200)
    assert not said([image])


def test_each_call_warns_once_and_says_where(tmp_path):
    paths = written(tmp_path, [png16(p) for p in TWELVE[:4]])
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False)
    embedder.fit(paths)
    for call in (embedder.transform, embedder.transform):
        with pytest.warns(UserWarning, match="reader__value_range=12") as caught:
            call(paths)
        assert [w.filename for w in caught] == [__file__]
    right = ImageEmbedder("emoji-tiny", reader__value_range=12, compute__cache=False)
    bytes_ = np.rint(TWELVE[:4] / 4095 * 255).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        np.testing.assert_array_equal(right.fit(paths).transform(paths), embedder.transform(bytes_))
