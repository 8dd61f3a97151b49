"""MultilabelClassifier on features and on pictures: what it learns, returns and keeps."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, issparse
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import get_tags
from skorch.callbacks import Callback

from sklift import MultilabelClassifier
from sklift._data._of_frames import mean_of_sigmoids
from sklift._fitting._label_sets import LabelSetHoldOut, some_of_each
from sklift.datasets import MultilabelStratifiedKFold
from sklift.heads import Auto, Biased, Cosine, Linear, WhitenedCosine
from sklift.metrics import f1_thresholds

NAMES = ["ant", "bee", "cat", "dog"]


def make(n=160, seed=0):
    """Features in which each label has its own direction; labels from frequent to rare."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=(n, 4)) < [0.5, 0.3, 0.15, 0.08]).astype(int)
    X = rng.normal(size=(n, 40))
    X[:, :4] += 3 * y
    return X.astype(np.float32), y


X, Y = make()
X_TEST, Y_TEST = make(200, seed=1)


def on_features(**params):
    quick = {"max_epochs": 6, "batch_size": 16, "random_state": 0, "head": Auto(scale=7.0)}
    return MultilabelClassifier("precomputed", **{**quick, **params})


@pytest.fixture(scope="module")
def fitted():
    """Fitted on `X` and `Y`; not to be changed."""
    return on_features().fit(X, Y)


def test_it_learns_frequent_and_rare_labels(fitted):
    each = average_precision_score(Y_TEST, fitted.predict_proba(X_TEST), average=None)
    assert (each > [0.9, 0.9, 0.7, 0.6]).all()
    assert fitted.label_counts_.tolist() == Y.sum(0).tolist()
    np.testing.assert_allclose(fitted.label_shares_, Y.mean(0))
    assert fitted.history_[-1]["train_acc"] > 0.6
    assert fitted.history_[-1]["train_loss"] < fitted.history_[0]["train_loss"]


def test_outputs_agree(fitted):
    logits, proba = fitted.decision_function(X_TEST), fitted.predict_proba(X_TEST)
    assert logits.shape == proba.shape == Y_TEST.shape
    np.testing.assert_allclose(proba, expit(logits.astype(float)))
    predicted = fitted.predict(X_TEST)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, proba > 0.5)
    assert fitted.score(X_TEST, Y_TEST) == np.mean((predicted == Y_TEST).all(1))
    weight = np.arange(len(Y_TEST))
    right = (predicted == Y_TEST).all(1)
    assert fitted.score(X_TEST, Y_TEST, weight) == pytest.approx(weight @ right / weight.sum())


def test_probabilities_are_those_of_the_training_mix(fitted):
    """What the loss added in training is there in prediction: the mean is about the share."""
    assert fitted.adjustment_ == pytest.approx(logit(Y.mean(0)), rel=1e-6)
    ratio = fitted.predict_proba(X).mean(0) / Y.mean(0)
    assert ((ratio > 0.85) & (ratio < 1.5)).all()
    plain = on_features(loss="binary_cross_entropy").fit(X, Y)
    assert not plain.adjustment_.any()
    assert plain.model_.head.bias.detach().numpy() == pytest.approx(logit(Y.mean(0)), abs=0.7)


@pytest.mark.parametrize("loss", ["asymmetric", "distribution_balanced", "binary_cross_entropy"])
def test_other_losses_rank_as_well(loss):
    clf = on_features(loss=loss).fit(X, Y)
    assert average_precision_score(Y_TEST, clf.predict_proba(X_TEST)) > 0.8


def test_thresholds_of_all_kinds(fitted):
    clf, proba = clone(fitted), fitted.predict_proba(X_TEST)
    clf.__dict__.update({k: v for k, v in vars(fitted).items() if k.endswith("_")}, _form="matrix")
    each = np.array([0.1, 0.2, 0.3, 0.9])
    for given, expected in [
        (0.2, 0.2),
        (each, each),
        (dict(enumerate(each.tolist())), each),
        ("prior", Y.mean(0)),
    ]:
        clf.set_params(thresholds=given)
        np.testing.assert_array_equal(clf.predict(X_TEST), proba > expected)
    with pytest.raises(ValueError, match="chosen in training"):
        clf.set_params(thresholds="f1").predict(X_TEST)
    chosen = clf.choose_thresholds(X_TEST, Y_TEST)
    np.testing.assert_array_equal(chosen, f1_thresholds(Y_TEST, proba))
    before = f1_score(Y_TEST, proba > 0.5, average="macro")
    assert f1_score(Y_TEST, proba > chosen, average="macro") > before


