from __future__ import annotations

import unicodedata
import warnings

import numpy as np
import pytest

from sklift import ZeroShotClassifier
from sklift._classes._labels import encode_labels
from sklift._classes._look_alikes import look_alikes


@pytest.mark.parametrize(
    "pair",
    [
        ("Raccoon", "raccoon"),
        ("Raccoon", "Raccoon "),
        ("raccoon", "\traccoon"),
        ("red fox", "red_fox"),
        ("red fox", "red-fox"),
        ("red fox", "red  fox"),
        ("red fox", "red\u00a0fox"),
        ("fox", "\ufefffox"),
        ("Bär", unicodedata.normalize("NFD", "Bär")),
        ("Straße", "STRASSE"),
        ("fox", "\uff46ox"),
        ("fox", "fox_"),
        ("RedFox", "red fox"),
        ("e-mail", "email"),
        ("fox", "f\u043ex"),  # a Cyrillic o
        ("OX", "\u039f\u03a7"),  # Greek letters
        ("class_1", "class_01"),
    ],
    ids=ascii,
)
def test_one_name_in_two_spellings(pair, quick, shapes):
    assert look_alikes([pair[0], "lynx", pair[1]]) == [list(pair)]
    with pytest.warns(UserWarning, match="differ only by case, blanks, Unicode form"):
        encode_labels(np.array(["lynx", *pair]))
    with pytest.warns(UserWarning, match="differ only by case, blanks, Unicode form") as record:
        ZeroShotClassifier("emoji-tiny").fit(None, list(pair))
    assert record[0].filename == __file__


@pytest.mark.parametrize(
    "pair",
    [
        ("fox", "foxes"),
        ("-1", "1"),
        ("1.1", "11"),
        ("1 2", "12"),
        ("10", "1"),
        ("\u03b2 cell", "b cell"),  # looks alike, but not to be taken for it
        ("C", "C#"),
        ("A+", "A-"),
        ("Bar", "Bär"),
        (1, 2),
    ],
    ids=str,
)
def test_names_that_differ_are_left_alone(pair):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode_labels(np.array(pair))


def test_the_message_shows_what_the_eye_does_not_see():
    composed, apart = "B\u00e4r", "Ba\u0308r"
    with pytest.warns(UserWarning, match=r"'Ba\\u0308r' and 'B\u00e4r'"):
        encode_labels(np.array([composed, apart]))


def test_letters_of_another_script_are_shown_by_their_numbers():
    with pytest.warns(UserWarning, match=r"'fox' and 'f\\u043ex'"):
        encode_labels(np.array(["fox", "f\u043ex"]))
    with pytest.warns(UserWarning, match="\u0421\u043e\u043a"):  # all of them: as it is
        encode_labels(np.array(["\u0421\u043e\u043a", "\u0441\u043e\u043a"]))


def test_numbers_that_a_table_changed():
    assert look_alikes(["1", "01", "2", "1.0"]) == [["1", "01", "1.0"]]


@pytest.mark.parametrize("text", ["nan", "None", "<NA>", "NaT", ""])
def test_a_missing_value_that_became_text_is_told(text):
    with pytest.warns(UserWarning, match=f"the label '{text}' is taken as a class"):
        encode_labels(np.array(["fox", text]))
