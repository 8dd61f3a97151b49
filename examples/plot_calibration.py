"""
Calibration: is 80 % right in 80 % of the cases?
================================================

A classifier that learns its few training pictures by heart is too sure of itself on new ones. The
usual cure is a *temperature* by which all logits are divided. It is learned from pictures that were
not trained on, by scikit-learn's :class:`~sklearn.calibration.CalibratedClassifierCV`.
"""

# %%
# A classifier, and pictures to calibrate with
# --------------------------------------------
# Variants of one emoji (skin tones, genders) are a *family*. A family must not be both trained on
# and calibrated with: it would look easier than new pictures are. scikit-learn's group splitters
# see to that.
from copy import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.fixes import parse_version

from sklift import LiftClassifier
from sklift.datasets import load_emoji
from sklift.displays import ReliabilityDisplay
from sklift.metrics import expected_calibration_error

train, test = load_emoji("train"), load_emoji("test")
frequent = test.target_names[test.class_counts >= 12]
known, tested = np.isin(train.target, frequent), np.isin(test.target, frequent)
X, y, families = train.images[known], train.target[known], train.families[known]
X_test, y_test = test.images[tested], test.target[tested]

splitter = StratifiedGroupKFold(4, shuffle=True, random_state=0)
fitted, held_out = next(splitter.split(X, y, families))
print(
    f"{len(frequent)} classes; {len(fitted)} pictures to train on, {len(held_out)} to calibrate "
    f"with, {len(y_test)} to test on"
)
classifier = LiftClassifier(
    "emoji-tiny",
    prompts="an emoji of {}",
    augmentation=None,
    max_epochs=10,
    batch_size=32,
    lr=0.05,
    random_state=0,
)
classifier.fit(X[fitted], y[fitted])

# %%
# The temperature
# ---------------
# :class:`~sklearn.frozen.FrozenEstimator` keeps the calibration from training the classifier again.
# scikit-learn has the temperature from version 1.8 on; before, there is Platt's sigmoid, with two
# numbers for each class instead of one for all.
METHOD = "temperature" if parse_version(sklearn.__version__) >= parse_version("1.8") else "sigmoid"


def calibrate(classifier):
    """The classifier with calibrated probabilities."""
    frozen = FrozenEstimator(classifier)
    calibrated = CalibratedClassifierCV(frozen, method=METHOD, cv=3, ensemble=False)
    return calibrated.fit(X[held_out], y[held_out])


# %%
# There is another suspect: the loss aims at equal shares of the classes, and the test pictures come
# in about those of the training data. ``target_prior="train"`` says so, and is tried as well.
for_mix = copy(classifier).set_params(target_prior="train")
classifiers = {
    "as trained": classifier,
    "training mix": for_mix,
    "calibrated": calibrate(classifier),
    "training mix, calibrated": calibrate(for_mix),
}

# %%
# The picture
# -----------
# Above, the orange lines are the gaps between confidence and accuracy; the histograms below tell
# how many pictures each stands for.
figure, axes = plt.subplots(1, 2, figsize=(10.4, 5.8), layout="constrained")
for ax, name in zip(axes, ("as trained", "calibrated"), strict=True):
    display = ReliabilityDisplay.from_estimator(classifiers[name], X_test, y_test, n_bins=10, ax=ax)
    display.axes_[0].text(0.03, 0.95, name, va="top", weight="bold", fontsize=12)
plt.show()

# %%
# What it shows
# -------------
# The mix of classes is not at fault: assuming the right one leaves the confidence too high. The
# calibration, learned from a few pictures, brings it down to about the accuracy.
rows = {}
for name, model in classifiers.items():
    proba = model.predict_proba(X_test)
    rows[name] = {
        "accuracy": accuracy_score(y_test, model.predict(X_test)),
        "mean confidence": proba.max(axis=1).mean(),
        "ECE": expected_calibration_error(y_test, proba, labels=model.classes_, n_bins=10),
    }
table = pd.DataFrame(rows).T
print(table.round(3).to_string())

over = 100 * (table["mean confidence"] - table["accuracy"])
print(
    f"\nConfidence exceeds accuracy by {over['as trained']:.1f} points as trained, by "
    f"{over['training mix']:.1f} with the training mix assumed, by {over['calibrated']:.1f} "
    f"calibrated with {len(held_out)} pictures."
)
