from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision import tv_tensors

from sklift.images._decode import check_image, read, to_rgb

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (7, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation, suffix):
    path = tmp_path / f"x.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB).save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert expected.shape[:2] == ((5, 7) if orientation >= 5 else (7, 5))
    np.testing.assert_array_equal(read(path), expected)
    with Image.open(path) as image:
        np.testing.assert_array_equal(to_rgb(image), expected)
        np.testing.assert_array_equal(to_rgb(image), expected)  # the image itself is not turned


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("pixels", [RGB[..., 0], RGB[..., 0] * np.uint16(257)])
def test_a_grey_tiff_on_its_side(tmp_path, pixels, orientation):
    path = tmp_path / "x.tiff"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)  # not compressed: Pillow maps it
    method = {5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}[orientation]
    upright = Image.fromarray(RGB[..., 0]).transpose(Image.Transpose[method]).convert("RGB")
    np.testing.assert_array_equal(read(path), np.asarray(upright))
    with Image.open(path) as image:
        np.testing.assert_array_equal(to_rgb(image), np.asarray(upright))


def test_damaged_exif_leaves_the_image_as_it_is(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(RGB).save(path, exif=b"Exif\x00\x00garbage that is no TIFF header")
    np.testing.assert_array_equal(read(path), RGB)


def test_alpha_is_composited_on_white():
    rgba = np.zeros((2, 3, 4), dtype=np.uint8)
    rgba[..., 0] = 200
    rgba[0, :, 3] = [0, 128, 255]
    rgba[1, :, 3] = 255
    expected = rgba[..., :3] * (rgba[..., 3:] / 255) + 255 * (1 - rgba[..., 3:] / 255)
    for image in (Image.fromarray(rgba), rgba, torch.from_numpy(rgba).permute(2, 0, 1)):
        out = to_rgb(image)
        assert np.abs(out - expected).max() <= 1
        np.testing.assert_array_equal(out[0, 0], 255)
        np.testing.assert_array_equal(out[1], [[200, 0, 0]] * 3)


def test_grey_with_alpha():
    image = Image.fromarray(np.full((2, 2), 40, dtype=np.uint8)).convert("LA")
    image.putalpha(Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)))
    np.testing.assert_array_equal(to_rgb(image)[..., 1], [[255, 40], [40, 255]])


def test_palette_with_and_without_transparency(tmp_path):
    image = Image.new("P", (2, 2))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1, 1, 0])
    np.testing.assert_array_equal(
        to_rgb(image), [[[10, 20, 30], [40, 50, 60]], [[40, 50, 60], [10, 20, 30]]]
    )
    image.save(tmp_path / "x.png", transparency=1)
    with Image.open(tmp_path / "x.png") as saved:
        assert saved.mode == "P"
    np.testing.assert_array_equal(read(tmp_path / "x.png")[0], [[10, 20, 30], [255, 255, 255]])


def test_transparent_colour_of_a_grey_png(tmp_path):
    grey = np.array([[7, 8]], dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "x.png", transparency=7)
    np.testing.assert_array_equal(read(tmp_path / "x.png")[0], [[255] * 3, [8] * 3])


def test_cmyk_jpeg(tmp_path):
    red = Image.new("RGB", (16, 16), (250, 5, 5)).convert("CMYK")
    red.save(tmp_path / "x.jpg", quality=95)
    out = read(tmp_path / "x.jpg").astype(int)
    assert np.abs(out - [250, 5, 5]).max() <= 6


