from __future__ import annotations

import codecs
import warnings
from pathlib import Path

import pytest
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold

from sklift.datasets import load_image_csv

NAMES = ("a/1.png", "a/2, small.png", "b/1.png")
ROWS = (
    ("path", "label", "split", "site"),
    (NAMES[0], "fox", "train", "7"),
    (f'"{NAMES[1]}"', "fox", "test", "8"),
    (NAMES[2], "lynx", "train", "9"),
)
TABLE = "".join(",".join(row) + "\n" for row in ROWS)


@pytest.fixture
def root(tmp_path):
    for name in NAMES:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5)).save(path)
    return tmp_path / "photos"


def load(root, table, **kwargs):
    file = root.parent / "table.csv"
    file.write_bytes(table if isinstance(table, bytes) else table.encode())
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load_image_csv(file, root, **kwargs)
    assert all(w.filename == __file__ for w in record)
    return found, [str(w.message) for w in record]


def test_columns_by_name(root):
    photos, messages = load(root, TABLE, group="site")
    assert photos.data.tolist() == photos.filenames.tolist() == [str(root / n) for n in NAMES]
    assert photos.target.tolist() == ["fox", "fox", "lynx"]
    assert photos.target_names.tolist() == ["fox", "lynx"] and photos.class_counts.tolist() == [
        2,
        1,
    ]
    assert photos.split.tolist() == ["train", "test", "train"]
    assert photos.groups.tolist() == ["7", "8", "9"]
    assert photos.left_out == {} and messages == []
    assert photos.DESCR.startswith("3 pictures of 2 classes listed in ") and ".csv" in photos.DESCR
    assert set(photos) == set(load(root, TABLE)[0])
    (X, y), (message,) = load(root, TABLE, return_X_y=True)
    assert X.tolist() == photos.data.tolist() and y.tolist() == photos.target.tolist()
    assert "test, train come together" in message


def test_root_is_the_folder_of_the_table_by_default(root):
    (root / "t.csv").write_text(TABLE, encoding="utf-8")
    assert load_image_csv(root / "t.csv").data[0] == str(root / NAMES[0])


