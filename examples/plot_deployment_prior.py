"""
Deployment prior: when the mix of classes changes
=================================================

A classifier is trained on the pictures at hand, and used where the classes come in other shares: a
camera trap in another forest, a clinic with other patients. If a class looks the same in both, only
the mix of classes has changed, and Bayes' rule moves the predictions from the old mix to the new
one, without training. ``target_prior`` of :class:`~sklift.LiftClassifier` says which mix to assume,
and ``estimate_prior`` finds it from pictures without labels.

Here are emoji of eight kinds, with a classifier on fixed features, and three places to use it.
"""

# %%
# Eight kinds of emoji
# --------------------
# The estimate is as good as the probabilities are calibrated, so the head has a lower scale than
# usual, which keeps it from being too sure.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklift import ImageEmbedder, LiftClassifier
from sklift.datasets import load_emoji
from sklift.heads import Cosine

KINDS = ("animal", "face", "flag", "food", "hand", "person", "place", "transport")
SAME = {"country-flag": "flag", "subdivision-flag": "flag", "hands": "hand", "cat-face": "face"}
embedder = ImageEmbedder("emoji-tiny").fit()


def features_and_kinds(data):
    """Features and kinds of the pictures that are of one of the kinds."""
    kinds = np.array([SAME.get(label, label.split("-")[0]) for label in data.target])
    keep = np.isin(kinds, KINDS)
    return embedder.transform(data.images[keep]), kinds[keep]


X_train, y_train = features_and_kinds(load_emoji("train"))
X_test, y_test = features_and_kinds(load_emoji("test"))
classifier = LiftClassifier(
    "precomputed", head=Cosine(scale=15), max_epochs=20, batch_size=32, lr=0.1, random_state=0
)
classifier.fit(X_train, y_train)
print(f"{'kind':10s} pictures  share in training  share the logits assume")
for kind, count, share, implied in zip(
    classifier.classes_,
    classifier.class_counts_,
    classifier.class_prior_,
    classifier.implied_prior_,
    strict=True,
):
    print(f"{kind:10s} {count:8d} {share:18.1%} {implied:24.1%}")

# %%
# Three places
# ------------
# In the first the kinds come as in training, in the second in equal shares, in the third upside
# down: the most frequent kind is now the rarest. A visit to a place is a sample of 600 test
# pictures in its mix, drawn with replacement; the labels serve for the score alone.
in_training = classifier.class_prior_
upside_down = np.empty_like(in_training)
upside_down[np.argsort(in_training)] = np.sort(in_training)[::-1]
MIXES = {
    "as in training": in_training,
    "equal shares": np.full(len(KINDS), 1 / len(KINDS)),
    "upside down": upside_down,
}
VISITS = 10


def visit(mix, rng):
    """Features and kinds of 600 test pictures."""
    kinds = rng.choice(classifier.classes_, 600, p=mix)
    rows = [rng.choice(np.flatnonzero(y_test == kind)) for kind in kinds]
    return X_test[rows], kinds


rng = np.random.default_rng(0)
scores, estimates = [], {}
for place, mix in MIXES.items():
    for _ in range(VISITS):
        X, y = visit(mix, rng)
        estimated = classifier.estimate_prior(X)
        estimates.setdefault(place, []).append(estimated)
        assumed = {"train": "train", "balanced": "balanced", "estimated": estimated, "true": mix}
        for name, prior in assumed.items():
            accuracy = classifier.set_params(target_prior=prior).score(X, y)
            scores.append({"place": place, "target_prior": name, "accuracy": accuracy})
classifier.set_params(target_prior=None)

table = pd.DataFrame(scores).groupby(["place", "target_prior"], sort=False)["accuracy"]
mean, spread = 100 * table.mean().unstack(), 100 * table.std().unstack()
print(f"Accuracy (%), mean ± standard deviation of {VISITS} visits")
print((mean.round(1).astype(str) + " ± " + spread.round(1).astype(str)).to_string())

# %%
# The picture
# -----------
# Left, by how much the estimates are wrong: the mean over the visits to a place, and the range from
# the 10 % to the 90 % quantile.
COLOURS = {"train": "#BBBBBB", "balanced": "#56B4E9", "estimated": "#CC79A7", "true": "#0072B2"}
MARKERS = {"as in training": ("o", "#E69F00"), "equal shares": ("s", "#009E73")}
MARKERS["upside down"] = ("^", "#D55E00")
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.4), width_ratios=(1, 1.4), layout="constrained"
)
for shift, (place, (marker, colour)) in zip((-0.22, 0, 0.22), MARKERS.items(), strict=True):
    error = 100 * (np.array(estimates[place]) - MIXES[place])
    centre, low, high = error.mean(0), *np.quantile(error, (0.1, 0.9), 0)
    left.errorbar(
        np.arange(len(KINDS)) + shift,
        centre,
        [centre - low, high - centre],
        fmt=marker,
        color=colour,
        ms=5,
        lw=1,
        label=place,
    )
left.axhline(0, color="0.6", lw=1, ls="--", zorder=0)
left.set_xticks(range(len(KINDS)), classifier.classes_, rotation=35, ha="right")
left.set(ylabel="estimated less true share (points)", ylim=(-12, 16))
left.legend(frameon=False, loc="upper left")
width = 0.8 / len(COLOURS)
for i, (name, colour) in enumerate(COLOURS.items()):
    x = np.arange(len(MIXES)) + (i - (len(COLOURS) - 1) / 2) * width
    bars = right.bar(x, mean[name], width, yerr=spread[name], color=colour, label=name)
    right.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
right.set_xticks(range(len(MIXES)), MIXES)
right.set(ylabel="accuracy (%)", ylim=(0, 112), yticks=range(0, 101, 20))
right.legend(frameon=False, ncols=4, loc="upper center", title="target_prior")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What it shows
# -------------
# The mix to assume is the one of the place. If that is known, say so: no other choice beats it, by
# more than chance, in any of the three places. If it is not, the estimate pays where the mix is far
# from what one would have assumed. It is not free: some classes are estimated too large, others too
# small, so where the mix that one would have assumed is right, keep that one.
for place in MIXES:
    row = mean.loc[place]
    print(
        f"{place + ':':16s} estimated against assuming the training mix "
        f"{row['estimated'] - row['train']:+5.1f} points, against equal shares "
        f"{row['estimated'] - row['balanced']:+5.1f}; the true mix "
        f"against the estimate {row['true'] - row['estimated']:+z.1f}"
    )
