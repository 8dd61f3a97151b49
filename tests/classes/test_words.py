from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from sklift import ZeroShotClassifier
from sklift._classes._words import as_words, wordless
from sklift.backbones import load_backbone
from sklift.datasets import load_emoji

ANIMALS = ["red fox", "snow leopard", "polar bear"]
SPELLINGS = {
    "underscores": lambda name, k: name.replace(" ", "_"),
    "hyphens": lambda name, k: name.replace(" ", "-"),
    "humps": lambda name, k: name.title().replace(" ", ""),
    "humps from the second word on": lambda name, k: name[0] + name.title().replace(" ", "")[1:],
    "numbers with a point": lambda name, k: f"{k + 1:03}.{name}",
    "numbers and underscores": lambda name, k: f"{k}_{name.replace(' ', '_')}",
    "long numbers": lambda name, k: f"{k + 10000}-{name}",
    "leading zeros alone": lambda name, k: f"0{k}{name}",
    "points": lambda name, k: name.replace(" ", "."),
    "several underscores": lambda name, k: name.replace(" ", "___"),
    "ids of WordNet": lambda name, k: f"n0211942{k}-{name.replace(' ', '_')}",
    "synsets": lambda name, k: f"{name.replace(' ', '_')}.n.01",
    "brackets around numbers": lambda name, k: f"({k}) {name}",
    "colons behind numbers": lambda name, k: f"{k}: {name}",
    "numbers before humps": lambda name, k: f"{k + 1}{name.title().replace(' ', '')}",
    "numbers with a letter": lambda name, k: f"c{k:03}.{name}",
    "numbered classes": lambda name, k: f"Class_{k} {name}",
    "numbers behind": lambda name, k: f"{name.replace(' ', '_')}_{k + 8:02}",
    "escapes": lambda name, k: name.replace(" ", "%20"),
    "slashes": lambda name, k: name.replace(" ", "/"),
    "blanks around": lambda name, k: f" {name}\t",
}


def spelt(how):
    return [SPELLINGS[how](name, k) for k, name in enumerate(ANIMALS)]


@pytest.mark.parametrize("how", SPELLINGS)
def test_what_folders_are_called_becomes_words(how):
    assert as_words(spelt(how)) == ANIMALS
    assert not wordless(spelt(how))


@pytest.mark.parametrize("how", list(SPELLINGS)[::4])
def test_the_classifier_shows_what_it_understood_and_reads_it(how):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = ZeroShotClassifier("emoji-tiny").fit(None, ANIMALS)
        labelled = ZeroShotClassifier("emoji-tiny").fit(None, spelt(how))
        named = ZeroShotClassifier("emoji-tiny", class_names=spelt(how)).fit(None, [0, 1, 2])
    assert set(labelled.class_names_) == set(ANIMALS) and named.class_names_ == ANIMALS
    rows = dict(zip(plain.class_names_, plain.text_features_, strict=True))
    for clf in (labelled, named):
        for name, row in zip(clf.class_names_, clf.text_features_, strict=True):
            np.testing.assert_allclose(row, rows[name], atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "t-shirt", "x-ray", "iPhone", "McDonald", "USA", "3-wheeler", "737-200", "Bär",
        "Boeing 747",
        "stop-sign red", "jack-o'-lantern", "1 euro", "4x4", "St. Bernard", "DVD", "red fox",
    ],
)  # fmt: skip
def test_names_that_are_written_so_stay(name):
    assert as_words([name, "lynx"]) == [name, "lynx"]


def test_numbers_that_tell_names_apart_stay():
    assert as_words(["1_euro", "2_euro"]) == ["1 euro", "2 euro"]
    assert as_words(["001.fox", "002.fox"]) == ["001.fox", "002.fox"]
    assert as_words(["1. fox", "2. lynx"]) == ["fox", "lynx"]


def test_abbreviations_in_humps_stay_whole():
    assert as_words(["HTTPServer", "DVDPlayer", "GrüneWiese"]) == [
        "HTTP server",
        "DVD player",
        "grüne wiese",
    ]


def test_words_with_a_number_behind_and_doubled_signs():
    assert as_words(["BlackBear2", "red--fox", "tv"]) == ["black bear 2", "red fox", "tv"]
    assert not wordless(["BlackBear2", "red--fox", "TV"])