@pytest.mark.parametrize(
    "encoded",
    [
        codecs.BOM_UTF8 + TABLE.encode(),
        TABLE.encode("utf-16"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        "\n".join(";".join(row) for row in ROWS).encode(),
        "\n".join("\t".join(row) for row in ROWS).encode(),
        b"sep=,\r\n" + TABLE.encode(),
        TABLE.replace("fox", " fox ").replace("path,", " path ,").encode(),
        TABLE.replace("a/1.png", "a\\1.png").encode(),
        TABLE.replace("a/1.png", ".\\b\\..\\a\\1.png").encode(),
        TABLE.replace("\nb/", "\n,,,\n\nb/").encode(),
    ],
    ids=["BOM", "UTF-16", "CRLF", "CR", ";", "tabs", "sep=", "blanks", "\\", "\\..", "empty rows"],
)  # fmt: skip
def test_tables_of_any_origin(root, encoded):
    photos, messages = load(root, encoded)
    assert photos.data.tolist() == [str(root / name) for name in NAMES]
    assert photos.target.tolist() == ["fox", "fox", "lynx"] and messages == []
    assert photos.split.tolist() == ["train", "test", "train"]


@pytest.mark.parametrize("path", ["../secret.png", "b/../../secret.png", "..\\secret.png", "{}"])
def test_paths_that_lead_elsewhere_are_refused(root, path):
    secret = root.parent / "secret.png"
    Image.new("RGB", (6, 5)).save(secret)
    with pytest.raises(ValueError, match=r"table\.csv, row 2: .* is not below .*photos: give a"):
        load(root, f"path,label\n{NAMES[0]},fox\n{path.format(secret)},lynx")


def test_a_path_below_the_root_may_be_absolute(root):
    photos, _ = load(root, f"path,label\n{root / NAMES[0]},fox\n{NAMES[2]},lynx")
    assert photos.data.tolist() == [str(root / NAMES[0]), str(root / NAMES[2])]


def test_a_list_may_leave_out_endings_and_folders(root):
    Image.new("RGB", (6, 5)).save(root / "b" / "ISIC_1.v2.jpg")
    photos, _ = load(root, "path,label\nISIC_1.v2,fox\na/1,fox\nb/1,lynx\n")
    assert [Path(p).relative_to(root).as_posix() for p in photos.data] == [
        "b/ISIC_1.v2.jpg",
        "a/1.png",
        "b/1.png",
    ]
    photos, (message,) = load(root, "path,label\n1.png,fox\nc/1.png,fox\nISIC_1.v2,lynx\n")
    assert photos.target.tolist() == ["lynx"]
    assert sorted(photos.left_out.values()) == [
        "no file",  # of another folder
        f"several files of that name: {Path('a/1.png')}, {Path('b/1.png')}",
    ]
    assert "1 with several files of that name, 1 with no file" in message


def test_what_is_left_out_is_told_with_the_reason(root):
    rows = [
        "a/1.png,fox,train",
        "a/1.png,fox,train",  # again
        "gone.png,fox,train",
        '"a/2, small.png",,train',
        "b/1.png,fox,train",
        "b/1.png,lynx,train",
        ",fox,train",
        ".,fox,train",  # a folder
    ]
    photos, (message,) = load(root, "\n".join(["path,label,split", *rows]))
    assert photos.data.tolist() == [str(root / "a/1.png")]
    assert {Path(path).name: why for path, why in photos.left_out.items()} == {
        "gone.png": "no file",
        "photos": "no file",
        "2, small.png": "no label",
        "1.png": "several labels: fox, lynx",
        "table.csv, row 7": "no path",
    }
    for part in ("2 with no file", "1 with no label", "1 with several labels", "1 with no path"):
        assert part in message


def test_a_picture_in_several_parts_is_in_none(root):
    photos, _ = load(
        root, "path,label,split\na/1.png,fox,train\na/1.png,fox,test\nb/1.png,fox,test"
    )
    assert list(photos.left_out.values()) == ["several parts of the split: test, train"]
    photos, _ = load(root, "path,label,split\na/1.png,fox,\nb/1.png,fox,test")
    assert photos.split.tolist() == ["test"]
    assert list(photos.left_out.values()) == ["no part of the split"]


@pytest.mark.parametrize("missing", ["", "NA", "nan", "N/A", "<NA>", "NULL", "#N/A", "-nan"])
def test_a_missing_label_is_no_class(root, missing):
    photos, _ = load(root, f"path,label\na/1.png,fox\nb/1.png,{missing}\n")
    assert photos.target.tolist() == ["fox"] and list(photos.left_out.values()) == ["no label"]


def test_a_path_in_two_spellings_is_one_picture(root):
    photos, _ = load(root, "path,label\na/1.png,fox\n./a/1.png,owl\na//1.png,fox\nb/1.png,owl\n")
    assert photos.target.tolist() == ["owl"]
    assert photos.left_out == {str(root / "a" / "1.png"): "several labels: fox, owl"}
    with pytest.raises(FileNotFoundError, match="addresses are to be given as X"):
        load(root, "path,label\nhttps://example.org/1.png,fox\n")


def test_labels_stay_text_and_none_is_a_word(root):
    photos, _ = load(root, "path,label\na/1.png,007\nb/1.png,None\n")
    assert photos.target.tolist() == ["007", "None"]


def test_a_split_that_tears_groups_apart_is_told(root):
    torn = TABLE.replace(",8\n", ",7\n").replace("train,7", "Training,7")
    _, (message,) = load(root, torn, group="site")
    assert "1 of 2 groups ('7') have pictures in several of test, train" in message
    whole, messages = load(root, torn.replace("test", "train_set"), group="site")
    assert whole.split.tolist() == ["Training", "train_set", "train"] and messages == []


def test_groups_serve_splitters_and_a_picture_without_one_is_alone(root):
    photos, _ = load(root, TABLE.replace(",8\n", ",\n").replace(",7\n", ",\n"), group="site")
    assert photos.groups.tolist() == [str(root / NAMES[0]), str(root / NAMES[1]), "9"]
    folds = list(StratifiedGroupKFold(2).split(photos.data, photos.target, photos.groups))
    assert sum(len(test) for _, test in folds) == 3
    for none in ("nan", "None", "<NA>"):
        same = TABLE.replace(",8\n", f",{none}\n").replace(",7\n", f",{none}\n")
        assert load(root, same, group="site")[0].groups.tolist() == photos.groups.tolist()
    assert load(root, TABLE.replace("site", "group"))[0].groups.tolist() == ["7", "8", "9"]


def test_pictures_to_predict_have_no_label(root):
    photos, _ = load(root, f"file\n{NAMES[0]}\n{NAMES[2]}\n", path="file", label=None)
    assert photos.target is photos.target_names is photos.class_counts is None
    assert len(photos.data) == 2 and photos.DESCR.startswith("2 pictures listed")


@pytest.mark.parametrize(
    ("table", "kwargs", "message"),
    [
        (TABLE, {"label": "kind"}, r"label='kind' is no column of .*; it has path, label, split,"),
        (TABLE, {"path": "file"}, "path='file' is no column"),
        (TABLE, {"group": "patient"}, "group='patient' is no column"),
        (TABLE, {"split": "part"}, "split='part' is no column"),
        ("path,label\na/1.png\n", {}, "line 2 has 1 value, for 2 columns: path, label"),
        ("path,label,label\na/1.png,a,b\n", {}, "has several columns 'label'"),
        ("path,label\n", {}, "lists no pictures"),
        ("", {}, "lists no pictures"),
        ('path,label\n"a/1.png,fox\n', {}, r"table\.csv, line 2: "),
        ("path,label\nfüchse.png,fox".encode("latin-1"), {}, "line 2 is not UTF-8"),
        ("path,label\na/1.png,\n", {}, "no picture of .* is left: .* with no label"),
    ],
)
def test_a_wrong_table_is_named(root, table, kwargs, message):
    with pytest.raises(ValueError, match=message):
        load(root, table, **kwargs)


def test_missing_table_root_and_pictures(root):
    with pytest.raises(FileNotFoundError, match=r"there is no list .*gone\.csv"):
        load_image_csv(root / "gone.csv")
    with pytest.raises(FileNotFoundError, match=r"folder of the pictures; there is no .*gone$"):
        load(root / "gone", TABLE)
    (root / "empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"none of the 3 pictures .* is below .*: root must"
    ):
        load(root / "empty", TABLE)
