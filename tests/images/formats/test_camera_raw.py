"""Raw files of cameras: small DNG files, made with tifffile."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sklift.images import Reader
from sklift.images._decode import check_file

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(0)
MOSAIC = RNG.integers(200, 4000, (64, 96)).astype(np.uint16)
PREVIEW = RNG.integers(0, 256, (48, 72, 3), dtype=np.uint8)


def dng(path, preview=None, orientation=1):
    """A DNG of a mosaic of 12 bits, with or without a preview."""
    identity = tuple(value for k in range(9) for value in (int(k % 4 == 0), 1))
    camera = [
        (271, "s", 0, "Maker", True),
        (272, "s", 0, "Model", True),
        (274, "H", 1, orientation, True),
        (50706, "B", 4, bytes([1, 4, 0, 0]), True),
        (50707, "B", 4, bytes([1, 1, 0, 0]), True),
        (50708, "s", 0, "Maker Model", True),
        (50721, "2i", 9, identity, True),
        (50728, "2I", 3, (1, 1) * 3, True),
        (50778, "H", 1, 21, True),
    ]
    sensor = [
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes([0, 1, 1, 2]), True),
        (50714, "H", 1, 128, True),
        (50717, "I", 1, 4095, True),
    ]
    plain = {"metadata": None, "software": False}
    with tifffile.TiffWriter(path) as file:
        if preview is None:
            file.write(MOSAIC, photometric=32803, extratags=camera + sensor, **plain)
        else:
            options = {"photometric": "rgb", "subfiletype": 1, "subifds": 1}
            file.write(preview, extratags=camera, **options, **plain)
            file.write(MOSAIC, photometric=32803, subfiletype=0, extratags=sensor, **plain)


def test_the_embedded_picture_is_read(tmp_path):
    pytest.importorskip("rawpy")
    path = tmp_path / "x.DNG"
    dng(path, PREVIEW)
    np.testing.assert_array_equal(Reader().build([path])[0], PREVIEW)
    dng(path, PREVIEW, orientation=6)
    np.testing.assert_array_equal(Reader().build([path])[0], np.rot90(PREVIEW, -1))
    assert check_file(path).size == (48, 72)


@pytest.mark.parametrize("preview", [None, PREVIEW[:16, :24]])
@pytest.mark.parametrize("orientation", [1, 6])
def test_others_are_developed(tmp_path, preview, orientation):
    rawpy = pytest.importorskip("rawpy")
    path = tmp_path / "x.dng"
    dng(path, preview, orientation)
    found = Reader().build([path])[0]
    with rawpy.imread(str(path)) as raw:
        np.testing.assert_array_equal(found, raw.postprocess(use_camera_wb=True))
    assert found.shape == ((64, 96, 3) if orientation == 1 else (96, 64, 3))
    assert check_file(path).size == found.shape[1::-1]


def test_without_rawpy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    path = tmp_path / "x.dng"
    dng(path, PREVIEW)
    with pytest.raises(ValueError, match=r'x\.dng: A camera.*"scikit-lift\[camera\]"'):
        Reader().build([path])[0]


def test_without_an_ending_neither_the_preview_nor_the_mosaic_is_taken_for_the_picture(tmp_path):
    path = tmp_path / "x"
    for preview in (None, PREVIEW):
        dng(path, preview)
        for item in (path, path.read_bytes()):
            with pytest.raises(ValueError, match=r"a camera's raw file.*\.dng"):
                Reader().build([item])[0]


def test_damaged_files(tmp_path):
    pytest.importorskip("rawpy")
    path = tmp_path / "x.dng"
    path.write_bytes(b"II*\0" + bytes(200))
    with pytest.raises(ValueError, match=r"x\.dng: the picture can't be decoded"):
        Reader().build([path])[0]
