"""Pictures in archives, in memory, in pyarrow columns, and opened ones; caches of all settings."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sklift import ImageEmbedder
from sklift._store._folder_arrays import StoredArrays
from sklift._store._memory import MemoryArrays
from sklift.datasets import list_images
from sklift.images import Reader
from sklift.images._cache import CachedSource

from .made_files import png16

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for picture, path in zip(PICTURES, paths, strict=True):
        Image.fromarray(picture).save(path)
    return paths


def members(paths):
    archive = paths[0].with_name("all.zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in paths:
            file.write(path, f"photos/{path.name}")
    return sorted((zipfile.Path(archive) / "photos").iterdir(), key=lambda member: member.name)


class OpenFile:
    """As `fsspec.open` gives them."""

    fs, mode = None, "rb"

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.file = open(self.path, self.mode)
        return self.file

    def __exit__(self, *args):
        self.file.close()


def in_memory(paths):
    """Members of an archive that is in memory."""
    members(paths)
    archive = io.BytesIO(paths[0].with_name("all.zip").read_bytes())
    return [zipfile.Path(archive, f"photos/{path.name}") for path in paths]


def opaque(paths):
    """As HDF5 gives files that were stored as opaque rows."""
    return [np.void(path.read_bytes()) for path in paths]


KINDS = {
    "members": members,
    "members in memory": in_memory,
    "memoryview": lambda paths: [memoryview(path.read_bytes()) for path in paths],
    "opaque": opaque,
    "open files": lambda paths: [OpenFile(path) for path in paths],
    "bytes": lambda paths: [path.read_bytes() for path in paths],
    "bytearray": lambda paths: [bytearray(path.read_bytes()) for path in paths],
    "streams": lambda paths: [io.BytesIO(path.read_bytes()) for path in paths],
    "files": lambda paths: [open(path, "rb") for path in paths],  # noqa: SIM115
    "a Series": lambda paths: pd.Series([path.read_bytes() for path in paths], index=[3, 3, 1]),
    "an array": lambda paths: np.array([*members(paths), None], dtype=object)[:-1],
}


@pytest.mark.parametrize("kind", KINDS)
def test_contents_of_files(paths, kind):
    X = KINDS[kind](paths)
    source, expected = Reader().build(X), Reader().build(paths)
    for _ in range(2):  # a file object is read from its start
        np.testing.assert_array_equal(source.fetch(range(3)), PICTURES)
    assert [source.fingerprint(i) for i in range(3)] == [expected.fingerprint(i) for i in range(3)]
    for i in range(3):
        source.check_header(i)
        np.testing.assert_array_equal(source.reduced(12)[i], expected.reduced(12)[i])
    labelled = Reader().build(list(zip(X, "aba", strict=True)))
    assert labelled.labels.tolist() == ["a", "b", "a"]
    np.testing.assert_array_equal(labelled[1], PICTURES[1])


def test_bad_contents(paths):
    with pytest.raises(ValueError, match=r"X\[1\]: the file is empty"):
        Reader().build([paths[0].read_bytes(), b""])[1]
    source = Reader().build([paths[0].read_bytes(), b"GIF89a but no more"])
    for look in (source.check_header, source.__getitem__):
        look(0)
        with pytest.raises(ValueError, match=r"X\[1\]: "):
            look(1)
    with pytest.raises(TypeError, match="single bytes"):
        Reader().build(b"abc")


def test_members_that_cannot_be_read_are_errors_of_theirs(paths):
    found = members(paths)
    archive = paths[0].with_name("all.zip")
    content = bytearray(archive.read_bytes())
    place = content.find(paths[1].read_bytes()[:60]) + 50
    content[place] ^= 255  # its checksum is wrong then
    archive.write_bytes(content)
    X = [found[0], found[1], found[0].parent / "none.png"]
    closed = io.BytesIO(b"")
    closed.close()
    text = io.StringIO("text")
    for item, message in (
        (X[1], r"all\.zip/photos/1\.png can't be read \(Bad CRC"),
        (X[2], r"all\.zip/photos/none\.png can't be read \(.*no item named"),
        (closed, r"X\[0\] can't be read \(I/O operation on closed file"),
        (text, r"X\[0\] gives str instead of bytes: open it in binary mode"),
    ):
        source = Reader().build([item])
        for look in (source.check_header, source.__getitem__):
            with pytest.raises(ValueError, match=message):
                look(0)
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False, reader__on_error="skip")
    with pytest.warns(UserWarning, match="2 of 3 pictures in X can't be read"):
        rows = embedder.fit(found[:1]).transform(X)
    assert np.isnan(rows).any(axis=1).tolist() == [False, True, True]


def test_members_are_embedded_as_their_files(paths):
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False)
    np.testing.assert_array_equal(
        embedder.fit_transform(members(paths)), embedder.fit_transform(paths)
    )


class ArrowArray:
    """What matters of pyarrow.Array: it has no items but its own, and copies when allowed to."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def to_numpy(self, zero_copy_only=True):
        if zero_copy_only:
            raise ValueError("Needed to copy 1 chunks with 0 nulls, but zero_copy_only was True")
        return np.array(self.values, dtype=object)


