"""ZeroShotClassifier: CLIP's own classifier."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from sklift import ZeroShotClassifier
from sklift.backbones import load_backbone
from sklift.embedder import ImageEmbedder


def test_logits_are_scaled_cosines(shapes):
    X, y = shapes
    prompts = ["a {}", "a picture of {}"]
    clf = ZeroShotClassifier("emoji-tiny", prompts=prompts, compute__precision="float32").fit(X, y)
    backbone = load_backbone("emoji-tiny")
    rows = []
    for name in clf.classes_:
        mean = backbone.encode_texts([p.format(name) for p in prompts]).numpy().mean(0)
        rows.append(mean / np.linalg.norm(mean))
    pictures = ImageEmbedder(
        "emoji-tiny", projected=True, compute__precision="float32"
    ).fit_transform(X)
    expected = backbone.logit_scale * pictures @ np.array(rows).T
    np.testing.assert_allclose(clf.decision_function(X), expected, atol=1e-3)
    np.testing.assert_allclose(clf.predict_proba(X).sum(1), 1)
    assert np.array_equal(clf.predict(X), clf.classes_[expected.argmax(1)])


def test_it_needs_no_pictures_to_fit_and_learns_from_names(shapes):
    X, y = shapes
    clf = ZeroShotClassifier("emoji-tiny").fit(None, np.unique(y))
    assert clf.score(X, y) > 0.6
    shuffled = {"blue square": "green circle", "green circle": "blue square"}
    wrong = ZeroShotClassifier("emoji-tiny", class_names={n: shuffled.get(n, n) for n in set(y)})
    assert wrong.fit(None, y).score(X, y) < clf.score(X, y)


def test_two_classes_give_one_column(shapes):
    X, _ = shapes
    clf = ZeroShotClassifier("emoji-tiny").fit(None, ["blue square", "red triangle"])
    score = clf.decision_function(X)
    assert score.shape == (24,)
    assert np.array_equal(score > 0, clf.predict(X) == "red triangle")


def test_pickle_is_small_and_exact(shapes):
    clf = ZeroShotClassifier("emoji-tiny").fit(None, shapes[1])
    data = pickle.dumps(clf)
    assert len(data) < 10_000
    assert np.array_equal(pickle.loads(data).predict_proba(shapes[0]), clf.predict_proba(shapes[0]))


def test_errors_say_what_is_missing(shapes):
    with pytest.raises(NotFittedError):
        ZeroShotClassifier("emoji-tiny").predict(shapes[0])
    with pytest.raises(ValueError, match="needs the classes"):
        ZeroShotClassifier("emoji-tiny").fit(shapes[0])
    with pytest.raises(ValueError, match="class_names"):
        ZeroShotClassifier("emoji-tiny").fit(None, [0, 1])
    with pytest.raises(ValueError, match=r"one \{\}"):
        ZeroShotClassifier("emoji-tiny", prompts="a photo").fit(None, ["a", "b"])


def test_prompts_that_are_cut_off_are_named():
    with pytest.warns(UserWarning, match="1 prompts are longer than the text tower reads"):
        ZeroShotClassifier("emoji-tiny").fit(None, ["very " * 20 + "long hair", "cat"])


def test_suggested_names_are_the_words_that_separate(shapes):
    X, y = shapes
    words = ["green circle", "horse", "blue square", *np.unique(y), "tree"]
    clf = ZeroShotClassifier("emoji-tiny")
    best = clf.suggest_names(X, y, iter(words), n_names=2)
    assert list(best) == np.unique(y).tolist()
    assert all(len(pairs) == 2 and pairs[0][1] >= pairs[1][1] for pairs in best.values())
    assert sum(label in dict(pairs) for label, pairs in best.items()) >= len(best) - 1
    every = clf.suggest_names(X, y, words, n_names=99)
    assert all(len(pairs) == len(set(words)) for pairs in every.values())
    texts = load_backbone("emoji-tiny").encode_texts(["a photo of a horse."]).numpy()
    cosines = ImageEmbedder("emoji-tiny", projected=True).fit_transform(X) @ texts[0]
    label, *others = np.unique(y)
    own = cosines[y == label][:, None]
    won = np.mean([(own > cosines[y == other]).mean() for other in others])
    np.testing.assert_allclose(dict(every[label])["horse"], won, atol=0.02)


@pytest.mark.parametrize(
    ("params", "words", "error", "match"),
    [
        ({}, "a fox", TypeError, "several words"),
        ({}, [], ValueError, "one at least"),
        ({}, ["fox", " "], ValueError, "none of them empty"),
        ({"prompts": {"a": "b"}}, ["fox"], ValueError, "give a template"),
        ({"n_names": 0}, ["fox"], ValueError, "n_names == 0, must be >= 1"),
        ({"y": ["a"] * 4}, ["fox"], ValueError, "two at least"),
        ({"y": ["a", "b"]}, ["fox"], ValueError, "4 pictures and y 2 labels"),
        ({"y": ["a", "a"]}, ["fox"], ValueError, "4 pictures and y 2 labels"),
        ({"backbone": "timm/test_vit"}, ["fox"], ValueError, "no text tower"),
    ],
)
def test_words_that_can_not_be_suggested(params, words, error, match, tmp_path):
    given = {"y": list("abab"), "n_names": 3, "prompts": "{}", "backbone": "emoji-tiny", **params}
    clf = ZeroShotClassifier(given["backbone"], prompts=given["prompts"])
    if given["backbone"] != "emoji-tiny":
        timm = pytest.importorskip("timm")
        torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "weights.pt")
        clf.set_params(pretrained=tmp_path / "weights.pt")
    X = np.zeros((4, 40, 40, 3), np.uint8)
    with pytest.raises(error, match=match):
        clf.suggest_names(X, given["y"], words, n_names=given["n_names"])
