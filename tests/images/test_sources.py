from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy import sparse
from torch.utils.data import Subset, TensorDataset

from sklift._store._memory import MemoryArrays
from sklift.images import ImageSequence
from sklift.images._as_source import as_image_source
from sklift.images._cache import CachedSource
from sklift.images._files import FileSource
from sklift.images._in_memory import ArraySource

N = 4
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 6, 5, 3), dtype=np.uint8)
PIL = [Image.fromarray(image) for image in IMAGES]
CHW = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)


class Pairs:
    """A map-style dataset of (image, label) that counts what is read."""

    def __init__(self, **attributes):
        self.n_read = 0
        self.__dict__.update(attributes)

    def __len__(self):
        return N

    def __getitem__(self, i):
        self.n_read += 1
        return IMAGES[i], i + 10


class Plain(Pairs):
    """A data set of the images alone."""

    def __getitem__(self, i):
        return super().__getitem__(i)[0]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i, image in enumerate(PIL):
        image.save(folder / f"{i}.png")
    return [folder / f"{i}.png" for i in range(N)]


def objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def assert_same_images(source, expected=IMAGES):
    assert len(source) == len(expected)
    for copy in (source, pickle.loads(pickle.dumps(source))):
        for i, image in enumerate(expected):
            assert copy[i].dtype == np.uint8
            np.testing.assert_array_equal(copy[i], image)


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        lambda p: [str(x) for x in p],
        lambda p: np.array([str(x) for x in p]),
        lambda p: np.array([str(x) for x in p])[:, None],
        objects,
        lambda p: objects(p)[:, None],
        lambda p: pd.Series(p, index=[5, 5, 2, 1]),
        lambda p: pd.Series([str(x) for x in p], dtype="string"),
        lambda p: pd.Series([str(x) for x in p], dtype="category"),
        lambda p: pd.DataFrame({"path": [str(x) for x in p]}),
        lambda p: [p[0], *map(str, p[1:])],
    ],
)
def test_paths(paths, kind):
    source = as_image_source(kind(paths))
    assert isinstance(source, FileSource)
    assert source.labels is None
    assert_same_images(source)


@pytest.mark.parametrize(
    "X",
    [
        PIL,
        objects(PIL),
        pd.Series(PIL),
        IMAGES,
        IMAGES / 255,
        IMAGES.astype(np.uint16) * 257,
        np.asfortranarray(IMAGES),
        list(IMAGES),
        objects(list(IMAGES)),
        CHW,
        CHW / 255,
        list(CHW),
        [PIL[0], IMAGES[1], CHW[2], IMAGES[3] / 255],
        TensorDataset(CHW, torch.arange(N)),
        Pairs(),
        ImageSequence(PIL),
    ],
)
def test_pixels(X):
    assert_same_images(as_image_source(X))


def test_grey_arrays_and_tensors():
    grey = IMAGES[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=-1)
    for X in (grey, grey[..., None], torch.from_numpy(grey), torch.from_numpy(grey)[:, None]):
        assert_same_images(as_image_source(X), expected)


def test_sizes_may_differ():
    X = [IMAGES[0], IMAGES[1, :3], IMAGES[2, :, :2, 0]]
    assert [image.shape for image in as_image_source(X)] == [(6, 5, 3), (3, 5, 3), (6, 2, 3)]


@pytest.mark.parametrize(
    "kind", [np.asarray, list, torch.from_numpy, pd.DataFrame, lambda x: x.tolist()]
)
def test_flattened_images(kind):
    flat = IMAGES.reshape(N, -1) / 255
    assert_same_images(as_image_source(kind(flat), image_shape=(6, 5, 3)))
    grey = as_image_source(kind(flat[:, :30]), image_shape=(6, 5))
    assert grey[0].shape == (6, 5, 3)


def test_large_arrays_are_not_copied():
    for X in (IMAGES, CHW, IMAGES.reshape(N, -1)[:, ::2]):
        source = as_image_source(X, image_shape=(3, 5, 3))
        assert isinstance(source, ArraySource)
        assert np.shares_memory(source.array, np.asarray(X))


def test_labels_of_a_list(paths):
    for images in (PIL, list(CHW), paths):
        source = as_image_source(list(zip(images, "abca", strict=True)))
        assert_same_images(source)
        np.testing.assert_array_equal(source.labels, ["a", "b", "c", "a"])
    assert isinstance(source, FileSource)
    assert as_image_source([(IMAGES[0], torch.tensor(3))]).labels.tolist() == [3]
    with pytest.raises(ValueError, match=r"labels.*must be scalars"):
        as_image_source([(IMAGES[0], [1, 2])])


