"""
Quickstart: a long tail, five classifiers
=========================================

Emoji by Unicode sub-group are a naturally long-tailed collection: 156 training pictures of country
flags, one or two of many other classes. Five classifiers see the same frozen backbone, a small
CLIP that comes with the package and has never seen this vendor's drawings:

* **zero-shot**: the class names alone, no training picture;
* **linear probe**: logistic regression on the frozen features;
* **cross-entropy**: a small adapter inside the tower and a cosine head, with the usual loss;
* **LIFT**: the same adapter and head, with the loss that knows how rare each class is;
* **LIFT, head alone**: the same loss on the frozen features, whitened, from the class means.

The average hides what happens to rare classes, so the table shows three groups of classes, by the
number of their *training* pictures: many (> 100), medium (20 to 100) and few (< 20).
"""

# %%
# The data
# --------
# Pictures are arrays here; paths of files, PIL images or a data set work as well. Labels are
# strings, and their words are the class names that the text tower reads.
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.datasets import load_emoji
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
counts = dict(zip(train.target_names, train.class_counts, strict=True))
print(
    f"{len(train.target)} pictures of {len(counts)} classes to train on, "
    f"{max(counts.values())} of the largest class, {min(counts.values())} of the smallest; "
    f"{len(test.target)} to test on"
)

# %%
# Five classifiers
# ----------------
# All emoji are of one size and in the middle, so random crops are left out; all else is as it is by
# default. Where training is random, three seeds show the spread.
BACKBONE = "emoji-tiny"
RECIPE = dict(prompts="an emoji of {}", augmentation=None)
RECIPE["verbose"] = int(sys.stderr.isatty())  # a bar for each fit, where somebody is looking
SEEDS = (0, 1, 2)


def classifiers(seed):
    """Name and classifier, for one seed."""
    if seed == SEEDS[0]:  # nothing random in these
        yield "zero-shot", ZeroShotClassifier(BACKBONE, prompts=RECIPE["prompts"])
        probe = LogisticRegression(max_iter=300)
        yield "linear probe", make_pipeline(ImageEmbedder(BACKBONE), StandardScaler(), probe)
    cross_entropy = LiftClassifier(BACKBONE, loss="cross_entropy", random_state=seed, **RECIPE)
    yield "cross-entropy", cross_entropy
    yield "LIFT", LiftClassifier(BACKBONE, random_state=seed, **RECIPE)
    head_alone = LiftClassifier(BACKBONE, adapter=None, init="class_mean", random_state=seed)
    yield "LIFT, head alone", head_alone.set_params(**RECIPE)


def scores(y_true, y_pred):
    """Accuracy, mean recall of the classes, and mean recall of each group."""
    recalls = recall_score(y_true, y_pred, labels=np.unique(y_true), average="macro")
    groups = shot_accuracy_score(y_true, y_pred, counts)
    return {"accuracy": accuracy_score(y_true, y_pred), "balanced": recalls, **groups}


rows = []
for seed in SEEDS:
    for name, classifier in classifiers(seed):
        print(f"{name}, seed {seed}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(train.images, train.target)
        predicted = classifier.predict(test.images)
        rows.append({"method": name, "seed": seed, **scores(test.target, predicted)})

results = pd.DataFrame(rows).drop(columns="seed").groupby("method", sort=False)
mean, spread = results.mean() * 100, results.std().fillna(0) * 100
table = mean.round(1).astype(str) + " ± " + spread.round(1).astype(str)
table[spread == 0] = mean.round(1).astype(str)
print(f"\nPer cent correct, mean ± standard deviation of {len(SEEDS)} seeds\n{table.to_string()}")

# %%
# The picture
# -----------
# Left the long tail, right what each method makes of its parts.
COLOURS = {
    "zero-shot": "#BBBBBB",
    "linear probe": "#88CCEE",
    "cross-entropy": "#DDAA33",
    "LIFT": "#AA3377",
    "LIFT, head alone": "#332288",
}
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4), width_ratios=(1, 1.7), layout="constrained"
)
ordered = np.sort(list(counts.values()))[::-1]
left.fill_between(np.arange(len(ordered)), ordered, step="mid", color="#AA3377", alpha=0.35)
left.step(np.arange(len(ordered)), ordered, where="mid", color="#AA3377")
for bound, x, label in ((100, 98, "many"), (20, 98, "medium"), (1, 40, "few")):
    left.axhline(bound, color="0.6", lw=0.8, ls=":")
    left.text(x, bound * 1.1, label, ha="right", va="bottom", color="0.35")
left.set(yscale="log", xlabel="class, by frequency", ylabel="training pictures")
left.set_title("99 classes, 1146 pictures")
columns = ["many", "medium", "few", "balanced"]
width = 0.8 / len(mean)
for i, method in enumerate(mean.index):
    x = np.arange(len(columns)) + (i - (len(mean) - 1) / 2) * width
    bars = right.bar(
        x,
        mean.loc[method, columns],
        width,
        yerr=spread.loc[method, columns],
        label=method,
        color=COLOURS[method],
        error_kw={"lw": 1},
    )
    right.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
right.set_xticks(
    np.arange(len(columns)),
    [
        "many-shot\n(> 100)",
        "medium-shot\n(20 to 100)",
        "few-shot\n(< 20)",
        "all classes\n(balanced)",
    ],
)
right.set(ylabel="mean recall (%)", ylim=(0, 112), yticks=range(0, 101, 20))
right.legend(frameon=False, loc="upper right")
right.spines[["top", "right"]].set_visible(False)
left.spines[["top", "right"]].set_visible(False)
target = Path("results") / "quickstart.png"
target.parent.mkdir(exist_ok=True)
figure.savefig(target, dpi=150)
print(f"saved {target}")
plt.show()

# %%
# What it shows
# -------------
# The linear probe and plain cross-entropy win where there is much to learn from, and with it the
# overall accuracy, which counts every flag. LIFT gives some of that up and is best where there is
# little, on classes of fewer than 20 pictures, and over all classes alike. Which of the two is
# wanted is the first question to ask of a long-tailed problem. The backbone knows emoji well, so
# here its frozen features are enough, in seconds; on photographs that differ from those that a
# tower has seen, the adapter makes most of the difference.
for name in ("LIFT", "LIFT, head alone"):
    gain = mean.loc[name] - mean.loc["cross-entropy"]
    print(f"{name}, few-shot classes: {gain['few']:+.1f} points over cross-entropy")
    print(f"{name}, overall accuracy: {gain['accuracy']:+.1f}")
