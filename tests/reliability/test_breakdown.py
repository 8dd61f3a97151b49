"""Numbers that get out of hand, and memory that runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift._model import TunedModel
from sklift.losses import LOSSES


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [60, 20, 10])
    return 1.5 * np.eye(8)[codes] + rng.normal(size=(90, 8)), np.array(["a", "b", "c"])[codes]


def finite(clf):
    return all(torch.isfinite(t).all() for t in clf.model_.trained_state().values())


class TestBreakdown:
    def test_a_rate_that_is_too_high(self, blobs):
        X, y = blobs
        clf = LiftClassifier("precomputed", head="linear", lr=1e200, random_state=0, batch_size=30)
        with pytest.raises(FloatingPointError, match=r"epoch \d, batch \d, at a learning rate of"):
            clf.fit(X, y)
        assert finite(clf) and np.isfinite(clf.predict_proba(X)).all()

    def test_the_last_step_counts_as_well(self, blobs):
        X, y = blobs
        clf = LiftClassifier("precomputed", head="linear", lr=1e308, weight_decay=1e5, max_epochs=1)
        with pytest.raises(FloatingPointError, match="the weights became infinite in epoch 1"):
            clf.fit(X, y)
        assert finite(clf)

    def test_the_good_weights_are_those_of_the_last_epoch(self, blobs):
        X, y = blobs
        good = LiftClassifier(
            "precomputed",
            random_state=0,
            max_epochs=4,
            net_params={"callbacks": []},
        )

        class Poison(Callback):
            def on_batch_begin(self, net, batch, training=False, **kwargs):
                if training and len(net.history) == 3:
                    net.module_.head.weight.data.fill_(torch.nan)

        bad = LiftClassifier(
            "precomputed",
            random_state=0,
            max_epochs=4,
            net_params={"callbacks": [Poison()]},
        )
        with pytest.raises(FloatingPointError, match=r"loss became nan in epoch 3, batch 1, at"):
            bad.fit(X, y)
        assert len(bad.history_) == 2

        class Stop(Callback):
            def on_epoch_end(self, net, **kwargs):
                if len(net.history) == 2:
                    raise KeyboardInterrupt

        good.set_params(net_params={"callbacks": [Stop()]}).fit(X, y)
        np.testing.assert_array_equal(bad.predict_proba(X), good.predict_proba(X))

    @pytest.mark.parametrize("fraction", [1.0, 0.5])
    def test_training_goes_on_from_the_good_state(self, blobs, fraction):
        X, y = blobs[0].astype(np.float32), blobs[1]
        clf = LiftClassifier("precomputed", head="linear", init="class_mean", lr=0.1, batch_size=8)
        if fraction < 1:  # the loss has a trained threshold
            clf.set_params(loss__top_fraction=fraction, loss__top_smoothing=0.2)
        clf.partial_fit(X, y, classes=np.unique(y))
        good = [p.detach().clone() for p in clf.net_.criterion_.parameters()]
        with pytest.raises(FloatingPointError):
            clf.set_params(lr=1e38).partial_fit(X, y)
        ours = list(clf.net_.criterion_.parameters())
        assert len(ours) == (fraction < 1) and all(map(torch.equal, ours, good))
        clf.set_params(lr=0.1).partial_fit(X, y)  # no momentum of the failure is left
        assert clf.history_[-1]["train_loss"] < 10

    def test_a_bar_is_closed_and_the_data_released(self, blobs, capfd):
        clf = LiftClassifier("precomputed", head="linear", lr=1e200, verbose=1)
        with pytest.raises(FloatingPointError):
            clf.fit(*blobs)
        assert not any(hasattr(c, "bar_") for _, c in clf.net_.callbacks_)


@pytest.mark.parametrize("loss", sorted(LOSSES))
class TestExtremes:
    def fit(self, X, y, loss, **params):
        clf = LiftClassifier("precomputed", loss=loss, random_state=0, max_epochs=1, **params)
        clf.fit(X, y)
        proba = clf.predict_proba(X[:5])
        assert np.isfinite(proba).all() and np.isfinite(clf.decision_function(X[:5])).all()
        np.testing.assert_allclose(proba.sum(1), 1, atol=1e-6)
        return clf

    def test_one_sample_a_class(self, loss):
        self.fit(np.eye(3), [0, 1, 2], loss)

    def test_many_classes(self, loss):
        X = np.random.default_rng(0).normal(size=(10_000, 4)).astype(np.float32)
        self.fit(X, np.arange(10_000), loss, batch_size=2000)

    def test_one_to_ten_thousand(self, loss):
        X = np.random.default_rng(0).normal(size=(10_001, 4)).astype(np.float32)
        self.fit(X, np.arange(10_001) == 0, loss, batch_size=4000)

    def test_extreme_logits(self, loss):
        X = 1e4 * np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
        self.fit(X, np.arange(30) % 3, loss, head="linear", lr=1e-6)


class TestMemory:
    @pytest.fixture
    def small(self, monkeypatch):
        """Make the memory suffice for so many pictures at once; tell what was tried."""
        forward, tried = TunedModel.forward, []

        def limit(n, error=None):
            def limited(self, x):
                tried.append(len(x))
                if len(x) > n:
                    raise error or torch.OutOfMemoryError("CUDA out of memory")
                return forward(self, x)

            monkeypatch.setattr(TunedModel, "forward", limited)
            return tried

        return limit

    @pytest.mark.parametrize("loss", ["logit_adjusted", "lade"])
    def test_training_goes_on_in_parts(self, quick, shapes, small, loss):
        expected = quick(loss=loss).fit(*shapes)
        tried = small(2)
        clf = quick(loss=loss).fit(*shapes)
        assert clf.accumulate_ == 4 and expected.accumulate_ == 1
        assert tried[:3] == [8, 4, 2] and set(tried[3:]) == {2}  # it remembers
        np.testing.assert_allclose(
            clf.predict_proba(shapes[0]), expected.predict_proba(shapes[0]), atol=1e-5
        )
        for row, other in zip(clf.history_, expected.history_, strict=True):
            assert row["train_acc"] == other["train_acc"]
            assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)

    def test_the_memory_of_the_cpu(self, quick, shapes, small):
        small(4, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"))
        assert quick().fit(*shapes).accumulate_ == 2

    def test_prediction_goes_on_in_parts(self, quick, shapes, small):
        clf = quick().fit(*shapes)
        expected = clf.predict_proba(shapes[0])
        tried = small(3)
        np.testing.assert_allclose(clf.predict_proba(shapes[0]), expected, atol=1e-6)
        assert tried[:3] == [8, 4, 2] and set(tried[3:]) == {2}
        tried.clear()
        clf.predict(shapes[0])
        assert set(tried) == {2}

    def test_what_never_fits_is_an_error(self, quick, shapes, small):
        small(0)
        with pytest.raises(torch.OutOfMemoryError):
            quick(init="random").fit(*shapes)

    def test_other_errors_are_not_taken_for_it(self, quick, shapes, small):
        tried = small(0, RuntimeError("something else"))
        with pytest.raises(RuntimeError, match="something else"):
            quick(init="random").fit(*shapes)
        assert tried == [8]
