"""Labels that come with pictures."""

from __future__ import annotations

import warnings
from enum import Enum

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset

from sklift import LiftClassifier
from sklift.images import ImageSequence
from sklift.images._as_source import as_image_source

PICTURE = np.zeros((6, 5, 3), np.uint8)


class Data:
    """Pictures with a label each, and the lists that data sets have beside them."""

    def __init__(self, own, **attributes):
        self.own, self.read = own, []
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self.own)

    def __getitem__(self, i):
        self.read.append(int(i))
        return PICTURE, self.own[i]


def labels_of(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return as_image_source(X).labels.tolist()


@pytest.mark.parametrize("name", ["targets", "labels"])
@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_a_list_that_agrees_spares_reading(name, kind):
    own = [k % 3 for k in range(300)]
    dataset = Data(own, **{name: kind(own)})
    assert labels_of(dataset) == own
    assert len(dataset.read) < 40
    assert labels_of(Subset(dataset, [5, 0])) == [2, 0]
    assert labels_of(ImageSequence(dataset)[[1, 3]][::-1]) == [0, 1]


@pytest.mark.parametrize(
    ("own", "listed", "said"),
    [
        ([0, 1, 1, 0], [0, 1, 2, 0], "has 2 for item 2, whose own label is 1"),
        ([10, 11, 12], [0, 1, 2], "has 0 for item 0, whose own label is 10"),
        (["cold", "warm"], [0, 1], "has 0 for item 0, whose own label is 'cold'"),
        ([5, 7], ["x", "y"], "has 'x' for item 0, whose own label is 5"),
        ([0] * 500 + [1], [0] * 500 + [2], "has 2 for item 500"),
        ([k // 2 for k in range(90)], list(range(90)), "for item"),
    ],
)
def test_items_that_say_otherwise_win_with_a_warning(own, listed, said):
    for dataset in (Data(own, targets=listed), Subset(Data(own, targets=listed), range(len(own)))):
        with pytest.warns(UserWarning, match=said):
            assert as_image_source(dataset).labels.tolist() == own


@pytest.mark.parametrize("settings", [{}, {"reader__on_error": "skip"}], ids=["raise", "skip"])
def test_a_single_item_that_says_otherwise_is_found_where_it_is_read(settings):
    listed = [0, 1, 2] * 30
    own = list(listed)
    own[46] = 0
    data = Data(own, targets=listed)
    labels_of(data)
    assert 46 not in data.read
    clf = LiftClassifier("emoji-tiny", max_epochs=1, init="class_mean", **settings)
    with pytest.raises(ValueError, match=r"item 46 .* label 0, and 1 in the list of labels.* as y"):
        clf.fit(data)
    assert clf.fit(data, own).class_counts_.tolist() == [31, 29, 30]


def test_several_labels_an_item_are_no_list_of_labels():
    assert labels_of(Data([3, 4], targets=[[1, 2], [3]], labels=[3, 4])) == [3, 4]


@pytest.mark.parametrize(
    "own",
    [
        np.array([[2], [0], [1]]),
        torch.tensor([[2], [0], [1]]),
        [np.int64(2), torch.tensor(0), np.array([1])],
        [[2], [0], [1]],
    ],
    ids=["array", "tensor", "each its own", "lists"],
)
def test_labels_of_one_value_each(own):
    assert labels_of(Data(own)) == [2, 0, 1]
    assert labels_of(Data(own, labels=own)) == [2, 0, 1]
    assert labels_of([(PICTURE, label) for label in own]) == [2, 0, 1]


def test_what_comes_after_the_label_is_left_alone(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    path = str(tmp_path / "a.png")
    for image in (PICTURE, Image.fromarray(PICTURE), torch.zeros(3, 6, 5), path):
        source = as_image_source([(image, "fox", {"site": 3}), (image, "lynx", None)])
        assert source.labels.tolist() == ["fox", "lynx"] and source[1].shape == (6, 5, 3)

    class Triples(Data):
        def __getitem__(self, i):
            return (*super().__getitem__(i), torch.tensor([3, 1]))

    assert labels_of(Triples([4, 9])) == [4, 9]
    assert as_image_source(Triples([4, 9]))[1].shape == (6, 5, 3)


def sources(labels):
    pairs = [(PICTURE, label) for label in labels]
    return {
        "pairs": pairs,
        "triples": [(*pair, 0) for pair in pairs],
        "items": Data(labels),
        "targets": Data(labels, targets=labels),
        "subset": Subset(Data(labels, targets=labels), range(len(labels))),
    }


@pytest.mark.parametrize("kind", sources([]))
@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, np.datetime64("NaT")], ids=repr)
@pytest.mark.parametrize("present", [["fox", "lynx"], [3, 5]], ids=["text", "numbers"])
def test_a_missing_label_is_an_error_that_names_the_picture(quick, kind, missing, present):
    X = sources([*present, missing, *present])[kind]
    with pytest.raises(ValueError, match=r"the label of X\[2\] is missing .*1 in all"):
        quick().fit(X)
    assert len(as_image_source(X)) == 5  # to predict, no labels are needed


@pytest.mark.parametrize("kind", sources([]))
def test_numbers_beside_text_are_an_error(quick, kind):
    with pytest.raises(ValueError, match=r"the label of X mixes kinds of labels: \['int', 'str'\]"):
        quick().fit(sources(["fox", 7, "lynx"])[kind])


@pytest.mark.parametrize("kind", sources([]))
def test_texts_of_an_enumeration_are_whole(quick, kind):
    class Kind(str, Enum):  # noqa: UP042
        RED = "red square"
        BLUE = "blue"

    clf = quick(max_epochs=1).fit(sources([Kind.RED, Kind.BLUE, Kind.RED])[kind])
    assert clf.classes_.tolist() == ["blue", "red square"]
    truth = clf.predict([PICTURE]).tolist()
    assert clf.score([PICTURE], [Kind(truth[0])]) == 1
