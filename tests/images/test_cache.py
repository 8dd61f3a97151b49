from __future__ import annotations

import errno
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from sklift._store import _array_files, _cache, _folder_arrays
from sklift._store._folder_arrays import StoredArrays, stored_arrays
from sklift.images import _files, _keys
from sklift.images._as_source import as_image_source
from sklift.images._cache import CachedSource
from sklift.images._files import FileSource
from sklift.images._keys import keys_by_content

RNG = np.random.default_rng(0)
SIZES = [(7, 5), (4, 9), (12, 12), (3, 30)]
IMAGES = {f"{h}x{w}".encode(): RNG.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in SIZES}


def StoredImages(folder, max_bytes=1 << 34):
    return StoredArrays(folder, "pictures-2", max_bytes)


def squares(n: int) -> dict[bytes, np.ndarray]:
    """Pictures of 12 x 12 x 3 = 432 bytes."""
    return {str(i).encode(): np.full((12, 12, 3), i, np.uint8) for i in range(n)}


def assert_knows(stored, images):
    found = stored.find(images)
    assert found.keys() == images.keys()
    for key, image in images.items():
        np.testing.assert_array_equal(found[key], image)


def pixel_files(folder):
    return sorted(folder.glob("pictures-2-*.bin"))


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "files").mkdir()
    paths = [tmp_path / "files" / f"{i}.png" for i in range(len(SIZES))]
    for path, image in zip(paths, IMAGES.values(), strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def decoded(monkeypatch):
    """The files that are decoded."""
    names, read = [], _files.read
    monkeypatch.setattr(_files, "read", lambda path, *how: names.append(path) or read(path, *how))
    return names


@pytest.fixture
def forget():
    """Forget the content of files, as another process would not know it."""
    _files._file_fingerprint.cache_clear()
    return _files._file_fingerprint.cache_clear


def test_pictures_of_any_size_come_back_as_they_were(folder):
    StoredImages(folder).add(IMAGES)
    other = StoredImages(folder)
    assert_knows(other, IMAGES)
    assert other.find([b"unknown"]) == {}
    assert_knows(pickle.loads(pickle.dumps(other)), IMAGES)


def test_what_is_read_is_part_of_the_file(folder):
    stored = StoredImages(folder)
    stored.add(IMAGES)
    one, other = (stored.find([b"7x5"])[b"7x5"] for _ in range(2))
    assert np.shares_memory(one, other) and not one.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        one[0] = 0


def test_what_is_known_is_not_written_again(folder):
    stored, other = StoredImages(folder), StoredImages(folder)
    stored.add(IMAGES)
    other.add(IMAGES)
    (file,) = pixel_files(folder)
    assert file.stat().st_size == sum(image.nbytes for image in IMAGES.values())


def test_each_file_is_decoded_once_by_all(paths, folder, decoded):
    for _ in range(2):
        source = CachedSource(as_image_source(paths), store=StoredImages(folder))
        for _ in range(2):
            images = source.fetch([3, 0, 1, 2, 0])
            for i, image in zip([3, 0, 1, 2, 0], images, strict=True):
                np.testing.assert_array_equal(image, IMAGES[list(IMAGES)[i]])
        np.testing.assert_array_equal(source[2], images[3])
    assert sorted(decoded) == sorted(map(str, paths))
    again = pickle.loads(pickle.dumps(source))
    assert again.store is stored_arrays(folder, "pictures-2", 1 << 34)
    np.testing.assert_array_equal(again[2], images[3])


def test_a_file_that_moved_is_known(paths, folder, decoded, forget):
    CachedSource(as_image_source(paths[:1]), store=StoredImages(folder))[0]
    moved = paths[0].rename(paths[0].with_name("moved.png"))
    CachedSource(as_image_source([moved]), store=StoredImages(folder))[0]
    assert decoded == [str(paths[0])]


def test_a_file_that_changed_is_another(tmp_path, folder, forget):
    path, seen = tmp_path / "a.ppm", []
    for value in (3, 4):  # of the same name, size and time
        Image.fromarray(np.full((5, 6, 3), value, np.uint8)).save(path)
        os.utime(path, ns=(0, 0))
        forget()
        seen.append(CachedSource(as_image_source([path]), store=StoredImages(folder))[0].max())
    assert seen == [3, 4]


def test_a_file_that_changed_is_told_by_what_cannot_be_set(tmp_path):
    path, keys = tmp_path / "a.ppm", []
    for value in (3, 4):  # of the same name, size and time, in one process
        Image.fromarray(np.full((5, 6, 3), value, np.uint8)).save(path)
        os.utime(path, ns=(0, 0))
        source = as_image_source([path])
        keys.append((source.key(0), source.fingerprint(0)))
        time.sleep(0.05)  # longer than a tick of the file system's clock
    assert keys[0][0] != keys[1][0] and keys[0][1] != keys[1][1]


def test_a_file_that_changes_while_it_is_read_is_not_kept(paths, folder, monkeypatch):
    decode = FileSource.__getitem__

    def late(source, i):
        Image.fromarray(IMAGES[b"4x9"]).save(source.paths[i])
        return decode(source, i)

    monkeypatch.setattr(FileSource, "__getitem__", late)
    stored = StoredImages(folder)
    source = CachedSource(as_image_source(paths[:1]), store=stored)
    before = keys_by_content(source.source, [0])
    np.testing.assert_array_equal(source[0], IMAGES[b"4x9"])
    assert stored.find(before) == {}


def test_other_decoders_have_pictures_of_their_own(paths, folder, decoded, monkeypatch):
    for version in ("1", "2"):
        monkeypatch.setattr(_keys.PIL, "__version__", version)
        _keys._decoders.cache_clear()
        CachedSource(as_image_source(paths[:1]), store=StoredImages(folder))[0]
    _keys._decoders.cache_clear()
    assert len(decoded) == 2


class TestBound:
    @pytest.mark.parametrize(("n", "first"), [(48, 0), (49, 3), (60, 12)])
    def test_the_oldest_files_go_that_are_not_in_use(self, folder, n, first):
        for key, image in squares(n).items():  # three fit into each of the 16 files
            StoredImages(folder, max_bytes=16 * 3 * 432).add({key: image})
            assert sum(path.stat().st_size for path in pixel_files(folder)) <= 16 * 3 * 432
        kept = [int(key) for key in StoredImages(folder).find(squares(n))]
        assert kept == list(range(first, n)) and len(pixel_files(folder)) == 16

    def test_what_is_in_use_stays(self, folder):
        stored = StoredImages(folder, max_bytes=16 * 432)
        stored.add(squares(20))
        assert_knows(stored, squares(16))
        assert len(stored.find(squares(20))) == 16

    def test_what_is_there_need_not_make_room(self, folder):
        StoredImages(folder, max_bytes=16 * 432).add(squares(16))
        StoredImages(folder, max_bytes=16 * 432).add({b"new": IMAGES[b"4x9"]}, make_room=False)
        assert_knows(StoredImages(folder), squares(16))
        assert StoredImages(folder).find([b"new"]) == {}

    def test_what_is_too_large_is_not_kept(self, folder):
        StoredImages(folder, max_bytes=16 * 432 - 1).add(squares(1))
        assert StoredImages(folder).find(squares(1)) == {} and pixel_files(folder) == []


class TestDamage:
    def test_what_a_crash_left_is_written_over_or_removed(self, folder):
        StoredImages(folder).add(squares(2))
        (file,) = pixel_files(folder)
        with open(file, "ab") as opened:
            opened.write(b"half a picture")
        (folder / "pictures-2-77.bin").write_bytes(b"of a file that was never recorded")
        (folder / "mine.bin").touch()
        StoredImages(folder, max_bytes=16 * 4 * 432).add(squares(6))
        assert_knows(StoredImages(folder), squares(6))
        assert file.stat().st_size == 4 * 432
        assert len(pixel_files(folder)) == 2 and (folder / "mine.bin").exists()

    @pytest.mark.parametrize("size", [None, 0, 432])
    def test_what_is_missing_is_decoded_anew(self, folder, size):
        StoredImages(folder).add(squares(3))
        (file,) = pixel_files(folder)
        file.unlink() if size is None else os.truncate(file, size)
        stored = StoredImages(folder)
        assert sorted(stored.find(squares(3))) == ([b"0"] if size else [])
        stored.add(squares(4))
        assert_knows(StoredImages(folder), squares(4))

    @pytest.mark.parametrize(
        "change",
        [
            *("dtype = '|O'", "dtype = 'pixels'", "dtype = '2 2 3'"),
            *("shape = '7 x'", "shape = '-7 5 3'", "shape = NULL"),
        ],
    )
    def test_a_row_that_describes_no_picture_is_passed_over(self, folder, change):
        StoredImages(folder).add(IMAGES)
        with closing(sqlite3.connect(folder / "pictures-2.sqlite")) as db, db:
            db.execute(f"UPDATE arrays SET {change} WHERE key = ?", (b"7x5",))
        known = {key: image for key, image in IMAGES.items() if key != b"7x5"}
        assert StoredImages(folder).find(IMAGES).keys() == known.keys()
        StoredImages(folder).add(IMAGES)
        assert_knows(StoredImages(folder), IMAGES)

    @pytest.mark.parametrize(
        "change", ["shape = '105'", "shape = '0 0 3'", "shape = '5 3 7'", "dtype = '|i1'"]
    )
    def test_an_array_that_is_no_picture_is_decoded_anew(self, paths, folder, change):
        source = as_image_source(paths)
        CachedSource(source, store=StoredImages(folder)).fetch(range(len(paths)))
        with closing(sqlite3.connect(folder / "pictures-2.sqlite")) as db, db:
            db.execute(f"UPDATE arrays SET {change}")
        for _ in range(2):  # the second time they are known again
            stored = CachedSource(source, store=StoredImages(folder))
            fetched = stored.fetch(range(len(paths)))
            for image, expected in zip(fetched, IMAGES.values(), strict=True):
                np.testing.assert_array_equal(image, expected)
        with closing(sqlite3.connect(folder / "pictures-2.sqlite")) as db:
            shapes = {shape for (shape,) in db.execute("SELECT shape FROM arrays")}
        assert shapes == {" ".join(map(str, image.shape)) for image in IMAGES.values()}

    def test_the_folder_may_go(self, folder):
        stored = StoredImages(folder)
        for value in (1, 2):
            stored.add({b"a": np.full((2, 2, 3), value, np.uint8)})
            assert (stored.find([b"a"])[b"a"] == value).all()
            shutil.rmtree(folder)

    def test_a_full_disk_is_no_error(self, paths, folder, monkeypatch):
        def write(*args):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(_array_files.ArrayFiles, "write", write)
        source = CachedSource(as_image_source(paths), store=StoredImages(folder))
        with pytest.warns(UserWarning, match="No space left.*going on without keeping pictures"):
            np.testing.assert_array_equal(source[0], IMAGES[b"7x5"])

    def test_a_folder_for_reading(self, folder):
        """Nothing is known, and nothing made, where nobody has kept anything."""
        assert StoredImages(folder).find([b"a"]) == {} and not folder.exists()
        folder.mkdir()
        (folder / "pictures-2.sqlite").touch()  # by whoever is about to add the first
        assert StoredImages(folder).find([b"a"]) == {}
        assert (folder / "pictures-2.sqlite").stat().st_size == 0

    def test_a_damaged_database_says_so(self, folder):
        folder.mkdir()
        (folder / "pictures-2.sqlite").write_bytes(b"no database" * 100)
        with pytest.warns(UserWarning, match=r"pictures-2.sqlite.*can't be used .*delete the file"):
            assert StoredImages(folder).find([b"a"]) == {}

    def test_unreadable_files_are_named(self, tmp_path, folder):
        os.mkfifo(tmp_path / "pipe.png")  # which would be waited for
        for name, message in (("pipe.png", "no regular file"), ("empty.png", "empty")):
            if name == "empty.png":
                (tmp_path / name).touch()
            source = as_image_source([tmp_path / name])
            with pytest.raises(ValueError, match=f"{name}: .*{message}"):
                CachedSource(source, store=StoredImages(folder))[0]


HAMMER = textwrap.dedent(
    """
    import sys
    import numpy as np
    from sklift._store._folder_arrays import StoredArrays

    folder, me, n, max_bytes = sys.argv[1], *map(int, sys.argv[2:])
    rng = np.random.default_rng(me)

    def picture(key):  # what a key stands for is known, so that anything else would be seen
        rng = np.random.default_rng(key)
        return rng.integers(0, 256, (*rng.integers(5, 60, 2), 3), dtype=np.uint8)

    n_found = 0
    for i in range(n):
        if i % 20 == 0:  # opened anew, as a new process would
            stored = StoredArrays(folder, "pictures-2", max_bytes)
        stored.add({str(k).encode(): picture(k) for k in rng.integers(0, 300, 8)})
        found = stored.find([str(k).encode() for k in rng.integers(0, 300, 20)])
        n_found += len(found)
        for key, image in found.items():
            np.testing.assert_array_equal(image, picture(int(key)))
    print(n_found)
    """
)


def hammer(folder, me: int, n: int, max_bytes: int = 1 << 30) -> subprocess.Popen:
    command = [sys.executable, "-c", HAMMER, str(folder), str(me), str(n), str(max_bytes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
class TestProcesses:
    @pytest.mark.parametrize("max_bytes", [1 << 30, 500_000], ids=["roomy", "tight"])
    def test_several_write_at_once(self, folder, max_bytes):
        processes = [hammer(folder, me, 60, max_bytes) for me in range(3)]
        outputs = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0] * 3, outputs
        assert all(int(out) > 300 for out, _ in outputs)
        assert 100_000 < sum(path.stat().st_size for path in pixel_files(folder)) <= max_bytes

    def test_writers_that_are_killed_leave_the_rest_whole(self, folder):
        for me in range(5):
            process = hammer(folder, me, 10**6, 500_000)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not pixel_files(folder):
                time.sleep(0.01)
            time.sleep(0.05 * me)
            assert pixel_files(folder)
            assert process.poll() is None, process.communicate()
            process.kill()
            process.communicate()
        process = hammer(folder, 9, 20, 500_000)
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0 and int(out) > 0, error


def test_a_fit_that_keeps_pictures_in_a_folder(quick, shapes, tmp_path, folder, decoded, forget):
    paths = [str(tmp_path / f"{i}.png") for i in range(len(shapes[0]))]
    for path, image in zip(paths, shapes[0], strict=True):
        Image.fromarray(image).save(path)
    expected = quick(compute__cache=False).fit(paths, shapes[1]).predict_proba(paths)
    decoded.clear()
    for _ in range(2):
        clf = quick(compute__cache=str(folder)).fit(paths, shapes[1])
        np.testing.assert_array_equal(clf.predict_proba(paths), expected)
        _folder_arrays.stored_arrays.cache_clear()
        _cache._of_folder.cache_clear()
        forget()
    with open(paths[3], "r+b") as file:
        file.truncate(60)  # past the header
    skipping = quick(compute__cache=str(folder), reader__on_error="skip")
    with pytest.warns(UserWarning, match="1 of 24 pictures in X can't be read"):
        skipping.fit(paths, shapes[1])
    assert sorted(set(decoded)) == sorted(paths) and decoded.count(paths[0]) == 1
