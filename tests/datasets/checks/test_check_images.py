"""check_images: each planted fault is found once, and clean pictures have none."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sklift.datasets import check_images, load_emoji

RNG = np.random.default_rng(0)


def photograph(side=160):
    """Something of the statistics of a photograph: coarse forms, edges and noise."""
    grey = RNG.integers(30, 225, (9, 9, 1)) + RNG.integers(-30, 30, (9, 9, 3))
    coarse = Image.fromarray(grey.astype(np.uint8))
    image = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).astype(float)
    rows, columns = np.mgrid[:side, :side]
    for _ in range(6):
        top, left, radius = RNG.integers(10, side - 10, 3) // [1, 1, 6]
        image[(rows - top) ** 2 + (columns - left) ** 2 < radius**2] += RNG.uniform(-90, 90)
    return (image + RNG.normal(0, 6, (side, side, 1))).clip(0, 255).astype(np.uint8)


PHOTOGRAPHS = [photograph() for _ in range(20)]
LABELS = np.repeat(["ant", "bee"], 10)


def saved_again(image, quality=40, size=None):
    picture = Image.fromarray(image)
    file = io.BytesIO()
    (picture if size is None else picture.resize((size, size))).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def told(X, y=LABELS, **arguments):
    """The pictures of each fault, by kind."""
    table = check_images(X, y, **arguments)
    found = {}
    for kind, fault, index in zip(
        *(table[k].tolist() for k in ("kind", "fault", "index")), strict=True
    ):
        found.setdefault(kind, {}).setdefault(fault, []).append(index)
    return {kind: list(faults.values()) for kind, faults in found.items()}


def test_photographs_and_drawings_without_faults_have_none():
    assert told(PHOTOGRAPHS) == {}
    emoji = load_emoji("test")
    some = np.flatnonzero(np.isin(emoji.target, ["time", "animal-mammal", "face-smiling"]))
    assert len(some) > 40  # clocks differ by their hands alone
    assert told(emoji.images[some], emoji.target[some]) == {}


def blurred(x):
    return np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(5)))


def mask(x):
    return np.where(x[..., :1] > 128, np.uint8(255), np.uint8(0)).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("change", "kind", "where"),
    [
        (blurred, "blurred", "others are sharp"),
        (mask, "masks among photographs", "others are photographs"),
        (lambda x: x // 8, "dark", "anywhere"),
        (lambda x: 220 + x // 8, "bright", "anywhere"),
        (lambda x: 100 + x // 12, "low in contrast", "anywhere"),
        (lambda x: np.full_like(x, 90), "blank", "anywhere"),
        (lambda x: x[:30], "tiny", "anywhere"),
    ],
)
@pytest.mark.filterwarnings("ignore:Pictures in X come in 8 bits")
def test_faults_of_single_pictures(change, kind, where):
    X = list(PHOTOGRAPHS)
    X[7] = change(photograph())
    assert told(X) == {kind: [[7]]}
    everywhere = told([change(x) for x in PHOTOGRAPHS[:6]], None)
    assert list(everywhere) == ([kind] if where == "anywhere" else [])


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("place", "split", "kind"),
    [
        (15, None, "{} picture in several classes"),
        (5, None, "{}copies within a class"),
        (5, ["train"] * 5 + ["test"] * 15, "{} picture in several parts of the split"),
    ],
)
def test_copies_and_pictures_that_were_saved_again(place, split, kind, exact):
    X = list(PHOTOGRAPHS)
    X[place] = X[2] if exact else saved_again(X[2])
    words = ("", "near-") if "within" in kind else ("the same", "nearly the same")
    assert told(X, split=split) == {kind.format(words[not exact]): [[2, place]]}


def test_the_same_pixels_in_another_encoding_are_copies(tmp_path):
    names = ["0.jpg", "1.bmp", *(f"{i}.png" for i in range(2, 6))]
    X = [str(tmp_path / name) for name in names]
    large = Image.fromarray(photograph(460))  # read at half its size where it is a JPEG
    large.save(X[0], quality=80)
    with Image.open(X[0]) as decoded:
        decoded.save(X[1])
    for path, image in zip(X[2:], PHOTOGRAPHS, strict=False):
        Image.fromarray(image).save(path)
    y, split = ["ant", "bee"] * 3, ["train", "test"] * 3
    assert told(X, y) == {"the same picture in several classes": [[0, 1]]}
    assert told(X, None, split=split) == {
        "the same picture in several parts of the split": [[0, 1]]
    }
    large.save(X[5], format="JPEG", quality=60)  # a near-copy of both is told of the first
    assert told(X, None) == {
        "copies within a class": [[0, 1]],
        "near-copies within a class": [[0, 5]],
    }


def test_other_copies():
    X = list(PHOTOGRAPHS)
    X[3] = saved_again(X[2], 85, size=75)
    X[14] = saved_again((X[12] * 0.9).astype(np.uint8))  # darker
    X[15] = saved_again(X[12], 60)
    shifted = np.roll(X[6], 12, axis=1)  # another picture of the same thing
    X[7] = shifted
    assert told(X) == {
        "smaller copies of other pictures": [[2, 3]],
        "near-copies within a class": [[12, 14, 15]],
    }


def test_a_change_of_one_colour_or_of_a_small_part_is_no_copy():
    X = list(PHOTOGRAPHS)
    X[3] = X[2].copy()
    X[3][60:84, 60:84, 0] ^= 128
    X[9] = X[8].copy()
    X[9][40:50, 40:50] = X[9][40:50, 40:50] // 2 + 64 + 60 * (X[9][45, 45].mean() < 128)
    X[5] = X[4].copy()
    X[5][..., 2] = X[5][::-1, :, 2] // 2 + X[5][..., 2] // 2
    assert told(X) == {}


def test_a_copy_elsewhere_is_not_hidden_by_many_beside_it():
    X = [*PHOTOGRAPHS, *(saved_again(PHOTOGRAPHS[2], q) for q in range(70, 90))]
    y = [*LABELS, *["ant"] * 19, "bee"]
    [group] = told(X, y)["nearly the same picture in several classes"]
    assert group == [2, *range(20, 40)]


def products(n, side=96):
    """Pictures of one thing under one camera: it is turned and lit a little differently in each."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    pictures = []
    for _ in range(n):
        turned = rng.normal(0, 0.02)
        left, top = rng.normal(0, 0.004, 2)
        x = columns * np.cos(turned) + rows * np.sin(turned) - left
        y = rows * np.cos(turned) - columns * np.sin(turned) - top
        thing = (np.abs(x) < 0.4) & (np.abs(y) < 0.1 + 0.03 * np.sin(60 * x))
        light = 1 + rng.normal(0, 0.02) + 0.1 * rng.normal() * x
        grey = np.where(thing, 80, 200) * light + rng.normal(0, 3, x.shape)
        pictures.append(grey[..., None].repeat(3, axis=2).clip(0, 255).astype(np.uint8))
    return pictures


