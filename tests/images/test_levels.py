"""Depth and channels of arrays, tensors and PIL images in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone

from sklift.images import Reader

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOURS = np.stack([LEVELS, LEVELS.T, LEVELS // 2], axis=2)
TWELVE = np.rint(LEVELS / 255 * 4095).astype(np.uint16)


def read(image, **settings):
    """By all doors that take such an image."""
    array = image if isinstance(image, np.ndarray) else None
    found = Reader(**settings).build([image])[0]
    if array is not None:
        np.testing.assert_array_equal(Reader(**settings).build(array[None])[0], found)
        if array.dtype.isnative:
            tensor = torch.from_numpy(
                array if array.ndim == 2 else np.moveaxis(array, -1, 0).copy()
            )
            for X in ([tensor], tensor[None]):
                np.testing.assert_array_equal(Reader(**settings).build(X)[0], found)
    return found


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", ">f8", "<f2"])
def test_byte_orders(dtype):
    scale = 257 if "u" in dtype else 1 / 255
    np.testing.assert_array_equal(read((COLOURS.astype(float) * scale).astype(dtype)), COLOURS)


def test_bool_is_black_and_white():
    for settings in ({}, {"value_range": 12}):
        found = read(LEVELS > 100, **settings)
        np.testing.assert_array_equal(found[..., 1], np.where(LEVELS > 100, 255, 0))
    np.testing.assert_array_equal(
        Reader().build([Image.fromarray(LEVELS > 100)])[0][..., 0], found[..., 0]
    )


@pytest.mark.parametrize("dtype", ["uint16", ">u2", "int16", "int32", "int64", "float32"])
@pytest.mark.parametrize("value_range", [12, np.int64(12), (0, 4095), [0, 4095.0]])
def test_twelve_bits(dtype, value_range):
    found = read(TWELVE.astype(dtype), value_range=value_range)
    np.testing.assert_array_equal(found[..., 2], LEVELS)


@pytest.mark.parametrize(
    ("image", "value_range"),
    [
        ((LEVELS // 2).astype(np.int8), (0, 127)),
        ((LEVELS.astype(np.int16) - 128).astype(np.int8), (-128, 127)),
        (LEVELS.astype(np.int16) * 4 - 500, (-500, 520)),
        (LEVELS.astype(np.uint32) << 24, (0, 255 << 24)),
        (LEVELS / 100 - 1.0, (-1, 1.55)),
    ],
)
def test_signed_and_wide_numbers(image, value_range):
    expected = LEVELS if image.max() != 127 or image.min() < 0 else np.rint(LEVELS // 2 / 127 * 255)
    np.testing.assert_array_equal(read(image, value_range=value_range)[..., 0], expected)


def test_a_window_cuts_off():
    found = read(TWELVE, value_range=(1000, 2000))[..., 0]
    assert (found[TWELVE <= 1000] == 0).all() and (found[TWELVE >= 2000] == 255).all()
    assert 120 < found[abs(TWELVE.astype(int) - 1500) < 9].mean() < 135


def test_percentiles_are_those_of_each_picture():
    dim = np.random.default_rng(0).integers(300, 900, (2, 30, 30)).astype(np.uint16)
    dim[1] = 40 * dim[0]
    low, high = np.percentile(dim[0], (0.5, 99.5))
    expected = np.clip(np.rint((dim[0] - low) / (high - low) * 255), 0, 255)
    for picture in dim:
        found = read(picture, value_range="percentiles")[..., 0].astype(int)
        assert abs(found - expected).max() <= 12
    assert read(np.full((3, 3), 7, np.uint8), value_range="percentiles").max() == 0
    half = np.repeat(LEVELS[..., None] // 4, 4, axis=2)
    half[..., 3] = 255  # opacity is not stretched
    assert read(half, value_range="percentiles").std() > 60


def test_pictures_of_eight_bits_are_left_as_they_are():
    for value_range in (8, 12, (0, 4095), (-1000, 200)):
        np.testing.assert_array_equal(read(COLOURS, value_range=value_range), COLOURS)
    np.testing.assert_array_equal(read(LEVELS // 16, value_range=4)[..., 0], LEVELS // 16 * 17)
    np.testing.assert_array_equal(read(LEVELS // 5, value_range=(0, 51))[..., 0], LEVELS // 5 * 5)


@pytest.mark.parametrize(
    ("image", "settings", "message"),
    [
        (TWELVE + np.uint16(1), {"value_range": 12}, "says 12 bits, which are 0 to 4095.*to 4096"),
        (TWELVE.astype(int) - 1, {"value_range": 12}, "found -1 to 4094"),
        (np.full((2, 2), np.nan), {"value_range": (0, 9)}, "NaN"),
        (COLOURS[..., :2], {}, r"got \(16, 16, 2\); choose one, two or three.*=\(0, 1\)$"),
        (
            COLOURS,
            {"channels": (0, 5)},
            "has 3 channels, reader__channels=.0, 5. asks for channel 5",
        ),
        (LEVELS, {"channels": (3,)}, "has 1 channel, "),
        (np.zeros((12, 24, 32), np.uint8), {"channels": (3, 2, 1)}, "channels first: move them la"),
        (np.ma.masked_equal(COLOURS, 40), {}, r"masked: fill them.*\.filled\(0\)"),
        (np.ma.masked_equal(COLOURS, 40), {"value_range": (0, 1)}, "masked: fill them"),
    ],
)
def test_bad_numbers(image, settings, message):
    for X in ([image], image[None]):
        with pytest.raises(ValueError, match=message):
            Reader(**settings).build(X)[0]


def test_many_bands():
    bands = np.arange(9 * 9 * 200).reshape(9, 9, 200).astype(np.uint16)  # few pixels of many
    np.testing.assert_array_equal(
        read(bands, channels=(30, 20, 10)), read(bands[..., [30, 20, 10]])
    )
    with pytest.raises(ValueError, match=r"\(24, 32, 12\) in a tensor has its channels last"):
        Reader(channels=(3, 2, 1)).build(torch.zeros((2, 24, 32, 12)))


def test_what_is_masked_nowhere_is_taken():
    np.testing.assert_array_equal(read(np.ma.masked_array(COLOURS)), COLOURS)


def test_wide_opacity():
    four = np.dstack([COLOURS, LEVELS])
    expected = read(four)
    assert (expected[0, 0] == 255).all() and (expected[-1, -1] == COLOURS[-1, -1]).all()
    np.testing.assert_array_equal(read(four.astype(np.uint16) * 257), expected)
    np.testing.assert_array_equal(read(four / 255), expected)
    np.testing.assert_array_equal(read(four * 4.0, value_range=(0, 1020)), expected)
    twelve = np.rint(four / 255 * 4095).astype(np.uint16)
    np.testing.assert_array_equal(read(twelve, value_range=12), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_chosen_channels(dtype):
    scale = 257 if dtype == np.uint16 else 1
    bands = np.dstack([COLOURS + np.uint8(k) for k in (0, 10, 20, 30)])  # 12 of them
    wide = bands.astype(dtype) * dtype(scale)
    np.testing.assert_array_equal(read(wide, channels=(11, 0, 4)), bands[..., [11, 0, 4]])
    one = read(wide, channels=(7,))
    np.testing.assert_array_equal(one, np.repeat(bands[..., 7:8], 3, axis=2))
    two = read(
        wide[..., :2].astype(np.uint16), channels=(0, 1), value_range=(-10 * scale, 245 * scale)
    )
    assert two[..., 2].max() == 0 and two[..., 0].min() == 10
    flat = wide[None].reshape(1, -1)
    found = Reader(image_shape=bands.shape, channels=(0, 1, 2)).build(flat)[0]
    np.testing.assert_array_equal(found, bands[..., :3])


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_premultiplied_modes(mode):
    image = (
        Image.fromarray(np.dstack([COLOURS, LEVELS]))
        .convert({"La": "LA", "RGBa": "RGBA"}[mode])
        .convert(mode)
    )
    plain = image.convert({"La": "LA", "RGBa": "RGBA"}[mode])
    np.testing.assert_array_equal(Reader().build([image])[0], Reader().build([plain])[0])
    found = Reader(channels=(0,)).build([image])[0]
    np.testing.assert_array_equal(found[..., 0], np.asarray(plain)[..., 0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value_range": (5, 5)}, "value_range must be a number of bits"),
        ({"value_range": (0, np.nan)}, "value_range must be"),
        ({"value_range": ("a", "b")}, "value_range must be"),
        ({"value_range": 0}, "value_range"),
        ({"value_range": "percentile"}, "percentiles"),
        ({"channels": ()}, "channels must be one, two or three"),
        ({"channels": (0, 1, 2, 3)}, "channels must be"),
        ({"channels": (-1,)}, "channels must be"),
        ({"channels": "rgb"}, "channels"),
        ({"frame": "last"}, "middle"),
        ({"frame": 1.5}, "frame"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Reader(**settings).build(COLOURS[None])


def test_settings_are_cloned():
    reader = Reader(value_range=(0, 9), channels=[0], frame="middle")
    assert clone(reader).get_params() == reader.get_params()