CODES = {
    "digits": ["0", "1", "2"],
    "WordNet ids": ["n01503061", "n07881800", "n13134947"],
    "codes": ["A10-x", "B7", "C-12"],
    "numbered classes": ["class 1", "Class2", "label_3"],
    "without vowels": ["bkl", "bcc", "nv"],
    "signs": ["+", "--", "?"],
}


@pytest.mark.parametrize("kind", CODES)
def test_codes_do_not_start_the_head(kind, quick, shapes):
    X, y = shapes
    labels = np.array(CODES[kind])[np.unique(y, return_inverse=True)[1]]
    assert wordless(CODES[kind]) == CODES[kind]
    with pytest.warns(UserWarning, match="the labels are no words") as record:
        clf = quick(max_epochs=1).fit(X, labels)
    assert clf.init_ == "class_mean"
    assert record[0].filename == __file__
    means = quick(max_epochs=1, init="class_mean").fit(X, labels)
    assert torch.equal(clf.model_.head.weight, means.model_.head.weight)
    with pytest.warns(UserWarning, match="3 of 3 labels are no words"):
        ZeroShotClassifier("emoji-tiny").fit(None, CODES[kind])


def test_letters_are_the_words_for_themselves():
    assert not wordless(list("aBÄ狐"))


def test_codes_that_are_meant_are_read(quick, shapes):
    X, y = shapes
    codes = np.array(CODES["codes"])[np.unique(y, return_inverse=True)[1]]
    names = dict(zip(CODES["codes"], np.unique(y).tolist(), strict=True))
    prompts = {code: f"a {name}" for code, name in names.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in ({"init": "text"}, {"class_names": names}, {"prompts": prompts}):
            assert quick(max_epochs=1, **given).fit(X, codes).init_ == "text"
        ZeroShotClassifier("emoji-tiny", class_names=names).fit(None, codes)
        ZeroShotClassifier("emoji-tiny", prompts=prompts).fit(None, codes)


def test_given_names_that_are_codes_are_told(quick, shapes):
    X, y = shapes
    codes = np.unique(y, return_inverse=True)[1]
    with pytest.warns(UserWarning, match="3 of 3 class_names are no words .*: the head starts"):
        assert quick(max_epochs=1, class_names=CODES["WordNet ids"]).fit(X, codes).init_ == "text"
    with pytest.warns(UserWarning, match="3 of 3 class_names .*: a prompt of them says little"):
        ZeroShotClassifier("emoji-tiny", class_names=CODES["digits"]).fit(None, codes)
    with warnings.catch_warnings():  # one of them may well be meant
        warnings.simplefilter("error")
        ZeroShotClassifier("emoji-tiny", class_names=["B52", "fox", "lynx"]).fit(None, codes)


def test_a_code_among_words_is_named(quick, shapes):
    X, y = shapes
    y = np.where(y == y[0], "17", y)
    with pytest.warns(UserWarning, match=r"1 of 3 labels are no words \('17'\)"):
        assert quick(max_epochs=1).fit(X, y).init_ == "text"


def test_names_of_one_feature_or_none_are_named(quick, shapes):
    with pytest.warns(UserWarning, match="same text feature, .*: 3 and 5; give them names"):
        ZeroShotClassifier("emoji-tiny", class_names=["fox", "lynx", "FOX"]).fit(None, [3, 4, 5])
    with pytest.warns(
        UserWarning, match="can't read the names of 2 classes, the first is '\u718a'"
    ):
        ZeroShotClassifier("emoji-tiny").fit(None, ["\u72d0", "\u718a", "lynx"])
    X, y = shapes
    names = {name: "a square" for name in y}
    with pytest.warns(UserWarning, match="same text feature") as record:
        quick(class_names=names, max_epochs=1).fit(X, y)
    assert [w.filename for w in record if "same text" in str(w.message)] == [__file__]


def test_all_names_of_emojis_are_read_and_differ():
    names = load_emoji("test").target_names.tolist()
    assert not wordless(names)
    assert not load_backbone("emoji-tiny").text.unread(names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ZeroShotClassifier("emoji-tiny").fit(None, names * 2)
