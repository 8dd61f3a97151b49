from __future__ import annotations

import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from sklift.datasets import load_cifar_lt
from sklift.datasets._long_tailed import draw, profile

FINE = [f"class_{i:02d}" for i in range(10)]
SITE = r"https://www\.cs\.toronto\.edu/~kriz/cifar\.html"


def batch(n, seed, labels="fine_labels"):
    rng = np.random.default_rng(seed)
    return {
        b"data": rng.integers(0, 256, (n, 3072), dtype=np.uint8),
        labels.encode(): rng.permutation(np.arange(n) % 10).tolist(),
        b"filenames": [b"a.png"] * n,
    }


def members(name):
    if name == "cifar100":
        meta = {"fine_label_names": FINE, "coarse_label_names": ["a"]}
        files = {"train": batch(200, 0), "test": batch(40, 1), "meta": meta}
        return {f"cifar-100-python/{k}": v for k, v in files.items()}
    files = {f"data_batch_{i}": batch(40, i, "labels") for i in range(1, 6)}
    files |= {
        "test_batch": batch(40, 6, "labels"),
        "batches.meta": {"label_names": [name.encode() for name in FINE]},
    }
    return {f"cifar-10-batches-py/{k}": v for k, v in files.items()}


def write(path, files, protocol=2):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            text = content if isinstance(content, bytes) else pickle.dumps(content, protocol)
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("data")
    write(home / "cifar-100-python.tar.gz", members("cifar100"))
    write(home / "cifar-10-python.tar.gz", members("cifar10"))
    return home


@pytest.mark.parametrize("name", ["cifar100", "cifar10"])
def test_rows_become_pictures_with_channels_last(home, name):
    parts = [v for k, v in members(name).items() if "train" in k or "data_batch" in k]
    rows = np.concatenate([part[b"data"] for part in parts])
    data = load_cifar_lt(name, 4, path=home)
    assert data.images.shape == (len(data.indices), 32, 32, 3)
    assert data.images.dtype == np.uint8 and data.images.flags.c_contiguous
    for image, i in zip(data.images[:5], data.indices[:5], strict=True):
        assert image[3, 7].tolist() == rows[i][[3 * 32 + 7, 1024 + 103, 2048 + 103]].tolist()


@pytest.mark.parametrize(("name", "labels"), [("cifar100", "fine_labels"), ("cifar10", "labels")])
def test_counts_and_draw_follow_the_rule(home, name, labels):
    codes = np.concatenate(
        [v[labels.encode()] for k, v in members(name).items() if "train" in k or "data_batch" in k]
    )
    data = load_cifar_lt(name, 4, path=home)
    counts = [int(20 * 0.25 ** (c / 9)) for c in range(10)]
    assert data.class_counts.tolist() == counts
    assert data.target_names.tolist() == FINE
    assert data.target.tolist() == np.repeat(FINE, counts).tolist()
    rows = draw(codes, profile(10, 20, 4), np.random.RandomState(0))
    np.testing.assert_array_equal(data.indices, rows)
    np.testing.assert_array_equal(data.target, np.array(FINE)[codes[rows]])
    other = load_cifar_lt(name, 4, path=home, random_state=1)
    assert other.class_counts.tolist() == counts and set(other.indices) != set(rows)


def test_the_test_images_are_all_there_in_their_order(home):
    data = load_cifar_lt(subset="test", path=home)
    assert data.class_counts.tolist() == [4] * 10
    assert data.indices.tolist() == list(range(40))
    expected = batch(40, 1)[b"fine_labels"]
    assert data.target.tolist() == [FINE[code] for code in expected]
    assert "CIFAR-100, test images" in data.DESCR and "40 colour pictures" in data.DESCR


