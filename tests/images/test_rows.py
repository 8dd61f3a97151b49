"""Array-likes of HDF5 and zarr: read row by row, never whole."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sklift import ImageEmbedder
from sklift.images import ImageSequence, Reader
from sklift.images._rows import FileRows, RowsSource

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)


def hdf5(folder, array):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "x.h5", "w") as file:
        file["group/pictures"] = array
    return h5py.File(folder / "x.h5", "r")["group/pictures"]


def zarr(folder, array):
    module = pytest.importorskip("zarr")
    module.save_array(str(folder / "x.zarr"), array)
    return module.open_array(str(folder / "x.zarr"), mode="r")


class Counting:
    """What is like an array and tells which rows were asked for."""

    def __init__(self, array):
        self.array, self.asked = array, []
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        self.asked.append(key)
        return self.array[key]


KINDS = {"hdf5": hdf5, "zarr": zarr, "like an array": lambda folder, array: Counting(array)}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_array(tmp_path, kind):
    for array, settings in (
        (PICTURES, {}),
        (PICTURES[..., 0], {}),
        (PICTURES.reshape(6, -1), {"image_shape": (48, 64, 3)}),
        (PICTURES / 255, {}),
        (PICTURES[..., :2].astype(np.int16), {"channels": (1,), "value_range": (10, 200)}),
    ):
        (folder := tmp_path / f"{array.ndim}{array.dtype}").mkdir()
        source = Reader(**settings).build(KINDS[kind](folder, array))
        assert isinstance(source, RowsSource) and len(source) == 6
        expected = Reader(**settings).build(array)
        np.testing.assert_array_equal(source.fetch(range(6)), expected.fetch(range(6)))
        np.testing.assert_array_equal(source.reduced(12)[5], expected.reduced(12)[5])
        assert source.fingerprint(1) == expected.fingerprint(1)
        if kind != "like an array":
            again = pickle.loads(pickle.dumps(source))
            np.testing.assert_array_equal(again[3], expected[3])


def test_only_what_is_asked_for_is_read():
    X = Counting(np.repeat(PICTURES, 50, axis=0) / 255)
    source = Reader().build(X)
    assert len(X.asked) <= 32 and all(isinstance(key, int) for key in X.asked)
    X.asked.clear()
    source.fetch([7, 9])
    assert X.asked == [7, 9]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 8, 8), np.uint8), r"move the channels last"),
        (np.zeros((2, 30), np.uint8), "reader__image_shape"),
        (np.zeros((2, 8, 8), np.int32), "dtype int32"),
        (np.zeros((0, 8, 8), np.uint8), "X is empty"),
        (np.zeros((8, 8, 3), np.uint8), r"X has shape \(8, 8, 3\)"),
    ],
)
def test_bad_shapes_and_types(array, message):
    with pytest.raises(ValueError, match=message):
        Reader().build(Counting(array))


def test_bad_numbers_are_found_where_they_are_read():
    X = np.zeros((40, 4, 4))
    X[37] = 3
    source = Reader().build(Counting(X))
    source[0]
    with pytest.raises(ValueError, match=r"X\[37\]: float pictures are in \[0, 1\], found 3"):
        source[37]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_another_process_opens_the_file_anew(tmp_path, method):
    rows = FileRows(hdf5(tmp_path, PICTURES))
    source = RowsSource(rows)
    with ProcessPoolExecutor(1, get_context(method)) as pool:
        (found,) = pool.submit(source.fetch, [5]).result(timeout=120)
    np.testing.assert_array_equal(found, PICTURES[5])
    np.testing.assert_array_equal(source[5], PICTURES[5])


def test_splits_of_rows(tmp_path):
    for kind in (hdf5, zarr):
        rows = kind(tmp_path, PICTURES)
        train, test = train_test_split(ImageSequence(rows), random_state=0)
        found = Reader().build(train)
        np.testing.assert_array_equal(found.fetch(range(4)), PICTURES[train.indices])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(test))[0], test[0])


def test_embeddings_are_those_of_the_array(tmp_path):
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False)
    expected = embedder.fit_transform(PICTURES)
    np.testing.assert_array_equal(embedder.fit_transform(hdf5(tmp_path, PICTURES)), expected)


def test_masked_rows_are_refused():
    source = Reader().build(Counting(np.ma.masked_equal(PICTURES, 7)))
    with pytest.raises(ValueError, match=r"X\[2\] is a masked array.*filled"):
        source[2]