def test_f1_thresholds_are_cross_fitted():
    clf, proba = on_features(max_epochs=3, thresholds="f1"), np.empty(Y.shape)
    for used, held_out in MultilabelStratifiedKFold(3, random_state=0).split(X, Y):
        proba[held_out] = on_features(max_epochs=3).fit(X[used], Y[used]).predict_proba(X[held_out])
    clf.fit(X, Y)
    np.testing.assert_array_equal(clf.f1_thresholds_, f1_thresholds(Y, proba))
    expected = on_features(max_epochs=3).fit(X, Y).predict_proba(X_TEST)
    np.testing.assert_array_equal(clf.predict_proba(X_TEST), expected)
    np.testing.assert_array_equal(clf.predict(X_TEST), expected > clf.f1_thresholds_)


def test_lists_of_labels_come_back(fitted):
    lists = [[NAMES[k] for k in np.flatnonzero(row)] for row in Y]
    clf = on_features().fit(X, lists)
    assert clf.classes_.tolist() == clf.class_names_ == NAMES
    predicted = clf.predict(X_TEST)
    assert all(isinstance(labels, tuple) for labels in predicted)
    encoder = MultiLabelBinarizer(classes=NAMES).fit(lists)
    np.testing.assert_array_equal(encoder.transform(predicted), fitted.predict(X_TEST))
    assert predicted == encoder.inverse_transform(fitted.predict(X_TEST))
    assert clf.score(X, lists) == clf.score(X, [set(row) for row in lists]) == clf.score(X, Y)


def test_sparse_and_tables_come_back(fitted):
    expected = fitted.predict(X_TEST)
    predicted = on_features().fit(X, csr_array(Y)).predict(X_TEST)
    assert issparse(predicted)
    np.testing.assert_array_equal(predicted.toarray(), expected)
    clf = on_features().fit(X, pd.DataFrame(Y.astype(bool), columns=NAMES))
    assert clf.classes_.tolist() == NAMES
    np.testing.assert_array_equal(clf.predict(X_TEST), expected)


def test_tables_are_read_by_the_names_of_their_columns(fitted):
    table = pd.DataFrame(Y, columns=NAMES)
    clf = on_features(classes=NAMES).fit(X, table[NAMES[::-1]])
    np.testing.assert_array_equal(clf.label_counts_, Y.sum(0))
    assert clf.score(X, table[NAMES[::-1]]) == clf.score(X, table) == clf.score(X, Y) > 0.5


def test_lists_of_numbers_stay_lists():
    """A model of lists took [[1], [0]] for a matrix, and [[0, 1], [1, 0]] silently."""
    y = [np.flatnonzero(row).tolist() for row in Y[:, :2]]
    clf = on_features().fit(X, y)
    both = np.flatnonzero(Y[:, :2].all(1))
    assert (
        clf.score(X[both], [[1, 0]] * len(both)) == clf.score(X[both], [{0, 1}] * len(both)) > 0.5
    )


def test_thresholds_in_a_series_are_by_label():
    lists = [[NAMES[k] for k in np.flatnonzero(row)] for row in Y]
    clf = on_features(max_epochs=1).fit(X, lists)
    given = {"ant": 0.1, "bee": 0.2, "cat": 0.3, "dog": 0.9}
    expected = clf.set_params(thresholds=given).predict(X_TEST)
    clf.set_params(thresholds=pd.Series(given)[NAMES[::-1]])
    assert clf.predict(X_TEST) == expected


def test_pictures_without_weight_choose_no_thresholds():
    weight = np.r_[np.ones(100), np.zeros(60)]
    clf = on_features(max_epochs=2, thresholds="f1")
    expected = clf.fit(X[:100], Y[:100]).f1_thresholds_
    np.testing.assert_array_equal(clf.fit(X, Y, weight).f1_thresholds_, expected)


@pytest.mark.filterwarnings("ignore:y has only one label")
def test_rare_absent_and_universal_labels():
    y = np.c_[Y[:, :1], np.zeros(len(Y), int), np.ones(len(Y), int)]
    proba = on_features().fit(X, y).predict_proba(X_TEST)
    assert np.isfinite(proba).all()
    predicted = on_features(thresholds="prior").fit(X, y).predict(X_TEST)
    assert not predicted[:, 1].any() and predicted[:, 2].all()
    assert proba[:, 1].mean() < 0.05 and proba[:, 2].mean() > 0.95
    one = on_features().fit(X, Y[:, :1])
    assert one.predict_proba(X_TEST).shape == (200, 1)


def test_weights_count_as_pictures():
    weight = np.where(Y[:, 3] == 1, 4.0, 1.0)
    clf = on_features(head="cosine").fit(X, Y, weight)
    assert clf.label_shares_ == pytest.approx(weight @ Y / weight.sum())
    scaled = on_features(head="cosine").fit(X, Y, weight / weight.sum())
    np.testing.assert_allclose(scaled.predict_proba(X), clf.predict_proba(X), atol=1e-4)
    plain = on_features(head="cosine").fit(X, Y)
    more, less = (est.predict_proba(X_TEST)[:, 3].mean() for est in (clf, plain))
    assert more > 1.2 * less