def test_labels_of_a_dataset_are_read_when_asked_for():
    dataset = Pairs()
    source = as_image_source(dataset)
    assert dataset.n_read == 1
    assert source.labels.tolist() == [10, 11, 12, 13]
    n_read = dataset.n_read
    assert source.labels.tolist() == [10, 11, 12, 13]
    assert dataset.n_read == n_read


@pytest.mark.parametrize("name", ["targets", "labels"])
@pytest.mark.parametrize("labels", [[7, 8, 9, 7], torch.tensor([7, 8, 9, 7])])
def test_declared_labels_of_items_without_are_taken(name, labels):
    dataset = Plain(**{name: labels})
    assert as_image_source(dataset).labels.tolist() == [7, 8, 9, 7]
    assert as_image_source(Subset(dataset, [2, 0])).labels.tolist() == [9, 7]
    assert as_image_source(ImageSequence(dataset)[[1, 3]][::-1]).labels.tolist() == [7, 8]


@pytest.mark.parametrize(
    "attributes",
    [
        {"targets": [1, 2]},
        {"targets": [[1, 2]] * N},
        {"targets": [0] * N, "target_transform": lambda label: label},
    ],
)
def test_declared_labels_of_another_kind_are_not(attributes):
    assert as_image_source(Pairs(**attributes)).labels.tolist() == [10, 11, 12, 13]


def test_no_labels():
    for X in (IMAGES, PIL, ImageSequence(PIL)):
        assert as_image_source(X).labels is None


class Columns:
    """As a data set of Hugging Face, which has a shape, but is no array."""

    column_names = ("image", "label")
    shape = (2, 2)

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return {"image": PIL[0], "label": 3}

    def select_columns(self, names):
        return self


class ArrowTable:
    """What of pyarrow's table matters: it has a shape, and is no array."""

    def __init__(self, **columns):
        self.columns = columns
        self.column_names = list(columns)
        self.shape = (1, len(columns))

    def column(self, i):
        return pd.Series(list(self.columns.values())[i])


def test_a_table_of_one_column_is_taken(paths):
    source = as_image_source(ArrowTable(path=paths))
    np.testing.assert_array_equal(source[0], as_image_source(paths)[0])


def test_a_source_is_taken_as_it_is():
    source = as_image_source(IMAGES)
    assert as_image_source(source) is source


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.png", TypeError, r"single str; give a list: \[X\]"),
        (".", TypeError, r"X is a folder, '\.'; .*load_image_folder"),
        (PIL[0], TypeError, r"single Image; give a list"),
        (None, TypeError, "X is of type NoneType; give file paths"),
        ((image for image in PIL), TypeError, "X is of type generator; give.*a list of pictures"),
        ({"a": IMAGES[0]}, TypeError, "X is of type dict"),
        ({1, 2}, TypeError, "X is of type set"),
        (sparse.csr_array(IMAGES[0, ..., 0]), TypeError, "X is of type csr_array"),
        ([], ValueError, "X is empty"),
        (IMAGES[:0], ValueError, "X is empty"),
        (pd.Series([], dtype=str), ValueError, "X is empty"),
        (ImageSequence([]), ValueError, "X is empty"),
        (IMAGES[:, :0], ValueError, "the picture is empty"),
        (IMAGES.transpose(0, 3, 1, 2), ValueError, r"channels last: np.moveaxis\(X, -3, -1\)"),
        (list(IMAGES.transpose(0, 3, 1, 2)), ValueError, r"np.moveaxis\(X\[0\], -3, -1\)"),
        (torch.from_numpy(IMAGES), ValueError, r"move the channels first"),
        (IMAGES[0], ValueError, r"single picture as X\[None\]"),
        (IMAGES[0, 0, :, 0], ValueError, "X has shape"),
        (IMAGES[None], ValueError, "X has shape"),
        (np.array(3.0), ValueError, "X has shape"),
        (IMAGES.astype(int), ValueError, "X has dtype int64.*use uint8"),
        (IMAGES.astype(object), ValueError, "dtype object"),
        (IMAGES * 1.0, ValueError, "X: float pictures.*divide by 255"),
        (IMAGES.reshape(N, -1), ValueError, "give reader__image_shape="),
        (list(IMAGES.reshape(N, -1)), ValueError, r"X\[0\] is one-dimensional.*image_shape"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "in one column"),
        (["a.png", None], TypeError, r"X\[0\] is a file path, but X\[1\] is of type NoneType"),
        ([PIL[0], "a.png"], TypeError, r"X\[1\] is of type str"),
        ([PIL[0], None], TypeError, r"X\[1\] is of type NoneType"),
        (range(3), TypeError, r"X\[0\] is of type int"),
        ([{"bytes": b"", "path": "a"}], TypeError, 'type dict.*give what is under "bytes" in each'),
        ([{"image": PIL[0], "label": 3}], TypeError, "give .picture, label. .*'image', 'label'"),
        ([(7, PIL[0], 3)], TypeError, r"type tuple.*give \(picture, label\) pairs"),
        (np.array([b"a.png"]), ValueError, "paths of bytes: decode them"),
        (ArrowTable(a=["x"], b=["y"]), ValueError, "X has the columns a, b: give the one of the"),
        (Columns(), TypeError, "X is a Columns of columns: from_huggingface of sklift.datasets"),
        ([PIL[0], Image.new("F", (2, 2))], ValueError, r"X\[1\] is a picture of mode 'F'"),
    ],
)
def test_bad_collections(X, error, message):
    with pytest.raises(error, match=message):
        as_image_source(X)