def test_sixteen_bit_png(tmp_path):
    values = np.array([[0, 257, 128 * 257, 65535, 300]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png")
    expected = [0, 1, 128, 255, 1]
    wide = Image.fromarray(values.astype(np.int32))
    assert wide.mode == "I"
    for out in (read(tmp_path / "x.png"), to_rgb(wide), to_rgb(values)):
        np.testing.assert_array_equal(out[0], np.repeat(np.array(expected)[:, None], 3, axis=1))


def test_integers_beyond_sixteen_bits_are_refused():
    with pytest.raises(ValueError, match=r"X\[2\].*0\.\.65535, found 70000"):
        to_rgb(Image.fromarray(np.array([[70000]], dtype=np.int32)), "X[2]")


def test_bilevel_and_grey():
    grey = np.array([[0, 255, 0]], dtype=np.uint8)
    for image in (
        Image.fromarray(grey),
        Image.fromarray(grey).convert("1"),
        grey,
        grey[..., None],
        grey / 255,
        torch.from_numpy(grey),
        torch.from_numpy(grey)[None],
    ):
        np.testing.assert_array_equal(to_rgb(image), np.repeat(grey[..., None], 3, axis=2))


def test_floats_of_a_fixed_range_only():
    message = r"X\[1\] is a picture of mode 'F'.*floats in \[0, 1\]"
    for check in (to_rgb, check_image):
        with pytest.raises(ValueError, match=message):
            check(Image.new("F", (2, 2)), "X[1]")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_level_survives_as_a_float(dtype):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_rgb((levels / 255).astype(dtype))[..., 0], levels)


def test_tensors():
    chw = torch.from_numpy(RGB).permute(2, 0, 1)
    for tensor in (
        chw,
        tv_tensors.Image(chw),
        (chw / 255).requires_grad_(),
        chw.to(torch.uint16) * 257,
    ):
        np.testing.assert_array_equal(to_rgb(tensor), RGB)
    bfloat = (chw / 255).to(torch.bfloat16)
    assert np.abs(to_rgb(bfloat).astype(int) - RGB).max() <= 1


def test_the_result_is_contiguous_and_uint8_and_shares_memory():
    out = to_rgb(RGB)
    assert np.shares_memory(out, RGB)
    for image in (RGB[::-1], RGB[:, :, ::-1], torch.from_numpy(RGB).permute(2, 0, 1)):
        out = to_rgb(image)
        assert out.flags.c_contiguous
        assert (out.shape, out.dtype) == (RGB.shape, np.uint8)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (RGB * 1.0, r"X\[3\]: float pictures are in \[0, 1\], found 2\d\d; divide by 255"),
        (RGB * 100.0, "divide by 65535"),
        (RGB / 255 - 0.5, "undo any normalisation"),
        (np.full((2, 2), np.nan), r"X\[3\] holds NaN or infinite"),
        (np.full((2, 2), np.inf), r"X\[3\] holds NaN or infinite"),
        (RGB.astype(int), r"X\[3\] has dtype int64.*use uint8"),
        (RGB.astype("int8"), r"has dtype int8.*use uint8.*reader__value_range=\(low, high\)"),
        (RGB.astype("int32"), "has dtype int32.*use uint8"),
        (RGB.astype(">i2"), "has dtype >i2.*use uint8"),
        (RGB.astype(complex), "has dtype complex128"),
        (RGB.transpose(2, 0, 1), r"move the channels last: np.moveaxis\(X\[3\], -3, -1\)"),
        (RGB[..., :2], r"c in 1, 3, 4, got \(7, 5, 2\)"),
        (RGB[0, :, 0], r"one-dimensional.*image_shape.*file as X\[3\]\.tobytes\(\)$"),
        (RGB[None], r"got \(1, 7, 5, 3\)"),
        (RGB[:0], r"the picture is empty, its shape is \(0, 5, 3\)"),
        (torch.from_numpy(RGB), r"got \(7, 5, 3\); move the channels first"),
        (
            torch.zeros(2, 5, 5),
            r"c in 1, 3, 4, got \(2, 5, 5\); choose one, two or three.*=\(0, 1\)$",
        ),
    ],
)
def test_bad_pixels(image, message):
    with pytest.raises(ValueError, match=message):
        to_rgb(image, "X[3]")


@pytest.mark.parametrize("image", [None, 3, [1, 2], {"bytes": b"abc"}, {"image": RGB}])
def test_no_image(image):
    for check in (to_rgb, check_image):
        with pytest.raises(TypeError, match=rf"is of type {type(image).__name__}: a picture"):
            check(image, "X[3]")


def test_bad_files(tmp_path):
    content = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(content, "PNG")
    (tmp_path / "cut.png").write_bytes(content.getvalue()[:3000])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    for name, message in [
        ("cut.png", "cut.png: the picture can't be decoded"),
        ("empty.png", "empty.png: the file is empty"),
        ("text.png", "text.png: no picture that Pillow reads"),
        ("", "this is a directory, not a picture file"),
    ]:
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        read(tmp_path / "absent.png")


def test_decompression_bomb(tmp_path, monkeypatch):
    Image.fromarray(RGB).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ValueError, match=r"x\.png: the file can't be read.*exceeds limit"):
        read(tmp_path / "x.png")
