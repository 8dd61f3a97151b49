"""Training in several calls, with held-out data, other draws, and callbacks."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift._fitting._hold_out import HoldOut
from sklift.adapters import LoRA
from sklift.training import SGD


@pytest.fixture(scope="module")
def blobs():
    """Features (90, 8) of three directions that overlap, 60 + 20 + 10, and labels."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [60, 20, 10])
    return 1.5 * np.eye(8)[codes] + rng.normal(size=(90, 8)), np.array(["a", "b", "c"])[codes]


def on_features(**params):
    return LiftClassifier("precomputed", **{"random_state": 0, "batch_size": 16, **params})


def weights(clf):
    return clf.model_.trained_state()


class TestPartialFit:
    def test_passes_add_up(self, blobs):
        X, y = blobs
        clf = on_features().partial_fit(X, y, classes=["a", "b", "c"])
        first = weights(clf)["head.weight"]
        losses = [clf.partial_fit(X, y).history_[-1]["train_loss"] for _ in range(10)]
        assert losses[-1] < losses[0]
        assert not torch.equal(first, weights(clf)["head.weight"])
        assert len(clf.history_) == 11 and {row["lr"] for row in clf.history_} == {0.02}
        assert clf.class_counts_.tolist() == [660, 220, 110]

    def test_batches_need_not_hold_all_classes(self, blobs):
        X, y = blobs
        clf = on_features(init="random")
        for part in np.array_split(np.arange(90), 5):
            clf.partial_fit(X[part], y[part], classes=np.array(["a", "b", "c"]))
        assert clf.class_counts_.tolist() == [60, 20, 10]
        np.testing.assert_allclose(clf.class_prior_, [6 / 9, 2 / 9, 1 / 9])
        np.testing.assert_allclose(clf.net_.criterion_.class_counts, [60, 20, 10])

    def test_the_first_pass_is_one_epoch_of_fit(self, blobs):
        X, y = blobs
        once = on_features(max_epochs=1).fit(X, y)
        clf = on_features().partial_fit(X, y, classes=np.unique(y))
        np.testing.assert_array_equal(clf.predict_proba(X), once.predict_proba(X))

    def test_after_fit_and_after_a_pickle(self, quick, shapes):
        clf = quick().fit(*shapes)
        loaded = pickle.loads(pickle.dumps(clf))
        for each in (clf, loaded):
            before = weights(each)["head.weight"]
            each.partial_fit(*shapes)
            assert not torch.equal(before, weights(each)["head.weight"])
            assert len(each.history_) == 3 and each.class_counts_.sum() == 48
        assert each.score(*shapes) > 0.8

    def test_the_momentum_is_carried_on(self, blobs):
        X, y = blobs
        whole = on_features(batch_size=90, lr=0.1)
        forgetful = clone(whole)
        for _ in range(3):
            whole.partial_fit(X, y, classes=np.unique(y))
            if hasattr(forgetful, "net_"):
                forgetful = pickle.loads(pickle.dumps(forgetful))
            forgetful.partial_fit(X, y, classes=np.unique(y))
        start = on_features(batch_size=90, lr=1e-9).partial_fit(X, y, classes=np.unique(y))
        moved = [
            (weights(clf)["head.weight"] - weights(start)["head.weight"]).norm()
            for clf in (whole, forgetful)
        ]
        assert moved[0] > 1.3 * moved[1]

    def test_mistakes(self, blobs):
        X, y = blobs
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            on_features().partial_fit(X, y)
        clf = on_features().partial_fit(X, y, classes=np.unique(y))
        with pytest.raises(ValueError, match="not the same as on last call"):
            clf.partial_fit(X, y, classes=["a", "b"])
        with pytest.raises(ValueError, match="is not among classes"):
            clf.partial_fit(X[:1], ["d"])
        with pytest.raises(ValueError, match="expecting 8 features"):
            clf.partial_fit(X[:, :3], y)
        with pytest.raises(ValueError, match=r"same head: .*Cosine.* before, now .*Linear"):
            clf.set_params(head="linear").partial_fit(X, y)