def test_the_range_is_checked_everywhere(monkeypatch):
    monkeypatch.setattr("sklift.images._levels._CHUNK", 200)  # two images at a time
    X = np.zeros((N, 6, 5, 3))
    as_image_source(X)
    for value, message in [(2.0, "found 2"), (-1.0, "found -1"), (np.nan, "NaN")]:
        bad = X.copy()
        bad[-1, -1, -1, -1] = value
        with pytest.raises(ValueError, match=message):
            as_image_source(bad)


def test_missing_files_are_found_at_once(paths):
    X = [*paths, *(f"absent-{i}.png" for i in range(5))]
    with pytest.raises(
        FileNotFoundError, match=r"5 of the 9 files.*absent-0.*absent-2.png, \.\.\."
    ):
        as_image_source(X)


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((6, 5), "means 30 columns, but X has 90"),
        ((3, 6, 5), "channels, got"),
        ((90,), "must be"),
        ((6, -5), "must be"),
        ((6.0, 15), "must be"),
    ],
)
def test_bad_image_shapes(image_shape, message):
    with pytest.raises(ValueError, match=f"image_shape.*{message}"):
        as_image_source(IMAGES.reshape(N, -1), image_shape)


def test_the_cache_reads_each_file_once(paths, monkeypatch):
    read = []
    decode = FileSource.__getitem__
    monkeypatch.setattr(FileSource, "__getitem__", lambda s, i: read.append(i) or decode(s, i))
    cached = CachedSource(as_image_source(paths), store=MemoryArrays(1 << 30))
    for _ in range(2):
        for i in range(N):
            np.testing.assert_array_equal(cached[i], IMAGES[i])
    assert read == [0, 1, 2, 3]
    assert cached.store.n_bytes == IMAGES.nbytes
    assert_same_images(pickle.loads(pickle.dumps(cached)))


def test_the_cache_is_bounded(paths):
    decoded = MemoryArrays(2 * IMAGES[0].nbytes + 1, evict_at_random=True)
    cached = CachedSource(as_image_source(paths), store=decoded)
    for _ in range(20):
        assert_same_images(cached)
        assert (
            decoded.n_bytes
            == 2 * IMAGES[0].nbytes
            == sum(image.nbytes for image in decoded._arrays.values())
        )
    tiny = MemoryArrays(1)
    assert_same_images(CachedSource(as_image_source(paths), store=tiny))
    assert tiny.n_bytes == 0


def test_the_cache_sees_that_a_file_changes(tmp_path):
    path = tmp_path / "a.png"
    cached = None
    for image, time in ((IMAGES[0], 0), (IMAGES[1], 1)):
        Image.fromarray(image).save(path)
        os.utime(path, ns=(time, time))
        cached = cached or CachedSource(as_image_source([path]), store=MemoryArrays(1 << 30))
        np.testing.assert_array_equal(cached[0], image)


def test_what_is_there_need_not_make_room(paths):
    decoded = MemoryArrays(2 * IMAGES[0].nbytes, evict_at_random=True)
    source = as_image_source(paths)
    for cached in (CachedSource(source, store=decoded), CachedSource(source, False, decoded)):
        before = set(decoded._arrays)
        assert_same_images(cached)
    assert set(decoded._arrays) == before and len(before) == 2


def test_the_cache_leaves_other_sources_alone():
    decoded = MemoryArrays(1 << 30)
    source = as_image_source([(image, "a") for image in IMAGES])
    cached = CachedSource(source, store=decoded)
    assert_same_images(cached)
    assert decoded.n_bytes == 0
    assert cached.labels.tolist() == ["a"] * N
