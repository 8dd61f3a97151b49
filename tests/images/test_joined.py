"""Two sources as one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor

from sklift.images import Reader
from sklift.images._joined import JoinedSource


@pytest.fixture
def joined(tmp_path):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (3, 40, 30, 3), np.uint8)
    for i in range(2):
        Image.fromarray(rng.integers(0, 256, (64, 48, 3), np.uint8)).save(tmp_path / f"{i}.png")
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    return JoinedSource(Reader().build(first), Reader().build(paths))


def test_all_that_a_source_tells_comes_from_the_right_one(joined):
    sources = [(joined.first, i) for i in range(3)] + [(joined.second, i) for i in range(2)]
    assert len(joined) == 5 and joined.reads_files and joined.labels is None
    for i, (source, j) in enumerate(sources):
        assert np.array_equal(joined[i], source[j])
        for ask in ("fingerprint", "key", "n_pixels", "factor", "look", "check_header"):
            assert getattr(joined, ask)(i) == getattr(source, ask)(j)
    order = [4, 0, 3, 2, 2, 1]
    for image, i in zip(joined.fetch(order), order, strict=True):
        assert np.array_equal(image, joined[i])
    assert joined.reduced(16).factor(3) == joined.second.reduced(16).factor(0)


def test_frames_of_both(tmp_path):
    colours = ["red", "blue", "green", "black"]
    for name, (first, second) in {"a": colours[:2], "b": colours[2:]}.items():
        frames = [Image.new("RGB", (20, 20), colour) for colour in (first, second)]
        frames[0].save(tmp_path / f"{name}.gif", save_all=True, append_images=frames[1:])
    reader = Reader(frame="all")
    joined = JoinedSource(*(reader.build([tmp_path / f"{name}.gif"]) for name in "ab"))
    assert [joined.n_frames(i) for i in range(2)] == [2, 2]
    for frame in (0, 1):
        at = joined.at_frame(frame)
        shown = [tuple(at[i][5, 5].tolist()) for i in range(2)]
        assert shown == [ImageColor.getrgb(colours[frame]), ImageColor.getrgb(colours[2 + frame])]


def test_a_damaged_file_is_named(joined, tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    joined.check_header(3)
    with pytest.raises(ValueError, match=r"1\.png"):
        joined.check_header(4)