def test_archive_unpacked_folder_and_default_place_are_equal(home, tmp_path, monkeypatch):
    expected = load_cifar_lt(path=home / "cifar-100-python.tar.gz", imbalance_ratio=5)
    with tarfile.open(home / "cifar-100-python.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    monkeypatch.setenv("SKLIFT_DATA", str(home))
    for path in (home, str(tmp_path), tmp_path / "cifar-100-python", None):
        X, y = load_cifar_lt(path=path, imbalance_ratio=5, return_X_y=True)
        np.testing.assert_array_equal(X, expected.images)
        np.testing.assert_array_equal(y, expected.target)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol(tmp_path, home, protocol):
    path = write(tmp_path / "any.tar.gz", members("cifar100"), protocol)
    np.testing.assert_array_equal(load_cifar_lt(path=path).images, load_cifar_lt(path=home).images)


def test_a_pickle_of_python_2_with_latin1_bytes(tmp_path, home):
    # What Python 2 wrote for b"..." is a short string opcode, which Python 3 reads as text.
    files = dict(members("cifar100"))
    values = batch(40, 1)[b"data"][:3]
    files["cifar-100-python/test"] = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b"
        b"\x87R(K\x01K\x03M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff"
        b"\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x24\x00\x00" + values.tobytes() + b"tb"
        b"U\x0bfine_labels](K\x02K\x00K\x01eu."
    )
    data = load_cifar_lt(path=write(tmp_path / "old.tar.gz", files), subset="test")
    expected = values.reshape(3, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(data.images, expected)
    assert data.target.tolist() == ["class_02", "class_00", "class_01"]
    assert len(load_cifar_lt(path=home).images) == len(
        load_cifar_lt(path=tmp_path / "old.tar.gz").images
    )


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("where", ["train", "meta"])
def test_nothing_that_a_pickle_names_is_run(tmp_path, where):
    files = members("cifar100")
    files[f"cifar-100-python/{where}"] |= {"extra": Touch(tmp_path / "touched")}
    path = write(tmp_path / "bad.tar.gz", files)
    with pytest.raises(ValueError, match=r"bad\.tar\.gz can't be read .* it asks for (_?io)\.open"):
        load_cifar_lt(path=path)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": np.array([object], dtype=object)}, r"asks for \w+\.object"),
        ({"data": np.zeros(3)}, "arrays of integers are expected, not of float64"),
        ([1, 2], "a dictionary is expected, not list"),
        (b"\x80\x02}", "exhausted before seeing STOP"),
        ({"fine_labels": [0]}, "'data'"),
        (batch(3, 0) | {b"data": np.zeros((2, 3072), np.uint8)}, "3072 bytes for each label"),
        (batch(3, 0) | {b"data": np.zeros((3, 3072), np.uint16)}, "3072 bytes for each label"),
        (batch(2, 0) | {b"fine_labels": [0, 10]}, "no list of numbers below 10"),
        (batch(2, 0) | {b"fine_labels": [[0], 1]}, "no list of numbers below 10"),
    ],
)
def test_what_is_no_batch_is_refused(tmp_path, content, message):
    files = members("cifar100") | {"cifar-100-python/train": content}
    with pytest.raises(ValueError, match=f"can't be read as CIFAR-100: .*({message})"):
        load_cifar_lt(path=write(tmp_path / "bad.tar.gz", files))


@pytest.mark.parametrize("names", [None, [3], [["a"]], ["a", "b" * 5000]])
def test_class_names_are_short_texts(tmp_path, names):
    files = members("cifar100") | {"cifar-100-python/meta": {"fine_label_names": names}}
    with pytest.raises(ValueError, match="can't be read as CIFAR-100: its class names are no"):
        load_cifar_lt(path=write(tmp_path / "bad.tar.gz", files))


def test_an_array_of_raw_memory_is_never_made(tmp_path):
    # numpy.ndarray((1,), "O", buffer) would take bytes for the address of an object.
    text = b"\x80\x03}X\x04\x00\x00\x00datacnumpy\nndarray\n("
    text += b"K\x01\x85X\x01\x00\x00\x00OC\x08AAAAAAAAtRs."
    files = members("cifar100") | {"cifar-100-python/train": text}
    with pytest.raises(ValueError, match="can't be read as CIFAR-100"):
        load_cifar_lt(path=write(tmp_path / "bad.tar.gz", files))


def test_a_missing_archive_is_named_with_its_origin(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"no cifar-100-python\.tar\.gz .*{SITE}"):
        load_cifar_lt(path=tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"no cifar-10-python\.tar\.gz and no folder cifar-"
    ):
        load_cifar_lt("cifar10", path=tmp_path / "gone")


def test_the_other_archive_and_a_damaged_one_are_refused(home, tmp_path):
    with pytest.raises(ValueError, match=r"can't be read as CIFAR-100: .*cifar-100-python/meta"):
        load_cifar_lt(path=home / "cifar-10-python.tar.gz")
    shutil.copy(home / "cifar-100-python.tar.gz", tmp_path)
    whole = tmp_path / "cifar-100-python.tar.gz"
    whole.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"python\.tar\.gz can't be read as CIFAR-100"):
        load_cifar_lt(path=tmp_path)


def test_wrong_arguments(home):
    with pytest.raises(ValueError, match="name must be 'cifar100' or 'cifar10'; got 'mnist'"):
        load_cifar_lt("mnist", path=home)
    with pytest.raises(ValueError, match="subset must be 'train' or 'test'; got 'val'"):
        load_cifar_lt(subset="val", path=home)
    with pytest.raises(ValueError, match=r"imbalance_ratio must be .* at least 1; got 0\.01"):
        load_cifar_lt("cifar100", 0.01, path=home)
