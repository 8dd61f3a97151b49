"""
Mistakes: look at the pictures
==============================

A score says how often a classifier is wrong. What to do about it is seen in the pictures: whether
they are hard, the classes alike, or the labels questionable. This example looks at LIFT's mistakes
on emoji in 99 classes three ways: by the size of the class, by picture, and by the pair of classes.
"""

# %%
# A classifier
# ------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklift import LiftClassifier
from sklift.datasets import load_emoji
from sklift.displays import (
    ContactSheetDisplay,
    OcclusionDisplay,
    RecallDisplay,
    SaliencyDisplay,
)

train, test = load_emoji("train"), load_emoji("test")
classifier = LiftClassifier(
    "emoji-tiny",
    prompts="an emoji of {}",
    augmentation=None,
    max_epochs=5,
    batch_size=32,
    lr=0.05,
    random_state=0,
)
classifier.fit(train.images, train.target)
proba = classifier.predict_proba(test.images)
predicted = classifier.classes_[proba.argmax(axis=1)]
wrong = predicted != test.target
print(f"{wrong.sum()} of {len(wrong)} test pictures are wrong")

# %%
# By the size of the class
# ------------------------
counts = dict(zip(classifier.classes_, classifier.class_counts_, strict=True))
RecallDisplay.from_predictions(test.target, predicted, counts)
plt.show()

# %%
# By picture
# ----------
# The worst come first: those whose true class was given the least probability.
# Variants of one emoji would crowd the sheet, so each family of variants shows one picture.
one = np.unique(test.families, return_index=True)[1]
ContactSheetDisplay.from_predictions(
    test.images[one], test.target[one], predicted[one], proba[one], labels=classifier.classes_
)
plt.show()

# %%
# Why?
# ----
# Parts of a picture are painted over, one after another. Where the wrong class becomes less
# probable, that part spoke for it (orange).
sure = np.flatnonzero(wrong)[np.argsort(-proba[wrong].max(axis=1), kind="stable")]
sure = sure[np.sort(np.unique(test.families[sure], return_index=True)[1])][:8]
OcclusionDisplay.from_estimator(classifier, [test.images[i] for i in sure])
plt.show()

# %%
# Gradients tell where the model looks for the wrong class from one pass through it, not from fifty.
SaliencyDisplay.from_estimator(classifier, [test.images[i] for i in sure])
plt.show()

# %%
# By the pair of classes
# ----------------------
pairs = pd.DataFrame({"true": test.target[wrong], "predicted": predicted[wrong]}).value_counts()
print(pairs.head(12).to_string())

# %%
# What it shows
# -------------
# Two sorts of mistakes. Some are near misses: a sub-group's name starts with its kind, and
# "person-role" and "person-sport" are both persons. Others are of classes by meaning, not by look:
# a lantern cut from a pumpkin is an "event", scissors are "office". Near misses ask for more
# pictures of both classes or for one class, classes by meaning for other labels.
true_kind, predicted_kind = (
    np.array([label.split("-")[0] for label in labels[wrong]])
    for labels in (test.target, predicted)
)
shuffled = np.random.default_rng(0).permutation(predicted_kind)
second = classifier.classes_[np.argsort(proba, axis=1)[:, -2]]
print(
    f"{np.mean(true_kind == predicted_kind):.0%} of the mistakes stay in the kind "
    f"({np.mean(true_kind == shuffled):.0%} would by chance); in "
    f"{np.mean(second[wrong] == test.target[wrong]):.0%} the second guess is right"
)