def test_pictures_of_one_product_are_no_near_copies_but_one_saved_again_is():
    X = products(40)
    y = ["good", "bad"] * 20
    assert told(X, y) == {}
    X += [saved_again(X[3], 40), saved_again(X[4], 30, size=60), saved_again(X[7], 25)]
    assert told(X, [*y, "bad", "good", "good"]) == {
        "nearly the same picture in several classes": [[7, 42]],
        "near-copies within a class": [[3, 40], [4, 41]],
    }


@pytest.fixture
def files(tmp_path):
    """Photographs taken a minute apart, of which each second one is of the moment before."""

    def write(seconds, *, named="IMG_{:04}.jpg", camera="A 1", shift=2):
        paths = []
        for i, image in enumerate(PHOTOGRAPHS[:8]):
            tags = Image.Exif()
            tags[0x0110] = camera if isinstance(camera, str) else camera[i % 2]
            time = f"2024:05:01 10:{i // 2:02}:{i % 2 * seconds if seconds else 0:02}"
            tags.get_ifd(0x8769)[0x9003] = time
            before = np.roll(PHOTOGRAPHS[i - i % 2], i % 2 * shift, axis=1)
            path = tmp_path / ("train" if i % 2 == 0 else "test") / named.format(i)
            path.parent.mkdir(exist_ok=True)
            image = Image.fromarray(before if i < 6 else image)
            image.save(path, quality=90, **({"exif": tags} if seconds else {}))
            paths.append(str(path))
        return paths

    return write


SPLIT = ["train", "test"] * 4
BURSTS = {"bursts in several parts of the split": [[0, 1], [2, 3], [4, 5]]}


