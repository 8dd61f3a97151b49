"""Pictures at addresses and in archives: read where they are, cached by content."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from sklift import ImageEmbedder
from sklift._store._folder_arrays import StoredArrays
from sklift._store._memory import MemoryArrays
from sklift.datasets import list_images
from sklift.images import Reader
from sklift.images._cache import CachedSource
from sklift.images._encoded import Address, EncodedSource

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)


def content(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


CONTENTS = [content(picture) for picture in PICTURES]


def in_tar(folder):
    with tarfile.open(folder / "all.tar", "w") as archive:
        for i, each in enumerate(CONTENTS):
            info = tarfile.TarInfo(f"photos/{i}.png")
            info.size = len(each)
            archive.addfile(info, io.BytesIO(each))
    return list_images(folder / "all.tar")


def in_zip(folder):
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i, each in enumerate(CONTENTS):
            archive.writestr(f"photos/{i}.png", each)
    return list_images(folder / "all.zip")


def zip_paths(folder):
    in_zip(folder)
    photos = zipfile.Path(folder / "all.zip") / "photos"
    return sorted(photos.iterdir(), key=lambda member: member.name)


def addresses(folder):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for i, each in enumerate(CONTENTS):
        store.pipe(f"/photos/{i}.png", each)
    return [f"memory://photos/{i}.png" for i in range(3)]


KINDS = {
    "tar": in_tar,
    "zip": in_zip,
    "zipfile.Path": zip_paths,
    "addresses": addresses,
    "bytes": lambda folder: CONTENTS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_and_their_caches(tmp_path, kind, monkeypatch):
    source = Reader().build(KINDS[kind](tmp_path))
    assert isinstance(source, EncodedSource) and source.reads_files
    np.testing.assert_array_equal(source.fetch([2, 0, 1]), PICTURES[[2, 0, 1]])
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again.fetch(range(3)), PICTURES)
    for i in range(3):
        source.check_header(i)
        assert source.n_pixels(i) == 48 * 64 and source.reduced(12).n_pixels(i) == 12 * 16
    of_bytes = Reader().build(CONTENTS)
    assert [source.fingerprint(i) for i in range(3)] == [of_bytes.fingerprint(i) for i in range(3)]
    decoded, decode = [], EncodedSource.__getitem__
    monkeypatch.setattr(
        EncodedSource, "__getitem__", lambda s, i: decoded.append(i) or decode(s, i)
    )
    for store in (MemoryArrays(1 << 30), StoredArrays(tmp_path / "cache", "pictures-2")):
        cached = CachedSource(source, store=store)
        np.testing.assert_array_equal(cached.fetch(range(3)), PICTURES)
        decoded.clear()
        np.testing.assert_array_equal(cached.fetch(range(3)), PICTURES)
        np.testing.assert_array_equal(CachedSource(of_bytes, store=store)[1], PICTURES[1])
        assert decoded == []
        half = cached.reduced(24)[0]
        np.testing.assert_array_equal(half, Reader().build(PICTURES).reduced(24)[0])
        assert decoded == [0]


def test_embeddings_are_those_of_the_files(tmp_path):
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False)
    expected = embedder.fit_transform(PICTURES)
    for X in (in_tar(tmp_path), addresses(tmp_path)):
        np.testing.assert_array_equal(embedder.fit_transform(X), expected)


def test_what_an_archive_lists(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("b/2.PNG", "a/1.png", "a/notes.txt", ".hidden/3.png", "__MACOSX/a/._1.png"):
            archive.writestr(name, CONTENTS[0])
        archive.writestr("c/", b"")
        archive.writestr("a/odd.raw", CONTENTS[0])
        archive.writestr("a/none.png", b"")
    with pytest.warns(UserWarning, match=r"2 files in .*x\.zip.*1 with ending \.raw, 1 empty"):
        members = list_images(tmp_path / "x.zip")
    assert [member.name for member in members] == ["a/1.png", "b/2.PNG"]
    assert str(members[0]) == f"{tmp_path / 'x.zip'}/a/1.png"
    with pytest.raises(ValueError, match=r"x\.zip has no pictures \(looked for \.gif\)"):
        list_images(tmp_path / "x.zip", extensions=["gif"])
    (tmp_path / "cut.zip").write_bytes((tmp_path / "x.zip").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cut\.zip can't be read as a zip or tar archive"):
        list_images(tmp_path / "cut.zip")
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "x.zip", "a.png")
    with pytest.raises(ValueError, match=r"x\.tar\.gz is a compressed tar archive"):
        list_images(tmp_path / "x.tar.gz")


def test_an_archive_that_has_changed_is_read_anew(tmp_path):
    (first, *_) = in_zip(tmp_path)
    assert first.read_bytes() == CONTENTS[0]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("photos/0.png", b"other")
    assert first.read_bytes() == b"other"


def test_errors_name_the_place(tmp_path):
    members = in_tar(tmp_path)
    damaged = type(members[0])(members[0].archive, "photos/0.png", 0, 40)
    pytest.importorskip("fsspec").filesystem("memory").pipe("/damaged.png", b"abc")
    for X, name in (
        ([damaged], r"all\.tar/photos/0\.png"),
        (["memory://damaged.png"], "^memory://damaged.png"),
    ):
        with pytest.raises(ValueError, match=f"{name}: no picture"):
            Reader().build(X).check_header(0)
        with pytest.raises(ValueError, match=f"{name}: no picture"):
            Reader().build(X)[0]
    with pytest.raises(FileNotFoundError, match=r"^memory://nothing\.png doesn't exist"):
        Reader().build(["memory://nothing.png"])[0]
    with pytest.raises(ValueError, match=r"X\[0\] is an address, X\[1\] a path: give one or"):
        Reader().build(["memory://a", "b.png"])


def test_errors_of_a_kind_of_address(monkeypatch):
    fsspec = pytest.importorskip("fsspec")

    def fail(*arguments):
        raise RuntimeError("no credentials")

    monkeypatch.setattr(fsspec, "open", fail)
    with pytest.raises(OSError, match=r"s3://a/b\.png can't be read \(no credentials\)"):
        Address("s3://a/b.png").read_bytes()

    def lack(*arguments):
        raise ImportError("Install s3fs")

    monkeypatch.setattr(fsspec, "open", lack)
    with pytest.raises(ImportError, match=r"s3://a/b\.png can't be read: Install s3fs"):
        Address("s3://a/b.png").read_bytes()
    import sys

    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=r'"scikit-lift\[remote\]"'):
        Address("s3://a/b.png").read_bytes()
