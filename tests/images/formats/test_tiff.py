"""TIFF files that Pillow doesn't read, made with tifffile: the numbers are those of an array."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from PIL import Image

from sklift.images import Reader
from sklift.images._decode import check_file
from sklift.images._formats import LAST_RESORTS

from ..made_files import tiff

tifffile = pytest.importorskip("tifffile")

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 65536, (16, 32), dtype=np.uint16)
MANY = RNG.integers(0, 65536, (5, 16, 32), dtype=np.uint16)
COLOURS = MANY[:3].transpose(1, 2, 0)
SIGNED = RNG.integers(-128, 128, (16, 32)).astype(np.int8)
PLAIN = {"photometric": "minisblack"}
# the numbers to be written, how, how they are read, and the array that gives the same
CASES = {
    "planes apart, 16 bits": (
        MANY[:3],
        {"photometric": "rgb", "planarconfig": "separate"},
        {},
        MANY[:3].transpose(1, 2, 0),
    ),
    "colours of 12 bits in 16": (
        MANY[:3].transpose(1, 2, 0) >> 4,
        {"photometric": "rgb"},
        {"value_range": 12},
        None,
    ),
    "five bands": (
        MANY.transpose(1, 2, 0),
        {**PLAIN, "planarconfig": "contig"},
        {"channels": (4, 2, 0)},
        None,
    ),
    "five planes": (
        MANY,
        {**PLAIN, "planarconfig": "separate"},
        {"channels": (4, 2, 0)},
        MANY.transpose(1, 2, 0),
    ),
    "near infrared": (
        MANY[:4].transpose(1, 2, 0) >> 8,
        {"photometric": "rgb", "extrasamples": [0]},
        {"channels": (3, 0, 1), "value_range": 8},
        None,
    ),
    "near infrared, 8 bits": (
        (MANY[:4].transpose(1, 2, 0) >> 8).astype(np.uint8),
        {"photometric": "rgb", "extrasamples": [0]},
        {"channels": (3, 0, 1)},
        None,
    ),
    "half floats": ((GREY / 65536).astype(np.float16), PLAIN, {}, None),
    "half floats with a range": (
        (GREY / 64 - 200).astype(np.float16),
        PLAIN,
        {"value_range": (-200, 800)},
        None,
    ),
    "signed, 8 bits": (SIGNED, PLAIN, {"value_range": (-128, 127)}, None),
    "doubles": (GREY / 3.0, PLAIN, {"value_range": (0, 20000)}, None),
    "unsigned, beyond 31 bits": (GREY.astype(np.uint32) << 16, PLAIN, {"value_range": 32}, None),
    "unsigned, 32 bits": (GREY.astype(np.uint32) << 12, PLAIN, {"value_range": (0, 2**28)}, None),
    "tiles, big": (GREY, {**PLAIN, "tile": (16, 16), "bigtiff": True}, {}, None),
    "white is zero": (
        (65535 - GREY).astype(np.uint32),
        {"photometric": "miniswhite"},
        {"value_range": 16},
        GREY,
    ),
    "planes and infrared": (
        MANY[:4],
        {"photometric": "rgb", "planarconfig": "separate", "extrasamples": [0]},
        {},
        COLOURS,
    ),
    "planes of floats, infrared and another": (
        (MANY / 65535).astype(np.float32),
        {"photometric": "rgb", "planarconfig": "separate", "extrasamples": [0, 0]},
        {},
        (COLOURS / 65535).astype(np.float32),
    ),
    "planes and opacity": (
        MANY[:4],
        {"photometric": "rgb", "planarconfig": "separate", "extrasamples": [2]},
        {},
        MANY[:4].transpose(1, 2, 0),
    ),
    "grey and opacity": (
        MANY[:2].transpose(1, 2, 0),
        {**PLAIN, "planarconfig": "contig", "extrasamples": [2]},
        {},
        MANY[[0, 0, 0, 1]].transpose(1, 2, 0),
    ),
    "grey and opacity in planes": (
        (MANY[:2] >> 8).astype(np.uint8),
        {**PLAIN, "planarconfig": "separate", "extrasamples": [2], "compression": "zlib"},
        {},
        (MANY[[0, 0, 0, 1]].transpose(1, 2, 0) >> 8).astype(np.uint8),
    ),
    "grey and opacity in planes as they are": (
        (MANY[:2] >> 8).astype(np.uint8),
        {**PLAIN, "planarconfig": "separate", "extrasamples": [2]},
        {},
        (MANY[[0, 0, 0, 1]].transpose(1, 2, 0) >> 8).astype(np.uint8),
    ),
    **{
        f"compressed, highest byte first, {kind}": (
            numbers,
            {**PLAIN, "byteorder": ">", "compression": "zlib"},
            {"value_range": (-100, 30000)},
            None,
        )
        for kind, numbers in {
            "int16": (GREY >> 1).astype(np.int16),
            "int32": (GREY >> 1).astype(np.int32),
            "float32": (GREY / 3).astype(np.float32),
            "uint16": GREY >> 1,
        }.items()
    },
    "palette": (
        GREY,
        {
            "photometric": "palette",
            "colormap": (np.arange(65536) // [[1], [2], [3]]).astype(np.uint16),
        },
        {},
        np.stack([GREY // np.uint16(k) for k in (1, 2, 3)], axis=2),
    ),
}


def made(path, pixels, **options):
    bigtiff = options.pop("bigtiff", False)
    tifffile.imwrite(path, pixels, bigtiff=bigtiff, metadata=None, **options)


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_of_an_array(tmp_path, case):
    pixels, options, settings, expected = CASES[case]
    path = tmp_path / "x.tif"
    made(path, pixels, **options)
    expected = Reader(**settings).build([pixels if expected is None else expected])[0]
    np.testing.assert_array_equal(Reader(**settings).build([path])[0], expected)
    np.testing.assert_array_equal(Reader(**settings).build([path.read_bytes()])[0], expected)
    assert check_file(path, Reader(**settings)._reading()).size == (32, 16)
    assert len(np.unique(expected)) > 50


def test_orientations(tmp_path):
    path = tmp_path / "x.tif"
    rgb = Reader().build([GREY])[0]
    turned = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    turned |= {6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}
    for orientation, method in turned.items():
        tags = [(274, "H", 1, orientation, True)]
        made(path, np.stack([GREY] * 3), photometric="rgb", planarconfig="separate", extratags=tags)
        upright = Image.fromarray(rgb).transpose(Image.Transpose[method])
        np.testing.assert_array_equal(Reader().build([path])[0], np.asarray(upright))


def test_opacity_that_colours_are_multiplied_by(tmp_path):
    path = tmp_path / "x.tif"
    half = np.full((1, 16, 32), 32896, np.uint16)  # of 65535
    planes = np.concatenate([np.rint(MANY[:3] * (32896 / 65535)).astype(np.uint16), half])
    for scale in (1, np.float32(1 / 65535)):
        made(path, planes * scale, photometric="rgb", planarconfig="separate", extrasamples=[1])
        on_white = np.rint((COLOURS * (32896 / 65535) + 65535 - 32896) / 257)
        assert abs(Reader().build([path])[0] - on_white).max() <= 1


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (MANY[:4].transpose(1, 2, 0), {**PLAIN, "planarconfig": "contig"}, "4 channels.*choose"),
        (MANY[:4], {"photometric": "separated", "planarconfig": "separate"}, "CMYK.*to RGB"),
        (COLOURS / 65535, {"photometric": "cielab"}, r"L\*a\*b\*.*to RGB"),
        (COLOURS / 65535, {"photometric": "ycbcr"}, "YCbCr.*to RGB"),
    ],
)
def test_colours_that_are_no_red_green_and_blue(tmp_path, pixels, options, message):
    path = tmp_path / "x.tif"
    made(path, pixels, **options)
    with pytest.raises(ValueError, match=rf"x\.tif.*{message}"):
        Reader().build([path])[0]


def test_pages(tmp_path):
    path = tmp_path / "x.tif"
    made(path, (MANY / 65536).astype(np.float16), **PLAIN)
    for frame, page in ((0, 0), (3, 3), (-1, 4), ("middle", 2)):
        found = Reader(frame=frame).build([path])[0]
        expected = Reader().build([(MANY[page] / 65536).astype(np.float16)])[0]
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="has 5 frames, reader__frame=5"):
        Reader(frame=5).build([path])[0]


@pytest.mark.parametrize(
    ("axes", "options"),
    [
        ("ZCYX", {"imagej": True}),
        ("ZCYX", {"imagej": True, "truncate": True}),  # the first page stands for all
        ("CZYX", {"ome": True}),
    ],
)
def test_channels_that_are_pages_apart(tmp_path, axes, options, monkeypatch):
    path = tmp_path / "x.tif"
    volume = MANY[:4].reshape(2, 2, 16, 32)  # depths, channels
    stored = volume if axes == "ZCYX" else volume.swapaxes(0, 1)
    tifffile.imwrite(path, stored, metadata={"axes": axes}, **options)
    for channels in ((0,), (1,), (1, 0)):
        for frame in (0, 1, -1, "middle"):
            found = Reader(channels=channels, frame=frame).build([path])[0]
            picture = volume[0 if frame == 0 else 1].transpose(1, 2, 0)
            np.testing.assert_array_equal(found, Reader(channels=channels).build([picture])[0])
        assert not np.array_equal(found, Reader().build([path])[0])  # the first page
    with pytest.raises(ValueError, match=r"has 2 channels, reader__channels=\(2,\) asks for"):
        Reader(channels=(2,)).build([path])[0]
    monkeypatch.setitem(sys.modules, "tifffile", None)
    for item in (path, Image.open(path)):
        with pytest.raises(ValueError, match=r"of 2 channels, pages apart.*\[microscopy\]"):
            Reader(channels=(0, 1)).build([item])[0]


def test_pages_are_not_taken_for_channels(tmp_path):
    path = tmp_path / "x.tif"
    made(path, MANY, **PLAIN)
    for item in (path, Image.open(path)):
        with pytest.raises(ValueError, match=r"5 pages of one channel each.*reader__frame"):
            Reader(channels=(2, 1, 0)).build([item])[0]
    assert Reader(channels=(0,), frame=2).build([path])[0].shape == (16, 32, 3)


def test_of_a_pyramid_the_largest_level_within_the_limit_is_read(tmp_path, monkeypatch):
    path = tmp_path / "x.tif"
    whole = RNG.integers(0, 256, (256, 320, 3), dtype=np.uint8)
    with tifffile.TiffWriter(path, ome=True) as file:
        options = {"photometric": "rgb", "tile": (64, 64)}
        file.write(whole, subifds=2, **options)
        for step in (2, 4):
            file.write(whole[::step, ::step], subfiletype=1, **options)
    np.testing.assert_array_equal(Reader().build([path])[0], whole)
    for limit, step in ((256 * 320 / 3, 2), (81 * 64, 4)):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(limit))
        np.testing.assert_array_equal(Reader().build([path])[0], whole[::step, ::step])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"80 x 64 pixels, more than 2000.*MAX_IMAGE_PIXELS"):
        Reader().build([path])[0]


def test_without_tifffile(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    half = tmp_path / "half.tif"
    made(half, *[(GREY / 65536).astype(np.float16)], **PLAIN)
    planes = tmp_path / "planes.tif"
    planes.write_bytes(tiff(MANY[:3].transpose(1, 2, 0), planar=True))
    for path in (half, planes):
        with pytest.raises(
            ValueError, match=rf'{path.name}.*tifffile.*"scikit-lift\[microscopy\]"'
        ):
            Reader().build([path])[0]


def test_damaged_files(tmp_path):
    path = tmp_path / "x.tif"
    made(path, (GREY / 65536).astype(np.float16), **PLAIN)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"x\.tif: "):
        Reader().build([path])[0]


@pytest.mark.parametrize("bigtiff", [False, True])
def test_pages_that_overlap_are_refused(tmp_path, bigtiff):
    """A small file of them could take hours: each page may have thousands of tags."""
    path = tmp_path / "loop.tif"
    tifffile.imwrite(path, np.stack([GREY] * 3), bigtiff=bigtiff, **PLAIN)
    whole = path.read_bytes()
    assert Reader().build([path])[0].shape == (16, 32, 3)
    with tifffile.TiffFile(path) as file:
        first, second = (page.offset for page in file.pages[:2])
        n_tags = len(file.pages[0].tags)
    kind, place = ("<Q", 8 + 20 * n_tags) if bigtiff else ("<I", 2 + 12 * n_tags)
    size = struct.calcsize(kind)
    assert struct.unpack_from(kind, whole, first + place) == (second,)
    looped = whole[: first + place] + struct.pack(kind, first) + whole[first + place + size :]
    path.write_bytes(looped)
    format = LAST_RESORTS["tiff"]
    for step in (format.n_frames, lambda file: format.read(file, 0)):
        with pytest.raises(ValueError, match="its pages overlap"):
            step(str(path))


def test_a_small_file_that_claims_many_numbers_is_refused(tmp_path):
    """Not width and height, but the number of samples of a pixel may be out of all bounds."""
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, np.zeros((64, 64, 5), np.uint8), **PLAIN)
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        places = tags["SamplesPerPixel"].valueoffset, tags["ImageLength"].valueoffset
    content = bytearray(path.read_bytes())
    struct.pack_into("<H", content, places[0], 60_000)
    struct.pack_into("<H", content, places[1], 30_000)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"deep\.tif: .*numbers; if you trust it, raise PIL"):
        Reader().build([path])[0]
