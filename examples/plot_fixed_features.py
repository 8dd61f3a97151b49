"""
Fixed features: how far they go
===============================

The cheapest way to use a foundation model is to pass each picture through it once and to train on
the features. Three classifiers do so here: logistic regression, the same with balanced class
weights, and :class:`~sklift.LiftClassifier` with ``backbone="precomputed"``, which has LIFT's
balanced loss and a whitened head but nothing inside the tower. The fourth, LIFT itself, trains an
adapter there, and a cosine head that starts from the class names.
"""

# %%
# Four classifiers
# ----------------
# :class:`~sklift.ImageEmbedder` keeps the features of a picture, so that only the first of the
# three pipelines computes them; a first pass takes that out of the times below.
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline

from sklift import ImageEmbedder, LiftClassifier
from sklift.datasets import load_emoji
from sklift.displays import ShotAccuracyDisplay
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
counts = dict(zip(train.target_names, train.class_counts, strict=True))

embedder = ImageEmbedder("emoji-tiny").fit()
start = perf_counter()
features = (
    ImageEmbedder("emoji-tiny", compute__cache=False).fit().transform(train.images)
)  # none is known
print(f"features {features.shape} of the training pictures: {perf_counter() - start:.1f} s")

LIFT = dict(batch_size=32, random_state=0)
classifiers = {
    "logistic regression": make_pipeline(embedder, LogisticRegression(max_iter=300)),
    "the same, balanced weights": make_pipeline(
        embedder, LogisticRegression(max_iter=300, class_weight="balanced")
    ),
    "whitened head, balanced loss": make_pipeline(
        embedder, LiftClassifier("precomputed", max_epochs=20, lr=0.1, **LIFT)
    ),
    "LIFT in the tower": LiftClassifier(
        "emoji-tiny", prompts="an emoji of {}", augmentation=None, max_epochs=5, lr=0.05, **LIFT
    ),
}
seconds, predicted = {}, {}
for name, classifier in classifiers.items():
    start = perf_counter()
    classifier.fit(train.images, train.target)
    seconds[name] = perf_counter() - start
    predicted[name] = classifier.predict(test.images)

# %%
# The picture
# -----------
display = ShotAccuracyDisplay.from_predictions(test.target, predicted, counts)
display.figure_.set_size_inches(9.5, 4.6)
display.ax_.set_ylim(0, 1.12)
plt.show()

# %%
# What it shows
# -------------
# Training is random, so the head on fixed features, which is quick, is trained with more seeds: a
# difference to take seriously is larger than their spread.
table = 100 * pd.DataFrame(display.scores).T.rename(columns={"all": "balanced"})
table.insert(0, "accuracy", {k: 100 * accuracy_score(test.target, p) for k, p in predicted.items()})
table["seconds"] = seconds
print("Per cent correct, and seconds of training")
print(table.round(1).to_string())

head = classifiers["whitened head, balanced loss"]
seeds = []
for seed in range(5):
    head.set_params(liftclassifier__random_state=seed).fit(train.images, train.target)
    groups = shot_accuracy_score(test.target, head.predict(test.images), counts)
    seeds.append(100 * groups["few"])
plain, weighted, whitened, tower = table["few"]
print(
    f"\nFew-shot classes: balanced weights bring {weighted - plain:+.1f} points to logistic "
    f"regression, the loss and the whitened head {whitened - plain:+.1f}, still on fixed features, "
    f"and LIFT in the tower {tower - plain:+.1f}, in {seconds['LIFT in the tower']:.1f} s instead "
    f"of {seconds['whitened head, balanced loss']:.1f}. Seeds of the whitened head differ by "
    f"{np.std(seeds, ddof=1):.1f} points (standard deviation)."
)

# %%
# So start with fixed features and a balanced loss: here they bring most of what there is to gain,
# at the price of one pass over the pictures. Then let an adapter show on your own pictures whether
# it is worth its time.
