"""Each row of the table of formats in docs/guide/data.rst, from generated files."""

from __future__ import annotations

import io
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, features

from sklift.images import Reader
from sklift.images._decode import check_file

from .made_files import fits, pgm, png16, png_of_few_bits, tiff

LEVELS = np.arange(0, 256, 17, dtype=np.uint8)  # 16 of them
GREY = np.tile(LEVELS, (4, 1))
BLACK_VEIL = np.stack([np.zeros_like(GREY), 255 - GREY], axis=2)  # grey and opacity
COLOURS = np.stack([GREY, GREY[:, ::-1], np.full_like(GREY, 40)], axis=2)
PREVIEW = np.tile(COLOURS, (12, 5, 1))
WIDE = GREY.astype(np.uint16) * 257
TWELVE = np.rint(GREY / 255 * 4095).astype(np.uint16)
HALVES = np.rint(TWELVE // 2 / 2047 * 255).astype(np.uint8)  # 0 to 2047 in a window of these


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pages(kind, mode="L", **options):
    first, *others = (Image.fromarray(GREY // k).convert(mode) for k in (1, 2, 3))
    return saved(first, kind, save_all=True, append_images=others, **options)


def deep_colours():
    """A JPEG 2000 that says it has 12 bits."""
    content = bytearray(saved(Image.fromarray(COLOURS), "JPEG2000", no_jp2=True))
    start = content.find(b"\xff\x4f\xff\x51")
    content[start + 42 : start + 51 : 3] = bytes([11, 11, 11])
    return bytes(content)


def deep_grey():
    """A JPEG 2000 of 12 bits: one of 16, of numbers around their middle, that says it has 12."""
    moved = Image.fromarray(TWELVE + np.uint16(32768 - 2048))
    content = bytearray(saved(moved, "JPEG2000", no_jp2=True, irreversible=False))
    content[content.find(b"\xff\x4f\xff\x51") + 42] = 11
    return bytes(content)


needs_mpo = pytest.mark.skipif(PIL.__version__.startswith("10.3"), reason="written broken")
needs_j2k = pytest.mark.skipif(not features.check("jpg_2000"), reason="without JPEG 2000")

needs = {  # marks of rows that are read with another library than Pillow
    name: pytest.mark.skipif(find_spec(name) is None, reason=f"without {name}")
    for name in ("pydicom", "tifffile", "pillow_heif", "pillow_jxl", "rawpy")
}


def by_plugin(module, kind, **options):
    """A picture without loss, written by a plug-in of Pillow."""
    module = import_module(module)
    if kind == "HEIF":
        module.register_heif_opener()
    return saved(Image.fromarray(GREY), kind, **options)


def raw_file():
    from .formats.test_camera_raw import dng

    dng(stream := io.BytesIO(), PREVIEW)
    return stream.getvalue()


def scan(*arguments, **tags):
    from .formats.test_dicom import dicom

    return dicom(*arguments, **tags)


def half_floats():
    import tifffile

    tifffile.imwrite(stream := io.BytesIO(), (GREY / 255).astype(np.float16), metadata=None)
    return stream.getvalue()


def stack():
    import tifffile

    pages = np.stack([WIDE, WIDE[::-1, ::-1]])
    tifffile.imwrite(stream := io.BytesIO(), pages, imagej=True, metadata={"axes": "CYX"})
    return stream.getvalue()


def palette():
    """The grey levels as a palette."""
    tags = {f"{c}PaletteColorLookupTableDescriptor": [256, 0, 8] for c in ("Red", "Green", "Blue")}
    for colour in ("Red", "Green", "Blue"):
        table = np.arange(256, dtype=np.uint8)
        tags[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return scan(GREY, 8, "PALETTE COLOR", **tags)


# row of the table: content of a file -> pixels, grey or in colour, or the error
ROWS = {
    "PNG, 8 bits": [(lambda: saved(Image.fromarray(COLOURS), "PNG"), COLOURS)],
    "PNG, 1 to 4 bits, grey": [
        (lambda: png_of_few_bits(GREY // 17, 4), GREY),
        (
            lambda: png_of_few_bits(GREY // 85, 2, clear=1),
            np.where(GREY // 85 == 1, 255, GREY // 85 * 85),
        ),
        (lambda: png_of_few_bits(GREY // 17, 4, clear=5), np.where(GREY == 85, 255, GREY)),
    ],
    "PNG, 16 bits, grey": [(lambda: png16(WIDE), GREY)],
    "PNG, 16 bits, grey, with sBIT": [
        (lambda: png16(TWELVE, significant=12), GREY),
        (lambda: png16(TWELVE << 4 | TWELVE >> 8, significant=12), GREY),
        (lambda: png16(WIDE // 16 // 16 * 16, significant=12), np.rint(WIDE // 256 * 16 / 257)),
    ],
    "PNG, 16 bits, grey, with a clear value": [
        (lambda: png16(WIDE, clear=17 * 257), np.where(GREY == 17, 255, GREY))
    ],
    "PNG, 16 bits, colour or with opacity": [
        (lambda: png16(COLOURS.astype(np.uint16) * 257), COLOURS)
    ],
    "TIFF, 8 bits, WhiteIsZero": [(lambda: tiff(255 - GREY, photometric=0), GREY)],
    "TIFF, 16 bits": [(lambda: tiff(WIDE), GREY), (lambda: tiff(WIDE, order=">"), GREY)],
    "TIFF, 16 bits, WhiteIsZero": [(lambda: tiff(65535 - WIDE, photometric=0), GREY)],
    "TIFF, 12 bits": [(lambda: tiff(TWELVE, 12), GREY)],
    "TIFF, 16 bits, colour": [(lambda: tiff(COLOURS.astype(np.uint16) * 257), COLOURS)],
    "TIFF, 8 bits, planes apart": [(lambda: tiff(COLOURS, planar=True), COLOURS)],
    "TIFF, grey and opacity, planes apart": [
        (lambda: tiff(BLACK_VEIL, photometric=1, planar=True, extra=2), GREY)
    ],
    "TIFF, 16 bits, planes apart": [
        (lambda: tiff(COLOURS.astype(np.uint16) * 257, planar=True), COLOURS)
    ],
    "TIFF, signed": [
        (lambda: tiff(GREY.astype(np.int8), sample_format=2), r"int8, and nothing.*value_range"),
        (lambda: tiff((WIDE // 2).astype(np.int16), sample_format=2), r"signed.*value_range=\(low"),
    ],
    "TIFF, floats": [(lambda: tiff((GREY / 255).astype(np.float32), sample_format=3), "mode 'F'")],
    "TIFF, half floats": [(half_floats, GREY)],
    "TIFF, colour and other bands": [
        (lambda: tiff(np.concatenate([COLOURS, GREY[..., None] // 2], axis=2)), COLOURS)
    ],
    "TIFF, channels on pages of their own (ImageJ, OME)": [(stack, GREY)],
    "TIFF, pages": [(lambda: pages("TIFF"), GREY)],
    "PGM, less than 8 bits": [(lambda: pgm(GREY // 17, 15), GREY)],
    "PGM, 16 bits": [(lambda: pgm(TWELVE, 4095), GREY), (lambda: pgm(WIDE, 65535), GREY)],
    "JPEG 2000, 16 bits, grey": [
        (lambda: saved(Image.fromarray(WIDE), "JPEG2000", irreversible=False), GREY)
    ],
    "JPEG 2000, 9 to 15 bits, grey": [(deep_grey, GREY)],
    "JPEG 2000, more than 8 bits, colour": [(deep_colours, "12 bits in colour.*imagecodecs")],
    "FITS, more than 8 bits": [(lambda: fits(WIDE), "FITS.*astropy.*value_range")],
    "GIF, animated": [(lambda: pages("GIF"), GREY)],
    "WebP, animated": [(lambda: pages("WEBP", "RGB", lossless=True), GREY)],
    "APNG, animated": [(lambda: pages("PNG"), GREY)],
    "MPO": [(lambda: pages("MPO", "RGB", quality=100), GREY)],
    "DICOM, grey": [(lambda: scan(TWELVE), GREY), (lambda: scan(GREY, 8), GREY)],
    "DICOM, MONOCHROME1": [(lambda: scan(4095 - TWELVE, kind="MONOCHROME1"), GREY)],
    "DICOM, with a window": [
        (lambda: scan(TWELVE // 2, WindowCenter=1024, WindowWidth=2048), HALVES)
    ],
    "DICOM, signed or rescaled to negative numbers, 16 bits, without a window": [
        (lambda: scan(WIDE.astype(np.int16), 16), r"int16, and nothing.*value_range")
    ],
    "DICOM, RGB and YBR": [(lambda: scan(COLOURS, 8, "RGB"), COLOURS)],
    "DICOM, palette": [(palette, GREY)],
    "DICOM, frames": [(lambda: scan(np.stack([TWELVE, TWELVE // 2]), frames=2), GREY)],
    "AVIF": [(lambda: saved(Image.fromarray(GREY), "AVIF", quality=100), GREY)],
    "HEIC": [(lambda: by_plugin("pillow_heif", "HEIF", quality=-1), GREY)],
    "JPEG XL": [(lambda: by_plugin("pillow_jxl", "JXL", lossless=True), GREY)],
    "Raw files of cameras": [(raw_file, PREVIEW)],
}
# rows that need another library, and whose opened PIL images are refused, or there are none
BY_OTHERS = {
    "TIFF, grey and opacity, planes apart": "tifffile",
    "TIFF, 16 bits, planes apart": "tifffile",
    "TIFF, signed": "tifffile",
    "TIFF, half floats": "tifffile",
    **{row: "pydicom" for row in ROWS if row.startswith("DICOM")},
    "Raw files of cameras": "rawpy",
}
BY_PLUGINS = {"HEIC": "pillow_heif", "JPEG XL": "pillow_jxl"}


def marks_of(row):
    library = (BY_OTHERS | BY_PLUGINS).get(row)
    if library:
        return [needs[library]]
    if row == "AVIF":
        return [pytest.mark.skipif("avif" not in features.get_supported(), reason="without AVIF")]
    if "ImageJ" in row:
        return [needs["tifffile"]]  # which writes it
    return [needs_j2k] if "2000" in row else [needs_mpo] if row == "MPO" else []


CASES = [
    pytest.param(row, make, expected, id=f"{row} {i}", marks=marks_of(row))
    for row, files in ROWS.items()
    for i, (make, expected) in enumerate(files)
]


def rgb(expected):
    expected = np.asarray(expected)
    return expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)


@pytest.mark.parametrize(("row", "make", "expected"), CASES)
def test_rows(tmp_path, row, make, expected):
    path = tmp_path / ("x.dng" if row.startswith("Raw") else "x")
    path.write_bytes(make())
    if isinstance(expected, str):
        looks = [lambda path: Reader().build([path])[0]]
        for look in looks if row in BY_OTHERS else [check_file, *looks]:
            with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}:? .*{expected}"):
                look(path)
        return
    allowed = 3 if row in ("MPO", "AVIF") else 0  # which lose something
    kinds = {"file": path}
    if not row.startswith("Raw"):  # which bytes don't tell from TIFF
        kinds["bytes"] = path.read_bytes()
    if row not in BY_OTHERS:
        kinds["PIL"] = Image.open(path)
    for kind, item in kinds.items():
        pixels = Reader().build([item])[0]
        assert pixels.dtype == np.uint8
        assert abs(pixels.astype(int) - rgb(expected)).max() <= allowed, kind


def test_the_table_has_these_rows():
    guide = Path(__file__).parents[2] / "docs/guide/data.rst"
    if not guide.exists():
        pytest.skip("the documentation is not beside the tests")
    told = set(
        re.findall(
            r"^   \* - ((?:PNG|TIFF|PGM|JPEG|FITS|GIF|WebP|APNG|MPO|DICOM|AVIF|HEIC|Raw).*)$",
            guide.read_text(),
            re.M,
        )
    )
    assert told == set(ROWS)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (lambda: png16(TWELVE), {"value_range": 12}),
        (lambda: tiff(TWELVE), {"value_range": (0, 4095)}),
        (lambda: tiff(4095 - TWELVE, photometric=0), {"value_range": 12}),
        (
            lambda: tiff((WIDE // 257).astype(np.int16) - 100, sample_format=2),
            {"value_range": (-100, 155)},
        ),
        (
            lambda: tiff((GREY / 51 - 2).astype(np.float32), sample_format=3),
            {"value_range": [-2, 3]},
        ),
        # what the file declares counts
        (lambda: tiff(TWELVE, 12), {"value_range": 10}),
        (lambda: pgm(TWELVE, 4095), {"value_range": 12}),
        (lambda: pgm(TWELVE, 4095), {"value_range": (0, 4095)}),
        (lambda: pgm(GREY // 17, 15), {"value_range": 4}),
        (lambda: tiff(GREY // 17, 4), {"value_range": 4}),
        (lambda: png_of_few_bits(GREY // 17, 4), {"value_range": (0, 15)}),
        pytest.param(deep_grey, {"value_range": 12}, marks=needs_j2k),
        # but percentiles are those of the numbers
        (lambda: tiff(TWELVE // 4, 12), {"value_range": "percentiles"}),
        (lambda: pgm(TWELVE // 4, 4095), {"value_range": "percentiles"}),
        (lambda: saved(Image.fromarray(GREY), "PNG"), {"value_range": 12}),
        (lambda: saved(Image.fromarray(GREY // 17), "PNG"), {"value_range": (0, 15)}),
        (lambda: saved(Image.fromarray(WIDE.astype(np.int32)), "TIFF"), {"value_range": 16}),
    ],
)
def test_a_range_of_values(tmp_path, make, settings):
    path = tmp_path / "x"
    path.write_bytes(make())
    for item in (path, Image.open(path)):
        np.testing.assert_array_equal(Reader(**settings).build([item])[0], rgb(GREY))


def test_colours_of_sixteen_bits_have_lost_what_a_range_asks_for(tmp_path, monkeypatch):
    colours = COLOURS.astype(np.uint16) * 16
    monkeypatch.setitem(sys.modules, "tifffile", None)
    for content, remedy in ((png16(colours), "arrays of uint16"), (tiff(colours), "tifffile")):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(ValueError, match=rf"upper 8.*value_range=12.*{remedy}"):
            Reader(value_range=12).build([tmp_path / "x"])[0]
        with pytest.warns(UserWarning, match="upper 8 bits"):
            Reader().build([tmp_path / "x"])


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG"])
def test_frames(tmp_path, kind):
    mode, options = ("RGB", {"lossless": True}) if kind == "WEBP" else ("L", {})
    path = tmp_path / "x"
    path.write_bytes(pages(kind, mode, **options))
    loaded = Image.open(path)
    loaded.load()
    for item in (path, path.read_bytes(), Image.open(path), loaded):
        for frame, part in ((0, 1), (1, 2), (2, 3), (-1, 3), ("middle", 2)):
            pixels = Reader(frame=frame).build([item])[0]
            np.testing.assert_array_equal(pixels, rgb(GREY // part))
        with pytest.raises(ValueError, match=r"has 3 frames, reader__frame=3 is none of them"):
            Reader(frame=3).build([item])[0]
    assert loaded.tell() == 0
    chosen = Image.open(path)
    chosen.seek(2)
    np.testing.assert_array_equal(Reader().build([chosen])[0], rgb(GREY // 3))


def test_one_frame(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(GREY).save(path)
    for frame in ("middle", -1):
        np.testing.assert_array_equal(Reader(frame=frame).build([path])[0], rgb(GREY))
    with pytest.raises(ValueError, match=r"has 1 frame, reader__frame=1"):
        check_file(path, Reader(frame=1)._reading())


def test_channels_of_files(tmp_path):
    path = tmp_path / "x.png"
    four = np.concatenate([COLOURS, np.zeros_like(GREY)[..., None]], axis=2)
    Image.fromarray(four).save(path)
    for item in (path, Image.open(path)):
        np.testing.assert_array_equal(Reader(channels=(0, 1, 2)).build([item])[0], COLOURS)
        np.testing.assert_array_equal(Reader(channels=[1]).build([item])[0], rgb(COLOURS[..., 1]))
        assert Reader(channels=(3,)).build([item])[0].max() == 0
        with pytest.raises(ValueError, match=r"has 4 channels.*asks for channel 4"):
            Reader(channels=(4,)).build([item])[0]
    Image.fromarray(GREY).save(path)
    np.testing.assert_array_equal(Reader(channels=(2, 1, 0)).build([path])[0], rgb(GREY))
    Image.fromarray(COLOURS).quantize(200).save(path)
    assert abs(Reader(channels=(0, 1, 2)).build([path])[0].astype(int) - COLOURS).max() < 20


def test_a_plugin_that_is_registered_later_is_seen(tmp_path, monkeypatch):
    path = tmp_path / "x.mine"
    path.write_bytes(b"MINE" + saved(Image.fromarray(COLOURS), "PNG"))
    with pytest.raises(ValueError, match="no picture that Pillow reads"):
        Reader().build([path])[0]

    def open_mine(file, name):
        file.seek(4)
        return Image.open(io.BytesIO(file.read()))

    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    Image.register_open("MINE", open_mine, lambda head: head[:4] == b"MINE")
    np.testing.assert_array_equal(Reader().build([path])[0], COLOURS)