class TestWarmStart:
    def test_it_goes_on(self, quick, shapes):
        clf = quick(warm_start=True, adapter=LoRA()).fit(*shapes)
        first = clf.history_
        clf.fit(*shapes)
        assert len(clf.history_) == len(first)
        assert clf.history_[0]["train_loss"] < first[0]["train_loss"]

    def test_without_it_fit_starts_anew(self, quick, shapes):
        clf = quick().fit(*shapes)
        first = clf.predict_proba(shapes[0])
        np.testing.assert_array_equal(clf.fit(*shapes).predict_proba(shapes[0]), first)

    def test_another_model_is_refused(self, quick, shapes, blobs):
        clf = quick(warm_start=True, adapter=LoRA()).fit(*shapes)
        with pytest.raises(ValueError, match=r"same adapter: LoRA.*rank=1.* before, now .*rank=8"):
            clf.set_params(adapter__rank=8).fit(*shapes)
        with pytest.raises(ValueError, match="same classes: 3 before, now 2"):
            clf.set_params(adapter__rank=1).fit(shapes[0][:20], shapes[1][:20])
        X, y = blobs
        clf = on_features(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"same backbone .*\(8 features\) .*\(5 features\)"):
            clf.fit(X[:, :5], y)

    def test_a_failed_fit_keeps_the_model(self, quick, shapes):
        clf = quick(warm_start=True).fit(*shapes)
        with pytest.raises(ValueError):
            clf.fit(shapes[0], shapes[1][:3])
        assert clf.predict(shapes[0][:1]) == "blue square"


class TestValidation:
    def test_the_history_tells(self, blobs):
        X, y = blobs
        clf = on_features(validation_fraction=0.2).fit(X, y)
        assert clf.class_counts_.tolist() == [48, 16, 8]
        assert {"valid_loss", "valid_acc"} <= clf.history_[0].keys()
        assert 0.3 < clf.history_[-1]["valid_acc"] <= 1

    def test_the_best_epoch_is_kept(self, blobs):
        X, y = blobs
        params = {"lr": 5.0, "max_epochs": 60, "validation_fraction": 0.3, "loss": "cross_entropy"}
        clf = on_features(early_stopping=True, n_iter_no_change=3, **params).fit(X, y)
        losses = [row["valid_loss"] for row in clf.history_]
        best = int(np.argmin(losses)) + 1
        assert len(losses) == best + 3 < 60
        _, held = HoldOut(0.3, _seed(0))(range(90), np.unique(y, return_inverse=True)[1])
        log_proba = np.log(clf.predict_proba(X[held.indices]))
        codes = np.searchsorted(clf.classes_, y[held.indices])
        np.testing.assert_allclose(-log_proba[range(len(codes)), codes].mean(), min(losses))

    @pytest.mark.parametrize("counts", [[1, 1, 2], [100, 1, 1, 1], [7, 6, 5, 5], [1000, 20, 3]])
    @pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.99])
    def test_every_class_keeps_one(self, counts, fraction):
        codes = np.repeat(np.arange(len(counts)), counts)
        train, held = HoldOut(fraction, 0)(range(len(codes)), codes)
        assert sorted([*train.indices, *held.indices]) == list(range(len(codes)))
        left = np.bincount(codes[train.indices], minlength=len(counts))
        assert left.min() >= 1
        wanted = max(1, round(fraction * len(codes)))
        most = np.minimum(np.ceil(fraction * np.array(counts)), np.array(counts) - 1)
        assert len(held.indices) == min(wanted, most.sum())
        assert (np.bincount(codes[held.indices], minlength=len(counts)) <= most).all()

    @pytest.mark.parametrize("seed", range(5))
    def test_what_stays_has_weight(self, blobs, seed):
        X, y = blobs
        weight = np.where((y == "c") & (np.arange(90) != 85), 0.0, 1.0)
        clf = on_features(validation_fraction=0.5, random_state=seed)
        assert (clf.fit(X, y, sample_weight=weight).class_prior_ > 0).all()

    def test_nothing_to_hold_out(self):
        with pytest.raises(ValueError, match="no class has a second sample"):
            on_features(early_stopping=True).fit(np.eye(3), ["a", "b", "c"])