def test_heads_have_a_bias(fitted):
    assert isinstance(fitted.head_, Biased) and isinstance(fitted.head_.head, WhitenedCosine)
    assert fitted.head_.head.scale == 7 and fitted.init_ == "class_mean"
    plain = MultilabelClassifier("precomputed", max_epochs=1, random_state=0).fit(X, Y)
    assert plain.head_.head.scale == 16
    for head in (Cosine(scale=20.0), Linear()):
        clf = on_features(head=head, init="random").fit(X, Y)
        assert type(clf.head_.head) is type(head)
        assert clf.model_.head.bias.shape == (4,)


@pytest.mark.parametrize("head", ["cosine", "whitened_cosine"])
def test_the_start_tells_labels_apart(head):
    """Before training, rows from means rank pictures, and mean logits are about zero."""
    clf = on_features(head=head, lr=1e-9, max_epochs=1).fit(X + 1, Y)
    logits = clf.decision_function(X_TEST + 1) - clf.adjustment_
    each = average_precision_score(Y_TEST, logits, average=None)
    assert (each > 2 * Y_TEST.mean(0).clip(0, 0.4)).all()
    assert np.abs(logits.mean(0)).max() < 1.5


def test_the_seed_decides(fitted):
    again = on_features().fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    other = on_features(random_state=1).fit(X, Y)
    assert (other.predict_proba(X) != fitted.predict_proba(X)).any()


def test_saved_pickled_and_cloned(fitted, tmp_path):
    expected = fitted.predict_proba(X_TEST)
    fitted.save(tmp_path / "model")
    for est in (MultilabelClassifier.load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(est.predict_proba(X_TEST), expected)
        np.testing.assert_array_equal(est.predict(X_TEST), fitted.predict(X_TEST))
        assert repr(est.head_) == repr(fitted.head_)
    assert repr(clone(fitted)) == repr(fitted)


@pytest.mark.parametrize(("name", "value"), [("adjustment_", np.zeros(2)), ("label_counts_", None)])
def test_a_file_that_lacks_what_predictions_need(fitted, tmp_path, name, value):
    broken = copy.copy(fitted)
    setattr(broken, name, value)
    broken.save(tmp_path / "model")
    with pytest.raises(ValueError, match=f"'{name}' does not have a number for each class"):
        MultilabelClassifier.load(tmp_path / "model")
    del broken._form
    with pytest.raises(NotFittedError):
        broken.predict(X_TEST)


def test_held_out_pictures_and_early_stopping():
    clf = on_features(validation_fraction=0.25).fit(X, Y)
    assert (clf.label_counts_ < Y.sum(0)).all()
    np.testing.assert_allclose(clf.label_counts_ / Y.sum(0), 0.75, atol=0.06)
    assert {"valid_loss", "valid_acc"} <= set(clf.history_[-1])
    assert 0.5 < clf.history_[-1]["valid_acc"] <= 1
    stopped = on_features(early_stopping=True, max_epochs=40, lr=0.5).fit(X, Y)
    assert len(stopped.history_) < 40


def test_a_hit_is_a_picture_with_all_of_its_labels():
    clf = on_features(lr=1e-12, max_epochs=1).fit(X, Y)
    assert clf.history_[-1]["train_acc"] == pytest.approx(clf.score(X, Y))


def test_a_checkpoint_is_continued(fitted, tmp_path):
    first = on_features(checkpoint=tmp_path).fit(X, Y)
    assert len(list(tmp_path.glob("finished-*.pt"))) == 1
    second = on_features(checkpoint=tmp_path).fit(X, Y)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    on_features(checkpoint=tmp_path).fit(X, 1 - Y)
    assert len(list(tmp_path.glob("finished-*.pt"))) == 2


def test_scikit_learn_scores_and_searches():
    cv = MultilabelStratifiedKFold(2, random_state=0)
    for scoring in ("f1_macro", "average_precision", "roc_auc", None):
        scores = cross_val_score(on_features(max_epochs=3), X, Y, cv=cv, scoring=scoring)
        assert (scores > 0.3).all()
    grid = {"loss__tau": [0.0, 1.0], "adapter__rank": [2]}
    est = on_features(max_epochs=2, adapter="feature", head="auto")
    search = GridSearchCV(est, grid, cv=cv, scoring="average_precision").fit(X, Y)
    assert search.best_estimator_.adapter_.rank == 2
    assert {params["loss__tau"] for params in search.cv_results_["params"]} == {0.0, 1.0}


def test_tags():
    tags = get_tags(on_features())
    assert tags.classifier_tags.multi_label and not tags.classifier_tags.multi_class
    assert tags.target_tags.multi_output and not tags.target_tags.single_output
    assert not (tags.no_validation or tags.non_deterministic)


@pytest.fixture(scope="module")
def scenes():
    """24 pictures with a red half, a blue half, both or none."""
    rng = np.random.default_rng(0)
    y = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 6)
    images = rng.integers(0, 40, (24, 40, 40, 3)).astype(np.uint8)
    images[y[:, 0] == 1, :, :20, 0] = 255
    images[y[:, 1] == 1, :, 20:, 2] = 255
    return images, y


