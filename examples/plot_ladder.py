"""
The ladder: what each step adds
===============================

From class names without a single training picture to an adapter inside of the tower, in eight
steps. All of them see the same pictures, the same frozen tower, and test pictures by another
vendor's hand. Each step says what it costs, so you can stop where the next one doesn't pay for you.
"""

# %%
# Eight classifiers
# -----------------
# The first looks at names alone. The next five see features that are computed once, the seventh
# changes the tower, and the last is the mean of the two before it. All have one seed here;
# :ref:`the quickstart <sphx_glr_auto_examples_plot_quickstart.py>` shows how far seeds lie apart.
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift import ImageEmbedder, LiftClassifier, ShrunkGaussianClassifier, ZeroShotClassifier
from sklift.datasets import load_emoji
from sklift.metrics import shot_accuracy_score

BACKBONE, PROMPTS = "emoji-tiny", "an emoji of {}"
train, test = load_emoji("train"), load_emoji("test")
embedder = ImageEmbedder(BACKBONE).fit()
start = time.perf_counter()
features, test_features = embedder.transform(train.images), embedder.transform(test.images)
seconds = time.perf_counter() - start
print(f"features of {len(features)} + {len(test_features)} pictures: {seconds:.0f} s")

pictures = train.images, test.images
rows = features, test_features
probe = LogisticRegression(max_iter=1000, class_weight="balanced")
LADDER = {
    "class names": (ZeroShotClassifier(BACKBONE, prompts=PROMPTS), pictures),
    "class means": (make_pipeline(StandardScaler(), NearestCentroid()), rows),
    "logistic regression": (make_pipeline(StandardScaler(), probe), rows),
    "shrunk Gaussian": (ShrunkGaussianClassifier(), rows),
    "cosine head": (LiftClassifier("precomputed", head="cosine", random_state=0), rows),
    "default head": (LiftClassifier("precomputed", random_state=0), rows),
    "default with adapter": (
        LiftClassifier(BACKBONE, prompts=PROMPTS, augmentation=None, random_state=0),
        pictures,
    ),
}
counts = dict(zip(*np.unique(train.target, return_counts=True), strict=True))


def scores(y_pred):
    """Accuracy and mean recalls in per cent."""
    recall = recall_score(test.target, y_pred, labels=np.unique(test.target), average="macro")
    groups = shot_accuracy_score(test.target, y_pred, counts)
    named = {"accuracy": accuracy_score(test.target, y_pred), "balanced": recall, **groups}
    return {name: 100 * value for name, value in named.items()}


table = []
for name, (classifier, (X, X_test)) in LADDER.items():
    start = time.perf_counter()
    classifier.fit(X, train.target)
    seconds = time.perf_counter() - start
    table.append({"step": name, **scores(classifier.predict(X_test)), "seconds of fit": seconds})

last_two = [(classifier, X_test) for classifier, (_, X_test) in LADDER.values()][-2:]
mean = np.mean([classifier.predict_proba(X_test) for classifier, X_test in last_two], axis=0)
seconds = sum(row["seconds of fit"] for row in table[-2:])
predicted = last_two[0][0].classes_[mean.argmax(axis=1)]
table.append({"step": "mean of both", **scores(predicted), "seconds of fit": seconds})
table = pd.DataFrame(table).set_index("step")
print(table.round(1).to_string())

# %%
# The picture
# -----------
# One line for each group of classes, by the number of their training pictures, and all classes
# alike in black. On the right the price, on a logarithmic axis.
GROUPS = {
    "many": ("many-shot (> 100)", "#88CCEE"),
    "medium": ("medium-shot (20 to 100)", "#DDAA33"),
    "few": ("few-shot (< 20)", "#AA3377"),
    "balanced": ("all classes (balanced)", "black"),
}
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), width_ratios=(2.6, 1), sharey=True, layout="constrained"
)
heights = np.arange(len(table))[::-1]
for column, (label, colour) in GROUPS.items():
    left.plot(table[column], heights, "o-", color=colour, label=label, lw=1.5, ms=5)
for height, value in zip(heights, table["balanced"], strict=True):
    left.annotate(f"{value:.0f}", (value, height), (5, 5), textcoords="offset points", fontsize=9)
left.set_yticks(heights, table.index)
left.set(xlabel="mean recall (%)", xlim=(0, 100))
left.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=4, fontsize=8.5)
right.barh(heights, table["seconds of fit"].clip(lower=0.01), color="0.7", height=0.5)
right.set(xscale="log", xlabel="seconds of fit")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)
plt.show()

# %%
# What it shows
# -------------
# A frozen tower, a good head and a few seconds take most of the way. Rare classes gain where the
# head knows how the features vary (the Gaussian, and the default head, which is whitened) and how
# rare each class is (the loss). Medium-shot classes pay for some of it: plain logistic regression
# says them more often.
#
# The adapter does not pay here: icons of 40 pixels and a tower of two million weights that has seen
# nothing else. It is the default because photographs are another matter: on 500 photographs of
# groceries it adds 12 points to the default head (``benchmarks/README.md``, "Accuracy"). Where you
# can't tell, measure both on held-out pictures, as here; a minute decides.
step = table["balanced"]
print(
    f"By names alone {step['class names']:.0f} % of the classes' pictures are right, by logistic "
    f"regression {step['logistic regression']:.0f} %, by the default head "
    f"{step['default head']:.0f} %, with the adapter {step['default with adapter']:.0f} %, and by "
    f"the mean of both {step['mean of both']:.0f} %."
)
