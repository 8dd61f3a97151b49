from __future__ import annotations

import numpy as np
import pytest

from sklift._classes._prompts import class_prompts


def test_a_template():
    assert class_prompts("an emoji of {}.", [0, 1], ["red_fox ", "lynx"]) == [
        ["an emoji of red fox."],
        ["an emoji of lynx."],
    ]


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_templates(kind):
    assert class_prompts(kind(["a {}", "the {}"]), [0], ["cat"]) == [["a cat", "the cat"]]


def test_other_braces_in_a_template_stay():
    assert class_prompts("{} {0}", [0], ["cat"]) == [["cat {0}"]]


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["a", "b"]), [0, 1]])
def test_descriptions_by_label(labels):
    first, second = (v.item() if hasattr(v, "item") else v for v in labels)
    prompts = {first: "barks", second: ["purrs", "has_claws"]}
    assert class_prompts(prompts, labels, None) == [["barks"], ["purrs", "has_claws"]]


@pytest.mark.parametrize(
    ("prompts", "error", "message"),
    [
        ("a photo", ValueError, "'a photo' must hold one {}"),
        ("{} and {}", ValueError, "must hold one {}"),
        (["a {}", "a"], ValueError, "'a' must hold one {}"),
        ([], TypeError, "must be a template"),
        (None, TypeError, "must be a template.*got None"),
        (3, TypeError, "must be a template.*got 3"),
        ({0: "x"}, ValueError, "no description of class 1"),
        ({0: "x", 1: []}, ValueError, "prompts of class 1 must be one or more"),
        ({0: "x", 1: ""}, ValueError, "prompts of class 1 must be one or more"),
        ({0: "x", 1: [2]}, ValueError, "prompts of class 1 must be one or more"),
    ],
)
def test_prompts_that_are_none(prompts, error, message):
    with pytest.raises(error, match=message):
        class_prompts(prompts, [0, 1], ["cat", "dog"])


@pytest.mark.parametrize(("name", "n"), [("imagenet", 80), ("imagenet-simple", 7)])
def test_published_templates_by_name(name, n):
    (texts,) = class_prompts(name, ["lynx"], ["lynx"])
    assert len(set(texts)) == n
    assert all("lynx" in text and "{" not in text for text in texts)
    assert "itap of a lynx." in texts
