"""Parameters as flags."""

from __future__ import annotations

import argparse
import inspect

import pytest

from sklift import ImageEmbedder, LiftClassifier
from sklift._commands import _embed, _fit
from sklift._commands._parameters import (
    add_parameters,
    as_value,
    first_sentences,
    given_parameters,
)


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_parameters(parser, LiftClassifier, _fit.FLAGS)
    return given_parameters(parser.parse_args(words), LiftClassifier)


def test_flags_and_set_give_values_of_python():
    words = ("--lr", "1e-3", "--adapter", "lora", "--set", "adapter__rank=8")
    words += ("--set", "classes=['a', 'b=c']", "--set", "sampler = None", "--tta", "fivecrop")
    assert parsed(*words) == {
        "lr": 1e-3,
        "adapter": "lora",
        "adapter__rank": 8,
        "classes": ["a", "b=c"],
        "sampler": None,
        "tta": "fivecrop",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "lr"), "--set takes NAME=VALUE, such as adapter__rank=8; got 'lr'"),
        (("--set", "=3"), "--set takes NAME=VALUE"),
        (("--set", "lr=1", "--lr", "2"), "lr is given twice, as '2' and as '1'"),
    ],
)
def test_a_set_of_another_form(words, message):
    with pytest.raises(ValueError, match=message):
        parsed(*words)


@pytest.mark.parametrize("word", ["ViT-B-16", "hf-hub:a/b", "[1,", "(" * 10_000, "os.system"])
def test_what_is_no_value_of_python_is_text(word):
    assert as_value(word) == word


@pytest.mark.parametrize(
    ("kind", "flags"), [(LiftClassifier, _fit.FLAGS), (ImageEmbedder, _embed.FLAGS)]
)
def test_flags_are_parameters_and_have_a_sentence(kind, flags):
    assert set(flags) <= set(inspect.signature(kind).parameters)
    said = first_sentences(LiftClassifier) | first_sentences(kind)
    assert set(flags) <= set(said)
    assert not any("`" in text or ":class:" in text for text in said.values())