class TestSampler:
    @pytest.mark.parametrize(("sampler", "mass"), [("balanced", [30, 30, 30]), ("sqrt", None)])
    def test_the_loss_counts_what_is_drawn(self, blobs, sampler, mass):
        X, y = blobs
        seen = []

        class Look(Callback):
            def on_batch_begin(self, net, batch, training, **kwargs):
                seen.extend(batch[1].tolist())

        clf = on_features(sampler=sampler, net_params={"callbacks": [Look()]}, max_epochs=20).fit(
            X, y
        )
        roots = np.sqrt([60, 20, 10])
        mass = 90 * roots / roots.sum() if mass is None else mass
        np.testing.assert_allclose(clf.net_.criterion_.class_counts, mass, rtol=1e-5)
        np.testing.assert_allclose(np.bincount(seen) / 20, mass, rtol=0.1)
        assert clf.class_counts_.tolist() == [60, 20, 10]

    def test_weights_add_to_it(self, blobs):
        X, y = blobs
        clf = on_features(sampler="balanced", loss="cross_entropy")
        clf.fit(X, y, sample_weight=np.where(y == "a", 3.0, 1.0))
        np.testing.assert_allclose(clf.net_.criterion_.class_counts, [90, 30, 30], rtol=1e-5)
        np.testing.assert_allclose(clf.implied_prior_, [0.6, 0.2, 0.2])


def test_gradients_are_clipped(blobs):
    X, y = blobs
    start = on_features(lr=1e-12, max_epochs=1).fit(X, y)
    params = {"lr": 1.0, "max_epochs": 1, "weight_decay": 0, "batch_size": 90}
    for limit, accumulate in [(1e-3, 1), (1e-3, 3), (1e-2, 1)]:
        optimizer = SGD(momentum=0, clip_grad_norm=limit)
        clf = on_features(optimizer=optimizer, compute__accumulate=accumulate, **params).fit(X, y)
        step = weights(clf)["head.weight"] - weights(start)["head.weight"]
        assert step.norm().item() == pytest.approx(limit, rel=1e-3)


def test_weights_of_one_are_no_weights(blobs):
    X, y = blobs
    plain, weighted = (
        on_features(validation_fraction=0.2).fit(X, y, sample_weight=w) for w in (None, np.ones(90))
    )
    np.testing.assert_allclose(plain.predict_proba(X), weighted.predict_proba(X))


def test_small_weights_are_weights(blobs):
    X, y = blobs
    plain, weighted = (
        on_features(loss="cross_entropy").fit(X, y, sample_weight=np.full(90, w))
        for w in (1.0, 1e-14)
    )
    np.testing.assert_allclose(plain.predict_proba(X), weighted.predict_proba(X), rtol=1e-4)
    for wrong in (1e-40, 1e38):
        with pytest.raises(ValueError, match="beyond 1e-30 to 1e30: scale it"):
            on_features().fit(X, y, sample_weight=np.full(90, wrong))


def test_another_optimizer_starts_afresh(blobs):
    X, y = blobs
    clf = on_features().fit(X, y)
    clf.set_params(optimizer="adamw", lr=1e-3).partial_fit(X, y)
    assert len(clf.history_) == clf.max_epochs_ + 1 and clf.score(X, y) > 0.6


