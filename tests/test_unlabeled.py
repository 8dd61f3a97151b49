"""LiftClassifier with pictures that have no labels."""

from __future__ import annotations

import numpy as np
import pytest
from skorch.dataset import ValidSplit

import sklift._fitting._unlabeled as module
from sklift import LiftClassifier

CENTRES = np.random.default_rng(0).normal(size=(4, 8))


def rows(counts, seed, spread=0.8):
    codes = np.repeat(np.arange(4), counts)
    noise = np.random.default_rng(seed).normal(size=(len(codes), 8))
    return (CENTRES[codes] + spread * noise).astype(np.float32), np.array(list("abcd"))[codes]


X, Y = rows((8, 4, 2, 2), 0)
MORE, TRUE = rows((50, 50, 50, 50), 1)
X_TEST, Y_TEST = rows((200, 200, 200, 200), 2)


def fitted(unlabeled=None, sample_weight=None, **params):
    clf = LiftClassifier("precomputed", random_state=0, **{"max_epochs": 20, **params})
    return clf.fit(X, Y, sample_weight, unlabeled)


def test_it_is_more_accurate():
    assert fitted(MORE).score(X_TEST, Y_TEST) > fitted().score(X_TEST, Y_TEST) + 0.03


def test_what_was_taken_is_counted_apart():
    clf = fitted(MORE)
    assert clf.class_counts_.tolist() == [8, 4, 2, 2]
    assert clf.pseudo_label_counts_.sum() == len(MORE)
    assert abs(clf.pseudo_label_counts_ - 50).max() < 20
    assert clf.class_prior_[2:].sum() > 0.3  # 4 of 16 labels, half of the others
    assert fitted().pseudo_label_counts_.tolist() == [0, 0, 0, 0]


def test_the_length_of_training_counts_them():
    clf = LiftClassifier("precomputed", random_state=0)
    assert clf.fit(X, Y).max_epochs_ == 50
    assert clf.fit(X, Y, unlabeled=np.tile(MORE, (20, 1))).max_epochs_ == 10


def test_no_pseudo_label_is_held_out_or_made_from_what_is(monkeypatch):
    seen, make = [], module.pseudo_labels

    def watched(features, *others):
        seen.append(features)
        return make(features, *others)

    monkeypatch.setattr(module, "pseudo_labels", watched)
    alone = fitted(validation_fraction=0.25)
    held = fitted(MORE, validation_fraction=0.25)
    assert held.class_counts_.tolist() == alone.class_counts_.tolist()
    assert held.class_counts_.sum() == 12 and held.pseudo_label_counts_.sum() == len(MORE)
    assert held.class_prior_[3] > alone.class_prior_[3] + 0.01  # they are trained on
    (features,) = seen
    assert len(features) == 12
    held_out = [row for row in X if not (features == row).all(axis=1).any()]
    assert len(held_out) == 4
    valid = held.history_[-1]["valid_acc"]
    codes = [Y[(row == X).all(axis=1)][0] for row in held_out]
    assert valid == np.mean(held.predict(np.array(held_out)) == codes)


def test_the_scale_of_weights_does_not_count():
    one, ten = (fitted(MORE, np.full(len(X), scale)) for scale in (1.0, 10.0))
    assert one.pseudo_label_counts_.tolist() == ten.pseudo_label_counts_.tolist()
    np.testing.assert_allclose(one.class_prior_, ten.class_prior_)
    assert np.array_equal(fitted(MORE).predict_proba(X_TEST), fitted(MORE).predict_proba(X_TEST))


def test_own_splits_are_refused():
    with pytest.raises(ValueError, match="set validation_fraction instead"):
        fitted(MORE, net_params={"train_split": ValidSplit(4)})
    with pytest.raises(ValueError, match="8 features"):
        fitted(MORE[:, :5])


def test_pictures_of_any_kind(shapes, tmp_path, quick):
    from PIL import Image

    pictures, labels = shapes
    paths = [tmp_path / f"{i}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    chosen = np.unique(labels, return_index=True)[1]
    clf = quick(adapter="lora", max_epochs=1).fit(pictures[chosen], labels[chosen], unlabeled=paths)
    assert clf.pseudo_label_counts_.sum() == len(paths)
    arrays = quick(adapter="lora", max_epochs=1)
    arrays.fit(pictures[chosen], labels[chosen], unlabeled=pictures)
    assert np.array_equal(clf.predict_proba(pictures), arrays.predict_proba(pictures))

    paths[2].write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"files in unlabeled can't be read: .*2\.png"):
        clf.fit(pictures[chosen], labels[chosen], unlabeled=paths)
    clf.set_params(reader__on_error="skip")
    with pytest.warns(UserWarning, match=r"1 of \d+ pictures in unlabeled can't be read"):
        clf.fit(pictures[chosen], labels[chosen], unlabeled=paths)
    assert clf.pseudo_label_counts_.sum() == len(paths) - 1
    assert not len(clf.skipped_)
