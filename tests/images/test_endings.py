from __future__ import annotations

import pytest
from PIL import Image

from sklift.images._as_source import as_image_source
from sklift.images._endings import readable_endings

WRITTEN = [
    ending
    for ending, name in sorted(Image.registered_extensions().items())
    if ending in readable_endings() and name in Image.SAVE and ending != ".pfm"  # needs a range
]


def test_usual_endings_are_there_and_none_twice():
    endings = readable_endings()
    assert {".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".tif", ".webp", ".psd", ".dds"} <= set(
        endings
    )
    assert len(set(endings)) == len(endings) and endings == tuple(sorted(endings))
    assert not {".eps", ".h5", ".hdf", ".mpg", ".mpeg", ".grib", ".pdf", ".txt"} & set(endings)


@pytest.mark.filterwarnings("ignore:IM image format")
@pytest.mark.parametrize("ending", WRITTEN)
def test_what_is_listed_can_be_read(tmp_path, ending):
    mode = {".xbm": "1", ".msp": "1", ".bw": "L", ".blp": "P"}.get(ending, "RGB")
    path = tmp_path / f"1{ending}"
    Image.new(mode, (32, 32)).save(path)
    height, width, channels = as_image_source([str(path)])[0].shape
    assert height == width >= 32 and channels == 3  # an icon has several sizes


def test_a_plugin_that_is_registered_later_counts():
    class Plugin(Image.Image):
        format = "LATER"

    Image.register_open("LATER", Plugin, lambda prefix: False)
    Image.register_extension("LATER", ".later")
    try:
        assert ".later" in readable_endings()
    finally:
        Image.OPEN.pop("LATER"), Image.ID.remove("LATER"), Image.EXTENSION.pop(".later")
    assert ".later" not in readable_endings()