def test_bursts_that_a_split_tears_apart_by_their_times(files):
    paths = files(4, named="{:04}9.jpg")
    table = check_images(paths, split=SPLIT)
    assert table["index"].tolist() == [0, 1, 2, 3, 4, 5] and table["fault"][1] == 0
    assert set(table["kind"].tolist()) == set(BURSTS)
    assert table["detail"].tolist()[:2] == ["0 s", "4 s"]
    assert table["part"].tolist()[:2] == ["train", "test"]
    assert told(paths, None, split=["train"] * 8) == {}
    assert told(files(40, named="{:04}9.jpg"), None, split=SPLIT) == {}
    assert told(files(4, named="{:04}9.jpg", camera=("A", "B")), None, split=SPLIT) == {}


def test_bursts_that_a_split_tears_apart_by_their_names(files):
    assert told(files(0), None, split=SPLIT) == BURSTS
    assert told(files(0, named="{:04}9.jpg"), None, split=SPLIT) == {}  # numbers are far apart
    assert told(files(0, named="{0:x<{0}}1.jpg"), None, split=SPLIT) == {}  # other names


def test_a_copy_is_no_burst_too(files):
    found = told(files(4, shift=0), None, split=SPLIT)
    assert found == {"the same picture in several parts of the split": [[0, 1], [2, 3], [4, 5]]}


def test_names_say_nothing_where_all_pictures_are_alike(files):
    paths = files(0)
    for i, path in enumerate(paths):
        Image.fromarray(np.roll(PHOTOGRAPHS[0], 2 * i, axis=1)).save(path)
    assert told(paths, None, split=SPLIT) == {}


def test_groups_and_names():
    y = ["cat", "foxes", "Cat"] * 6 + ["lynx", "fox"]
    table = check_images(
        PHOTOGRAPHS, y, groups=np.arange(20) // 4, split=["train"] * 10 + ["test"] * 10
    )
    rows = list(zip(*(table[k].tolist() for k in ("severity", "kind", "detail")), strict=True))
    assert rows == [
        ("warning", "groups in several parts of the split", "2: test, train"),
        ("warning", "class names that look alike", "'Cat' = 'cat'"),
        ("warning", "classes of one picture", "fox"),
        ("warning", "classes of one picture", "lynx"),
        ("note", "class names in singular and plural", "'fox' = 'foxes'"),
    ]
    assert set(table["index"].tolist()) == {-1}


@pytest.mark.parametrize("missing", [None, np.nan, ""])
def test_pictures_without_a_group_are_no_group(missing):
    table = check_images(PHOTOGRAPHS, LABELS, groups=[missing] * 20, split=["train", "test"] * 10)
    assert "groups in several parts of the split" not in table["kind"].tolist()


def test_unreadable_files_and_a_table_of_pandas(tmp_path):
    paths = [str(tmp_path / f"{i}.png") for i in range(3)]
    Image.fromarray(PHOTOGRAPHS[0]).save(paths[0])
    (tmp_path / "1.png").write_bytes(b"no picture")
    table = check_images(paths, ["a", "a", "a"], output="dataframe")
    assert table["picture"].tolist() == paths[1:] and set(table["severity"]) == {"error"}
    assert table["detail"].tolist() == ["no picture that Pillow reads", "there is no such file"]


class Pictures:
    """A data set that remembers who asks."""

    def __init__(self):
        self.askers = set()

    def __len__(self):
        return 20

    def __getitem__(self, i):
        self.askers.add(threading.get_ident())
        return Image.fromarray(PHOTOGRAPHS[i if i != 3 else 2]), int(LABELS[i] == "bee")


def test_a_data_set_brings_its_labels_and_is_asked_by_one_thread():
    X = Pictures()
    table = check_images(X)
    assert table["picture"].tolist() == ["X[2]", "X[3]"] and table["label"].tolist() == ["0", "0"]
    assert len(X.askers) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"least": 0}, "least must be an int of at least 1, got 0"),
        ({"output": "csv"}, "output must be one of"),
        ({"features": np.zeros(20)}, "features must have a row of numbers for each picture"),
        ({"features": np.zeros((20, 2)), "y": None}, "give y, or leave them out"),
        ({"split": ["train"]}, "inconsistent numbers of samples"),
        ({"split": ["train"] * 19 + [None]}, r"split has no part for X\[19\], None: leave"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_images(PHOTOGRAPHS, **{"y": LABELS, **arguments})
