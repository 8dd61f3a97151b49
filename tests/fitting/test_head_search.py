"""HeadSearchCV finds what GridSearchCV finds, with candidates that are trained together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift import HeadSearchCV, LiftClassifier
from sklift.heads import Cosine, Head
from sklift.heads.cosine import CosineHead
from sklift.losses import Loss
from sklift.training import SGD, AdamW

N, WIDTH, CLASSES = 90, 10, 4
rng = np.random.default_rng(0)
Y = rng.permutation(np.repeat(np.arange(CLASSES), (40, 25, 15, 10)))
X = (rng.normal(size=(CLASSES, WIDTH))[Y] + rng.normal(size=(N, WIDTH))).astype(np.float32)
FOLDS = StratifiedKFold(2)
CLF = LiftClassifier("precomputed", head="cosine", max_epochs=3, batch_size=16, random_state=0)
GRID = [
    {"loss__tau": [0.0, 1.0], "head__scale": [5, 20], "lr": [0.01, 0.1]},
    {"loss": ["focal", "ldam", "class_balanced", "lade"], "head__scale": [5, 20]},
    {"head": ["linear", "l2norm", "layernorm", "whitened_cosine"], "init": ["random"]},
    {
        "optimizer": [AdamW(warmup_epochs=1.5), SGD(nesterov=True, head_lr_factor=3.0)],
        "sampler": ["balanced"],
        "loss__top_fraction": [0.5, 1.0],
        "random_state": [1, 2],
    },
]


class Recorder:
    """Scorer that notes what an estimator has become."""

    def __init__(self):
        self.seen = []

    def __call__(self, est, X, y):
        history = [{k: v for k, v in row.items() if k != "dur"} for row in est.history_]
        state = est.model_.trained_state()
        self.seen.append((state, history, est.decision_function(X), est.implied_prior_))
        return est.score(X, y)


def searched(search, grid, X=X, y=Y, clf=CLF, **params):
    recorder = Recorder()
    settings = {"cv": FOLDS, "scoring": recorder, "refit": False}
    settings |= {k: params.pop(k) for k in list(params) if k in ("cv", "refit", "n_jobs")}
    found = search(clf, grid, **settings).fit(X, y, **params)
    return found, recorder.seen


def assert_same(grid, n_together, **params):
    """Both searches see the same models; how many were trained together."""
    theirs, alone = searched(GridSearchCV, grid, **params)
    ours, together = searched(HeadSearchCV, grid, **params)
    assert ours.n_together_ == n_together
    assert len(alone) == len(together)
    for (w, history, z, prior), (w_, history_, z_, prior_) in zip(alone, together, strict=True):
        assert w.keys() == w_.keys()
        for name in w:
            torch.testing.assert_close(w_[name], w[name], rtol=1e-4, atol=1e-5)
        assert [row.keys() for row in history] == [row.keys() for row in history_]
        for row, row_ in zip(history, history_, strict=True):
            assert list(row_.values()) == pytest.approx(list(row.values()), rel=1e-4)
        np.testing.assert_allclose(z_, z, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(prior_, prior)
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for key in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(ours.cv_results_[key], theirs.cv_results_[key])
    return ours


@pytest.mark.parametrize("part", range(len(GRID)))
def test_candidates_trained_together_become_what_they_become_alone(part):
    n = int(np.prod([len(values) for values in GRID[part].values()]))
    found = assert_same(GRID[part], 2 * n)
    assert (found.cv_results_["mean_fit_time"] > 0).all()


def test_weights_tables_of_float64_and_a_splitter_without_seed():
    frame = pd.DataFrame(X.astype(float), columns=list("abcdefghij"))
    weight = np.linspace(0.5, 2, N)
    assert_same({"loss__tau": [0.5, 1.0]}, 4, X=frame, y=pd.Series(Y), sample_weight=weight)
    cv = StratifiedKFold(2, shuffle=True)
    found, _ = searched(HeadSearchCV, {"loss__tau": [0.5, 1.0]}, cv=cv, refit=True, n_jobs=2)
    assert found.n_together_ == 4
    assert found.best_estimator_.net_ is not None
    assert found.predict(X).shape == (N,)


class Nearest(Head):
    def forward(self, features):
        return -torch.cdist(features, self.weight)


class Own(BaseEstimator):
    def build(self, n_features, n_classes):
        return Nearest(n_features, n_classes)


class Noisy(Loss):
    def per_sample(self, logits, target):
        return super().per_sample(logits + 0.1 * torch.randn_like(logits), target)


class NoisyRecipe(BaseEstimator):
    def build(self, class_counts, head=None):
        return Noisy(class_counts)


class ColderHead(CosineHead):
    def prepared(self, features):
        return super().prepared(features) / 2


class Colder(Cosine):
    def build(self, n_features, n_classes):
        return ColderHead(n_features, n_classes, self.scale)


ALONE = {
    "an adapter": {"adapter": ["feature"]},
    "a regularizer": {"regularizer": ["anchor"]},
    "a head of its own": {"head": [Own()]},
    "a loss that draws": {"loss": [NoisyRecipe()]},
    "a plain function": {"loss": [lambda z, t: torch.nn.functional.multi_margin_loss(z, t)]},
    "a head that does more": {"head": [Colder()]},
    "a trained threshold": {"loss__top_fraction": [0.5], "loss__top_smoothing": [0.1]},
    "clipping": {"optimizer__clip_grad_norm": [0.1]},
    "another optimizer": {"optimizer": [torch.optim.RMSprop]},
    "held-out data": {"validation_fraction": [0.3]},
    "two parts": {"compute__accumulate": [2]},
    "settings of the net": {"net_params": [{"iterator_train__drop_last": True}]},
}


@pytest.mark.parametrize("what", ALONE)
def test_what_is_trained_alone_is_searched_all_the_same(what):
    grid = {**ALONE[what], "max_epochs": [1]}
    found = assert_same([grid, {"max_epochs": [1]}], 1 * 2)
    assert len(found.cv_results_["params"]) == 2


def test_wrong_settings_fail_as_they_do_alone():
    with pytest.warns(FitFailedWarning, match="tau"):
        found, _ = searched(HeadSearchCV, {"loss__tau": [0.5, -1.0]})
    assert found.n_together_ == 2
    assert np.isnan(found.cv_results_["mean_test_score"]).tolist() == [False, True]
    search = HeadSearchCV(CLF, {"lr": [0.1]}, cv=FOLDS)
    with pytest.raises(ValueError, match="inconsistent"):
        search.fit(X, Y[:5])
    assert not hasattr(search, "n_together_")
    with pytest.raises(ValueError, match="sample_weight"):
        search.fit(X, Y, sample_weight=np.ones(5))


def test_splits_that_can_be_asked_for_once():
    found, _ = searched(HeadSearchCV, {"lr": [0.01, 0.1]}, cv=FOLDS.split(X, Y))
    assert found.n_together_ == 0 and found.n_splits_ == 2


def test_labels_as_objects():
    assert_same({"lr": [0.01, 0.1]}, 4, y=np.array([f"class {k}" for k in Y], dtype=object))


def test_losses_that_become_infinite_fail_as_they_do_alone():
    grid = {"lr": [0.01, 1e30], "head": ["linear"]}
    with pytest.warns(FitFailedWarning, match="FloatingPointError"):
        found, _ = searched(HeadSearchCV, grid)
    assert found.n_together_ == 2
    assert np.isnan(found.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_warnings_of_fits_are_given():
    noise = np.random.default_rng(0).normal(size=(N, 30))
    grid = {"head__scale": [25], "lr": [0.1], "max_epochs": [5]}
    with pytest.warns(UserWarning, match="still falling"):
        found, _ = searched(HeadSearchCV, grid, X=noise)
    assert found.n_together_ == 2


def test_other_estimators_are_searched_as_ever():
    pipe = make_pipeline(StandardScaler(), CLF)
    settings = {"cv": FOLDS, "refit": False}
    found = HeadSearchCV(pipe, {"liftclassifier__loss__tau": [0.5, 1.0]}, **settings).fit(X, Y)
    assert found.n_together_ == 0
    assert found.cv_results_["mean_test_score"].shape == (2,)


def test_features_of_a_frozen_tower():
    pictures = np.random.default_rng(0).integers(0, 256, (24, 40, 40, 3), np.uint8)
    y = np.tile([0, 1, 2], 8)
    clf = LiftClassifier("emoji-tiny", adapter=None, augmentation=None, init="class_mean")
    clf.set_params(head="cosine", max_epochs=2, batch_size=8, random_state=0)
    assert_same({"head__scale": [10, 20]}, 4, X=pictures, y=y, clf=clf)


def test_a_fit_outside_of_the_search_is_its_own():
    class Peeking:
        def __call__(self, est, X, y):
            other = LiftClassifier(**est.get_params(deep=False)).fit(X[:20], y[:20])
            return float(hasattr(other, "net_") and not hasattr(est, "net_"))

    settings = {"cv": FOLDS, "refit": False, "scoring": Peeking()}
    found = HeadSearchCV(CLF, {"lr": [0.01]}, **settings).fit(X, Y)
    assert found.cv_results_["mean_test_score"].tolist() == [1.0]
