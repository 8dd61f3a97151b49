"""Formats of one's own, and what is asked of a format."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from sklift import ImageEmbedder, LiftClassifier
from sklift._store._folder_arrays import StoredArrays
from sklift.images import FileFormat, Raster, Reader
from sklift.images._cache import CachedSource
from sklift.images._keys import keys_by_content

PIXELS = np.random.default_rng(0).integers(0, 1001, (3, 48, 48), dtype=np.int32)


class Npy(FileFormat):
    """What NumPy has saved."""

    suffixes = (".npy",)

    def __init__(self, top=1000):
        self.top = top

    def n_frames(self, file):
        return len(np.load(file))

    def read(self, file, frame):
        return Raster(np.load(file)[frame], value_range=(0, self.top))


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    return tmp_path / "x.npy"


def test_a_format_of_ones_own(path):
    with pytest.raises(ValueError, match=r"x\.npy: no picture that Pillow reads"):
        Reader().build([path])[0]
    for frame in (0, 2, -1, "middle"):
        source = Reader(formats=[Npy()], frame=frame).build([path])
        chosen = 1 if frame == "middle" else frame
        expected = Reader(value_range=(0, 1000)).build([PIXELS[chosen]])
        np.testing.assert_array_equal(source[0], expected[0])
        np.testing.assert_array_equal(source.reduced(12)[0], expected.reduced(12)[0])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[0], expected[0])


def test_formats_of_ones_own_are_asked_first(tmp_path):
    class Dark(FileFormat):
        suffixes = (".png",)

        def read(self, file, frame):
            return np.asarray(Image.open(file)) // 2

    path = tmp_path / "x.png"
    Image.fromarray(PIXELS[0].astype(np.uint8)).save(path)
    found, plain = Reader(formats=(Dark(),)).build([path])[0], Reader().build([path])[0]
    np.testing.assert_array_equal(found, plain // 2)


def test_white_is_zero_and_curves():
    class Odd(Npy):
        suffixes = ()

        def recognizes(self, head, suffix):
            return head[:6] == b"\x93NUMPY"

        def read(self, file, frame):
            pixels = np.load(file)[frame]
            return Raster(pixels, (0, 2000), white_is_zero=True, curve=lambda x: 2 * x)

    import io

    np.save(stream := io.BytesIO(), PIXELS)
    plain = Reader(value_range=(0, 1000)).build([PIXELS[0]])[0]
    found = Reader(formats=[Odd()]).build([stream.getvalue()])[0]
    np.testing.assert_array_equal(found, 255 - plain)
    found = Reader(formats=[Odd()], value_range=(0, 500)).build([stream.getvalue()])[0]
    np.testing.assert_array_equal(found, 255 - Reader(value_range=(0, 500)).build([PIXELS[0]])[0])


def test_errors_name_the_file(path):
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"x\.npy: the picture can't be decoded \("):
        Reader(formats=[Npy()]).build([path])[0]

    class Nothing(FileFormat):
        suffixes = (".npy",)

    with pytest.raises(TypeError, match=r"formats: Nothing\(\) has no method read\(file, frame\)"):
        Reader(formats=[Nothing()]).build([path])[0]


@pytest.mark.parametrize(("value", "got"), [([Npy], "the class Npy"), ([3], "3")])
def test_what_is_no_format(value, got):
    with pytest.raises(TypeError, match=f"formats must be instances of subclasses.*got {got}"):
        Reader(formats=value).build([PIXELS[0] > 3])


def test_keys_depend_on_the_settings_of_a_format_and_on_its_packages(path, tmp_path):
    class Packed(Npy):
        packages = ("numpy",)

    class Missing(Npy):
        packages = ("no-such-package",)

    store, keys = StoredArrays(tmp_path / "store", "pictures-2"), set()
    for own in (Npy(), Npy(top=2000), Packed(), Missing()):
        source = Reader(formats=[own]).build([path])
        np.testing.assert_array_equal(CachedSource(source, store=store)[0], source[0])
        keys.add(keys_by_content(source, [0])[0])
        assert keys_by_content(Reader(formats=[own]).build([path]), [0])[0] in keys
    assert len(keys) == 4


def test_a_model_remembers_its_formats(path, tmp_path):
    paths = [path] * 4
    clf = LiftClassifier("emoji-tiny", max_epochs=1, reader__formats=[Npy()], random_state=0)
    expected = clf.fit(paths, [0, 1, 0, 1]).predict_proba(paths)
    clf.save(tmp_path / "model")
    loaded = LiftClassifier.load(tmp_path / "model", recipes=[Npy])
    np.testing.assert_allclose(loaded.predict_proba(paths), expected, atol=1e-6)
    found = ImageEmbedder("emoji-tiny", reader__formats=[Npy()]).fit_transform(paths)
    arrays = np.repeat(PIXELS[:1], 4, axis=0)
    plain = ImageEmbedder("emoji-tiny", reader__value_range=(0, 1000)).fit_transform(arrays)
    np.testing.assert_allclose(found, plain, atol=1e-5)
