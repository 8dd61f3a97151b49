"""What users write, for `mypy` to check: the public names have types, and take what they say."""

from __future__ import annotations

import numpy as np

from sklift import (
    ImageEmbedder,
    LiftClassifier,
    ShrunkGaussianClassifier,
    ZeroShotClassifier,
    __version__,
)
from sklift.adapters import AdaptFormer, LayerNormTuning, LoRA
from sklift.datasets import get_data_home, load_emoji, load_image_folder, make_long_tailed
from sklift.displays import RecallDisplay
from sklift.heads import Cosine, Linear
from sklift.images import ImageSequence
from sklift.losses import LDAM, CrossEntropy, LogitAdjusted, implied_prior
from sklift.metrics import long_tail_report, reliability_curve, shot_accuracy_score
from sklift.presets import LIFT
from sklift.regularizers import Consistency
from sklift.testing import check_image_estimator


def use() -> None:
    """Never called."""
    X, y = load_emoji("train", return_X_y=True)
    X, y = make_long_tailed(X, y, imbalance_ratio=10, random_state=0)
    clf = LiftClassifier("emoji-tiny", adapter=LoRA(rank=4), loss=LogitAdjusted(tau=0.5))
    clf.set_params(regularizer=Consistency(weight=2.0))
    found: np.ndarray = clf.fit(X, y).predict(X)
    proba = LiftClassifier(**LIFT, head=Cosine(scale=20)).fit(X, y).predict_proba(X)
    clf.set_params(adapter=[AdaptFormer(), LayerNormTuning(layers=2)], head=Linear())
    clf.partial_fit(X, y).scaled(0.5).score(X, y)
    clf.save("model.sklift")
    LiftClassifier.load("model.sklift").set_params(tta="fivecrop").estimate_prior(X)

    features: np.ndarray = ImageEmbedder("emoji-tiny").fit().transform(X)
    LiftClassifier("precomputed", loss=LDAM(max_margin=0.3)).fit(features, y)
    ShrunkGaussianClassifier(shrinkage=0.1).fit(features, y).predict(features)
    ZeroShotClassifier("emoji-tiny").fit(y=["cat", "dog"]).predict(X)

    print(long_tail_report(y, found, clf.class_counts_), __version__.upper())
    print(shot_accuracy_score(y, found, clf.class_counts_, many=50))
    confidence, accuracy, weight = reliability_curve(y, proba, n_bins=10)
    print(float(np.abs(confidence - accuracy) @ weight))
    prior: np.ndarray = implied_prior(CrossEntropy(), [90, 10])
    print(prior.sum(), get_data_home().name, ImageSequence(load_image_folder("photos").data))
    RecallDisplay.from_estimator(clf, X, y)
    print([check["status"] for check in check_image_estimator(clf)])