class TestSklearnCallbacks:
    def test_epochs_are_told(self, blobs):
        pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
        log = []

        class Recorder:
            def setup(self, estimator, context):
                log.append("setup")

            def teardown(self, estimator, context):
                log.append("teardown")

            def on_fit_task_begin(self, estimator, context):
                log.append(f"begin {context.task_name}")

            def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
                log.append(f"end {context.task_name} {fitted_estimator.predict(X).shape}")
                return context.task_name == "epoch" and context.task_id == 1

        clf = on_features(max_epochs=9).set_callbacks(Recorder()).fit(*blobs)
        epoch = ["begin epoch", "end epoch (90,)"]
        assert log == ["setup", "begin fit", *epoch, *epoch, "end fit (90,)", "teardown"]
        assert len(clf.history_) == 2
        assert clone(clf).fit(*blobs).history_

    def test_every_epoch_can_be_scored(self, quick, shapes, tmp_path):
        callback = pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
        from PIL import Image

        from sklift.metrics import few_shot_scorer

        paths = [tmp_path / f"{i}.png" for i in range(24)]
        for path, image in zip(paths, shapes[0], strict=True):
            Image.fromarray(image).save(path)
        paths[13].write_bytes(b"no picture")
        monitor = callback.ScoringMonitor(scoring={"few": few_shot_scorer})
        with pytest.warns(UserWarning, match="1 of 24 pictures"):
            quick(reader__on_error="skip").set_callbacks(monitor).fit(paths, shapes[1])
        scores = [row["few"] for row in monitor.get_logs().data]
        assert len(scores) == 3 and all(0 <= score <= 1 for score in scores)  # two epochs, the fit

    def test_the_progress_bar_of_scikit_learn(self, quick, shapes):
        callback = pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
        pytest.importorskip("rich", reason="draws scikit-learn's progress bar")
        clf = quick().set_callbacks(callback.ProgressBar()).fit(*shapes)
        assert pickle.loads(pickle.dumps(clf)).predict(shapes[0]).shape == (24,)


class TestTargetPrior:
    @pytest.mark.parametrize("loss", ["logit_adjusted", "cross_entropy", "class_balanced"])
    def test_predictions_agree_with_each_other(self, blobs, loss):
        X, y = blobs
        clf = on_features(loss=loss).fit(X, y)
        plain = clf.decision_function(X)
        clf.set_params(target_prior=[0.2, 0.3, 0.5])
        shift = clf.decision_function(X) - plain
        expected = np.log([0.2, 0.3, 0.5]) - np.log(clf.implied_prior_)
        np.testing.assert_allclose(shift, np.broadcast_to(expected, shift.shape), atol=1e-9)
        best = clf.decision_function(X).argmax(1)
        assert (clf.classes_[best] == clf.predict(X)).all()
        assert (clf.predict_proba(X).argmax(1) == best).all()
        clf.set_params(target_prior={"c": 5, "a": 2, "b": 3})
        np.testing.assert_allclose(clf.decision_function(X) - plain, shift)

    def test_what_the_loss_aims_at_changes_nothing(self, blobs):
        X, y = blobs
        balanced = on_features().fit(X, y)
        train = on_features(loss="cross_entropy").fit(X, y)
        np.testing.assert_allclose(balanced.implied_prior_, [1 / 3] * 3)
        np.testing.assert_allclose(train.implied_prior_, train.class_prior_)
        for clf, target in ((balanced, "balanced"), (train, "train")):
            plain = clf.predict_proba(X)
            np.testing.assert_allclose(clf.set_params(target_prior=target).predict_proba(X), plain)

    def test_two_classes(self, blobs):
        X, y = blobs
        clf = on_features(target_prior={"a": 0.9, "rest": 0.1})
        clf.fit(X, np.where(y == "a", "a", "rest"))
        margin, proba = clf.decision_function(X), clf.predict_proba(X)
        np.testing.assert_allclose(np.log(proba[:, 1] / proba[:, 0]), margin, atol=1e-9)

    def test_the_mix_is_found_and_pays(self):
        rng = np.random.default_rng(0)

        def draw(counts):
            codes = np.repeat([0, 1, 2], counts)
            return 1.5 * np.eye(3)[codes] + rng.normal(size=(len(codes), 3)), codes

        X, y = draw([600, 200, 100])
        clf = on_features(head="linear", max_epochs=60, lr=0.1, weight_decay=0).fit(X, y)
        X, y = draw([100, 300, 2600])
        prior = clf.estimate_prior(X)
        np.testing.assert_allclose(prior, [0.033, 0.1, 0.867], atol=0.04)
        plain = clf.score(X, y)
        assert clf.set_params(target_prior=prior).score(X, y) > plain + 0.1
        np.testing.assert_array_equal(clf.estimate_prior(X), prior)  # whatever the target is


def _seed(random_state):
    """What `fit` draws from an int."""
    return int(np.random.RandomState(random_state).randint(2**31 - 1))