def test_arrow_columns(paths):
    source = Reader().build(ArrowArray([str(path) for path in paths]))
    np.testing.assert_array_equal(source.fetch(range(3)), PICTURES)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "gif", "bmp"])
def test_opened_pictures_are_not_left_loaded(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(PICTURES[0]).save(path)
    with open(path, "rb") as file:
        for place in (path, io.BytesIO(path.read_bytes()), file):
            opened = Image.open(place)
            source, expected = Reader().build([opened]), Reader().build([path])
            for least in (None, 24, 12):
                found, of_path = source.reduced(least)[0], expected.reduced(least)[0]
                np.testing.assert_array_equal(found, of_path)
            assert opened.fp is not None  # Pillow lets go of it when it loads
            np.testing.assert_array_equal(opened.convert("RGB"), expected[0])  # it still can


def test_opened_pictures_that_were_changed_are_seen_as_they_are(tmp_path):
    path = tmp_path / "x.jpg"
    Image.fromarray(PICTURES[0]).save(path)
    drawn = Image.open(path)
    drawn.paste((9, 8, 7), (0, 0, 64, 48))
    assert (Reader().build([drawn])[0] == (9, 8, 7)).all()
    icon = tmp_path / "x.ico"  # whose plug-in keeps its file open
    Image.fromarray(PICTURES[0]).save(icon)
    drawn = Image.open(icon)
    drawn.paste((9, 8, 7, 255), (0, 0, *drawn.size))
    assert (Reader().build([drawn])[0] == (9, 8, 7)).all()
    drafted = Image.open(path)
    drafted.draft("L", (32, 24))
    assert Reader().build([drafted])[0].shape == (24, 32, 3)
    moved = Image.open(path)
    path.unlink()
    assert Reader().build([moved])[0].shape == (48, 64, 3)


@pytest.mark.parametrize("make", [list, np.asarray, lambda X: [Image.fromarray(x) for x in X]])
def test_what_is_in_memory_is_reduced_as_files_are(paths, make):
    expected = Reader().build(paths).reduced(20)
    found = Reader().build(make(PICTURES)).reduced(20)
    assert found[0].shape == (24, 32, 3)
    np.testing.assert_array_equal(found.fetch(range(3)), expected.fetch(range(3)))


SETTINGS = [
    {},
    {"value_range": 12},
    {"value_range": 13},
    {"value_range": (100, 9000)},
    {"value_range": "percentiles"},
    {"channels": (2, 1, 0), "value_range": 16},
]


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_caches_tell_settings_apart(tmp_path, kind):
    wide = RNG.integers(0, 4096, (2, 8, 8)).astype(np.uint16)
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for picture, path in zip(wide, paths, strict=True):
        path.write_bytes(png16(picture))
    store = MemoryArrays(1 << 30) if kind == "memory" else StoredArrays(tmp_path, "pictures-2")
    marks = set()
    for _ in range(2):
        for settings in SETTINGS:
            plain = Reader(**settings).build(paths)
            cached = CachedSource(plain, store=store)
            np.testing.assert_array_equal(cached.fetch(range(2)), plain.fetch(range(2)))
            marks.add((plain.fingerprint(0), plain.identity()))
            of_bytes = Reader(**settings).build([path.read_bytes() for path in paths])
            assert of_bytes.fingerprint(0) == plain.fingerprint(0)
    assert len({mark for mark, _ in marks}) == len({name for _, name in marks}) == len(SETTINGS)


def test_features_are_told_apart(tmp_path):
    wide = RNG.integers(0, 4096, (2, 48, 48)).astype(np.uint16)
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for picture, path in zip(wide, paths, strict=True):
        path.write_bytes(png16(picture))
    found = []
    for value_range in (16, 12, 13):
        embedder = ImageEmbedder(
            "emoji-tiny", reader__value_range=value_range, compute__cache=tmp_path / "cache"
        )
        found.append(embedder.fit_transform(paths))
        arrays = embedder.set_params(compute__cache=False).fit_transform(wide)
        np.testing.assert_allclose(found[-1], arrays, atol=1e-5)
    assert abs(found[0] - found[1]).max() > 0.01 < abs(found[1] - found[2]).max()


def changed_zip(path, change):
    """An archive of two pictures, of whose first member ``change`` alters the headers."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(2):
            archive.writestr(f"{i}.png", encoded(PICTURES[i]))
    content = bytearray(path.read_bytes())
    change(content, content.index(b"PK\1\2"))
    path.write_bytes(content)
    return path


def encoded(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def encrypt(content, i):
    content[6] |= 1
    content[i + 8] |= 1


def compress_in_another_way(content, i):
    content[8] = content[i + 10] = 99


def move(content, i):
    content[i + 42 : i + 46] = (1 << 30).to_bytes(4, "little")


def move_before_the_start(content, i):
    """The list is said to start later than it does, which counts for all members."""
    end = content.index(b"PK\5\6")
    content[end + 16] += 100
    content[i + 42] = 50
    second = content.index(b"PK\1\2", i + 1)
    start = int.from_bytes(content[second + 42 : second + 46], "little")
    content[second + 42 : second + 46] = (start + 100).to_bytes(4, "little")


def damage(content, i):
    content[100] ^= 1


@pytest.mark.parametrize(
    "change", [encrypt, compress_in_another_way, move, move_before_the_start, damage]
)
def test_a_member_that_cannot_be_read_is_one_bad_picture(tmp_path, change):
    X = list_images(changed_zip(tmp_path / "all.zip", change))
    source = Reader().build(list(X))
    with pytest.raises(ValueError, match=r"all\.zip/0\.png can't be read"):
        source.fetch([0])
    np.testing.assert_array_equal(source.fetch([1])[0], PICTURES[1])


def test_a_member_that_grows_out_of_all_bounds_is_refused_before_it_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("0.png", "w") as file:
            file.write(encoded(PICTURES[0]))
            for _ in range(130):
                file.write(bytes(1 << 20))
        archive.writestr("1.png", encoded(PICTURES[1]))
    source = Reader().build(list(list_images(tmp_path / "all.zip")))
    tracemalloc.start()
    with pytest.raises(ValueError, match="once it is unpacked"):
        source.fetch([0])
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
    np.testing.assert_array_equal(source.fetch([1])[0], PICTURES[1])


@pytest.mark.parametrize(
    ("kind", "n_bytes"),
    [
        *((tarfile.REGTYPE, n) for n in (1000, 1 << 62, 1 << 80, -1000)),
        *((tarfile.XHDTYPE, n) for n in (1 << 62, 1 << 80)),
    ],
)
def test_a_damaged_tar_archive_is_called_so(tmp_path, kind, n_bytes):
    member = tarfile.TarInfo("0.png")
    member.type = kind
    header = bytearray(member.tobuf())
    header[124:136] = (n_bytes % (1 << 96)).to_bytes(12, "big")
    header[124] |= 128 if n_bytes >= 0 else 0
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "all.tar").write_bytes(header + bytes(512))
    with pytest.raises(ValueError, match=r"all\.tar is a damaged archive"):
        list_images(tmp_path / "all.tar")