def on_pictures(**params):
    defaults = {"max_epochs": 3, "random_state": 0, "compute__precision": "float32"}
    return MultilabelClassifier("emoji-tiny", **{**defaults, **params})


def test_pictures_with_an_adapter_and_texts(scenes):
    images, y = scenes
    lists = [[name for name, has in zip(["red", "blue"], row, strict=True) if has] for row in y]
    clf = on_pictures(adapter__rank=4, max_epochs=12).fit(images, lists)
    assert clf.init_ == "text" and clf.adapter_.rank == 4
    assert clf.score(images, lists) > 0.9
    np.testing.assert_array_equal(clf.predict(images[:1]), clf.predict(images)[:1])


@pytest.mark.parametrize("augmentation", ["mixup", None])
def test_views_that_are_mixed_or_repeated(scenes, augmentation):
    clf = on_pictures(augmentation=augmentation, init="class_mean", adapter=None, max_epochs=12)
    clf.fit(*scenes)
    assert clf.score(*scenes) > 0.8
    assert np.isfinite([row["train_loss"] for row in clf.history_]).all()


@pytest.mark.filterwarnings("ignore:.*can.t be read")
def test_pictures_that_can_not_be_read(scenes, tmp_path):
    from PIL import Image

    images, y = scenes
    paths = [tmp_path / f"{i}.png" for i in range(8)]
    for path, image in zip(paths, images, strict=False):
        Image.fromarray(image).save(path)
    paths[3].write_bytes(b"no picture")
    clf = on_pictures(adapter=None, init="class_mean", reader__on_error="skip", augmentation=None)
    with pytest.warns(UserWarning, match="can't be read"):
        clf.fit(paths, y[:8])
    assert clf.skipped_.tolist() == [3] and clf.label_counts_.tolist() == y[:8].sum(0).tolist()
    with pytest.warns(UserWarning, match="can't be read"):
        predicted = clf.predict(paths)
    assert np.isnan(clf.predict_proba(paths[3:4])).all()
    assert predicted.mask.all(axis=1).tolist() == [i == 3 for i in range(8)]
    clf._form = "lists"
    assert [labels is None for labels in clf.predict(paths)] == [i == 3 for i in range(8)]
    assert clf.score(paths, y[:8]) <= 7 / 8  # the black picture that stands for it has no label


def test_frames_have_the_mean_of_their_probabilities():
    z = np.array([[2.0, -3.0], [0.5, 4.0]], np.float32)
    np.testing.assert_allclose(expit(mean_of_sigmoids(z)), expit(z).mean(0), rtol=1e-6)
    np.testing.assert_array_equal(mean_of_sigmoids(z[:1]), z[0])
    assert mean_of_sigmoids(z).dtype == np.float32


def test_some_pictures_of_each_label_tell_the_means():
    targets = np.zeros((5000, 2), np.uint8)
    targets[:3000, 0] = targets[4990:, 1] = 1
    chosen = some_of_each(targets, 100, 0)
    assert np.isin(np.arange(4990, 5000), chosen).all()
    assert 1000 <= len(chosen) <= 1110
    assert len(some_of_each(targets, 0, 0)) == 1000


@pytest.mark.parametrize("fraction", [0.3, 0.8])
def test_each_label_keeps_a_picture_for_training(fraction):
    targets = np.c_[np.ones(12), np.eye(12, 1), np.eye(12, 1, -5)].astype(np.uint8)
    for seed in range(4):
        kept, held = LabelSetHoldOut(fraction, seed)(range(12), targets)
        assert targets[kept.indices].any(0).all()
        assert sorted([*kept.indices, *held.indices]) == list(range(12))
        assert len(held) == pytest.approx(12 * fraction, abs=3)


def test_skorch_callbacks_see_labels_and_probabilities():
    seen = {}

    class Look(Callback):
        def on_epoch_end(self, net, dataset_train=None, **kwargs):
            seen["predicted"], seen["proba"] = net.predict(X[:5]), net.predict_proba(X[:5])

    clf = on_features(max_epochs=1, net_params={"callbacks": [Look()]}).fit(X, Y)
    np.testing.assert_allclose(seen["proba"], clf.predict_proba(X[:5]), rtol=1e-5)
    np.testing.assert_array_equal(seen["predicted"], clf.predict(X[:5]))
