"""What a fitted estimator has and gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score

from sklift._compute._plan import ComputePlan
from sklift._data._features import frozen_features
from sklift.adapters import AdaptFormer
from sklift.backbones import load_backbone
from sklift.heads import Cosine, class_mean_rows, linear_probe_rows, text_rows
from sklift.images._as_source import as_image_source
from sklift.images._dataset import PlainViews
from sklift.losses import LogitAdjusted


def test_fitted_attributes(fitted):
    assert fitted.classes_.tolist() == ["blue square", "green circle", "red triangle"]
    assert fitted.class_names_ == fitted.classes_.tolist()
    assert fitted.class_counts_.tolist() == [12, 8, 4]
    np.testing.assert_allclose(fitted.class_prior_, [1 / 2, 1 / 3, 1 / 6])
    assert fitted.init_ == "text"
    trained = sum(p.numel() for p in fitted.model_.parameters() if p.requires_grad)
    assert fitted.n_trainable_params_ == trained > 3 * 192


def test_resolved_recipes(fitted):
    assert isinstance(fitted.adapter_, AdaptFormer) and isinstance(fitted.adapter_.rank, int)
    assert isinstance(fitted.loss_, LogitAdjusted) and isinstance(fitted.head_, Cosine)
    assert (fitted.adapter, fitted.loss, fitted.head) == ("adaptformer", "logit_adjusted", "auto")


def test_history(quick, shapes):
    history = quick(max_epochs=3, lr=0.03).fit(*shapes).history_
    assert len(history) == 3
    for row in history:
        assert row.keys() == {"train_loss", "lr", "train_acc", "dur"}
        assert all(type(value) is float for value in row.values())
        assert 0 <= row["train_acc"] <= 1 and row["dur"] > 0 and np.isfinite(row["train_loss"])
    np.testing.assert_allclose([row["lr"] for row in history], [0.03, 0.0225, 0.0075])


def test_predictions_agree_with_each_other(fitted, shapes):
    X, y = shapes
    logits, proba, labels = fitted.decision_function(X), fitted.predict_proba(X), fitted.predict(X)
    assert logits.shape == proba.shape == (24, 3) and logits.dtype == np.float32
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(proba, softmax(logits.astype(float), axis=1))
    assert np.array_equal(fitted.classes_[proba.argmax(1)], labels)
    assert fitted.score(X, y) == accuracy_score(y, labels)


def test_batches_do_not_matter_to_predictions(fitted, shapes):
    X, _ = shapes
    one_by_one = np.concatenate([fitted.decision_function(X[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(one_by_one, fitted.decision_function(X[:5]), atol=1e-4)


def test_it_learns_what_names_alone_do_not_tell(quick, shapes):
    X, y = shapes
    swapped = {"blue square": "a", "green circle": "b", "red triangle": "c"}
    clf = quick(max_epochs=8, lr=0.05, augmentation=None).fit(X, [swapped[v] for v in y])
    assert clf.history_[-1]["train_acc"] > 0.9
    assert clf.history_[-1]["train_loss"] < clf.history_[0]["train_loss"] / 2


def test_two_classes_give_one_column_with_the_right_sign(quick, shapes):
    X, y = shapes
    two = y != "green circle"
    clf = quick().fit(X[two], y[two])
    decision = clf.decision_function(X)
    assert decision.shape == (24,)
    assert np.array_equal(decision > 0, clf.predict(X) == clf.classes_[1])
    np.testing.assert_allclose(expit(decision.astype(float)), clf.predict_proba(X)[:, 1], rtol=1e-4)


@pytest.mark.parametrize("tta", ["fivecrop", "tencrop", 3])
def test_test_time_ensembling_changes_logits_and_repeats(quick, shapes, fitted, tta):
    X, y = shapes
    clf = quick(tta=tta).fit(X, y)
    logits = clf.decision_function(X[:4])
    assert logits.shape == (4, 3) and np.array_equal(logits, clf.decision_function(X[:4]))
    assert not np.allclose(logits, fitted.decision_function(X[:4]))
    clf.set_params(tta=None)
    assert np.array_equal(clf.decision_function(X[:4]), fitted.decision_function(X[:4]))


@pytest.fixture(scope="module")
def start(quick, shapes):
    """With a learning rate of next to nothing the head stays where it starts."""

    def rows(y=None, **params):
        clf = quick(lr=1e-12, max_epochs=1, **params)
        clf.fit(shapes[0], shapes[1] if y is None else y)
        return clf, clf.model_.head.weight.detach()

    return rows


@pytest.fixture(scope="module")
def features(shapes):
    views = PlainViews(as_image_source(shapes[0]), 40, "bicubic")
    plan = ComputePlan(torch.device("cpu"), torch.float32, 24)
    (features,) = frozen_features(load_backbone("emoji-tiny"), views, plan)
    return features


def text_start(prompts):
    backbone = load_backbone("emoji-tiny")
    return text_rows([backbone.encode_texts(own) for own in prompts], backbone.projection)


@pytest.mark.parametrize("init", ["auto", "text"])
def test_head_starts_from_text(start, init):
    clf, rows = start(init=init)
    assert clf.init_ == "text"
    expected = text_start([[f"a photo of a {name}."] for name in clf.classes_])
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=0)


def test_head_starts_from_several_templates(start):
    clf, rows = start(prompts=["a {}", "the {}"])
    expected = text_start([[f"a {name}", f"the {name}"] for name in clf.classes_])
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=0)


def test_descriptions_stand_in_for_names(start, shapes, recwarn):
    prompts = {0: ["a square", "a box"], 1: "a circle", 2: "a triangle"}
    clf, rows = start(np.unique(shapes[1], return_inverse=True)[1], prompts=prompts)
    assert clf.init_ == "text" and clf.class_names_ is None and not recwarn.list
    expected = text_start([["a square", "a box"], ["a circle"], ["a triangle"]])
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=0)


def test_head_starts_from_class_mean(start, shapes, features):
    clf, rows = start(init="class_mean")
    codes = np.searchsorted(clf.classes_, shapes[1])
    torch.testing.assert_close(rows, class_mean_rows(features, codes, 3), atol=1e-4, rtol=0)


def test_head_starts_from_linear_probe(start, shapes, features):
    clf, rows = start(init="linear_probe")
    codes = np.searchsorted(clf.classes_, shapes[1])
    assert clf.init_ == "linear_probe"
    torch.testing.assert_close(rows, linear_probe_rows(features, codes, 3), atol=1e-2, rtol=0)


def test_head_starts_from_random(start):
    clf, rows = start(init="random")
    other = start(init="random", random_state=1)[1]
    assert clf.init_ == "random" and not torch.allclose(rows, other)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))


class TestSampleWeight:
    def test_weight_zero_is_leaving_out(self, quick, shapes):
        X, y = shapes
        weight = np.ones(24)
        weight[[0, 1, 2, 12]] = 0
        kept = weight > 0
        params = {"init": "class_mean", "lr": 1e-12, "augmentation": None, "batch_size": 24}
        weighted = quick(**params).fit(X, y, sample_weight=weight)
        without = quick(**params).fit(X[kept], y[kept])
        assert weighted.class_counts_.tolist() == [12, 8, 4]
        np.testing.assert_allclose(weighted.class_prior_, without.class_prior_)
        torch.testing.assert_close(
            weighted.model_.head.weight, without.model_.head.weight, atol=1e-5, rtol=0
        )
        losses = [clf.history_[0]["train_loss"] for clf in (weighted, without)]
        assert losses[0] == pytest.approx(losses[1], abs=1e-3)

    def test_pictures_of_weight_zero_take_no_place_among_the_hundred_of_a_class(
        self, quick, shapes
    ):
        X, y = shapes
        many = np.concatenate([X[:1]] * 150 + [X])
        labels = np.concatenate([["blue square"] * 150, y])
        weight = np.r_[np.zeros(150), np.ones(24)]
        params = {"init": "class_mean", "lr": 1e-12, "max_epochs": 1, "batch_size": 64}
        weighted = quick(**params).fit(many, labels, sample_weight=weight)
        without = quick(**params).fit(X, y)
        torch.testing.assert_close(
            weighted.model_.head.weight, without.model_.head.weight, atol=1e-5, rtol=0
        )

    def test_a_weight_is_a_repetition(self, quick, shapes):
        X, y = shapes
        clf = quick(max_epochs=1).fit(X, y, sample_weight=np.where(y == "red triangle", 3, 1))
        np.testing.assert_allclose(clf.class_prior_, np.array([12, 8, 12]) / 32)

    def test_a_class_of_no_weight_is_refused(self, quick, shapes):
        X, y = shapes
        with pytest.raises(ValueError, match="zero for all samples of class 'red triangle'"):
            quick().fit(X, y, sample_weight=(y != "red triangle").astype(float))


@pytest.mark.parametrize("loss", ["logit_adjusted", "class_balanced", "ldam"])
def test_classes_without_pictures_keep_their_columns(quick, shapes, loss):
    X, y = shapes
    classes = ["yellow star", *np.unique(y), "animal"]
    clf = quick(classes=classes, loss=loss).fit(X, y)
    assert clf.classes_.tolist() == sorted(classes)
    assert clf.class_counts_.tolist() == [0, 12, 8, 4, 0]
    proba = clf.predict_proba(X)
    assert proba.shape == (24, 5) and np.isfinite(proba).all()
    assert all(np.isfinite(row["train_loss"]) for row in clf.history_)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([30, -2, 7]),
        np.array([2.0, 0.0, 1.0]),
        np.array(["b", "a", "c"], dtype=object),
        np.array([2**40, 5, 6]),
    ],
    ids=lambda v: str(v.dtype),
)
def test_labels_come_back_as_they_were(quick, shapes, labels):
    X, y = shapes
    y = labels[np.unique(y, return_inverse=True)[1]]
    clf = quick(init="random", max_epochs=1).fit(X, y)
    assert clf.classes_.tolist() == sorted(labels.tolist())
    assert clf.predict(X).dtype == y.dtype and set(clf.predict(X)) <= set(labels)


def test_bool_labels(quick, shapes):
    X, y = shapes
    clf = quick(init="class_mean").fit(X, y == "red triangle")
    assert clf.classes_.tolist() == [False, True] and clf.predict(X).dtype == bool
    assert clf.class_counts_.tolist() == [20, 4]


def test_pandas_categories(quick, shapes):
    import pandas as pd

    X, y = shapes
    clf = quick(max_epochs=1).fit(X, pd.Series(y, dtype="category"))
    assert clf.init_ == "text" and clf.classes_.tolist() == sorted(set(y))
