"""
Which rank?
===========

The rank of an adapter is the width of its bottleneck: how many directions of feature space it can
change. ``rank="auto"``, the default, gives the adapters about as many weights as the head has.
A larger one can learn more of the training pictures. Does it serve new pictures of rare classes?
"""

# %%
# Wide, on fixed features
# -----------------------
# :class:`~sklift.adapters.FeatureAdapter` is one bottleneck on the last feature, so it needs no
# pass through the tower, and many fits take little time. All 99 classes.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklift import ImageEmbedder, LiftClassifier
from sklift.adapters import AdaptFormer, FeatureAdapter
from sklift.datasets import load_emoji
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
embedder = ImageEmbedder("emoji-tiny").fit()


def scores(classifier, X, y, X_test, y_test):
    """Weights of the adapter; in per cent, recall of the groups and accuracy in training."""
    classifier.fit(X, y)
    counts = dict(zip(classifier.classes_, classifier.class_counts_, strict=True))
    groups = shot_accuracy_score(y_test, classifier.predict(X_test), counts)
    groups["training"] = classifier.score(X, y)
    head = len(counts) * 192  # the embedded tower is 192 wide
    return {
        "adapter weights": classifier.n_trainable_params_ - head,
        **{name: 100 * score for name, score in groups.items()},
    }


X_train, X_test = embedder.transform(train.images), embedder.transform(test.images)
rows = []
for rank in (1, 8, 64, 256):
    for seed in range(3):
        classifier = LiftClassifier(
            "precomputed",
            adapter=FeatureAdapter(rank=rank),
            max_epochs=20,
            batch_size=32,
            lr=0.1,
            random_state=seed,
        )
        row = scores(classifier, X_train, train.target, X_test, test.target)
        rows.append({"rank": rank, **row})
wide = pd.DataFrame(rows).groupby("rank")
print(f"On fixed features, mean of 3 seeds\n{wide.mean().round(1).to_string()}")
print(f"Standard deviation\n{wide.std().round(1).to_string()}")

# %%
# Narrow, in the tower
# --------------------
# :class:`~sklift.adapters.AdaptFormer` has a bottleneck in each block. Fewer ranks, fewer seeds,
# and the flags, animals, dishes, drinks, faces and vehicles only, in 29 classes.
KINDS = ("animal", "country-flag", "drink", "face", "food", "transport")


def chosen(data):
    """Pictures and labels of these kinds."""
    keep = np.array([label.startswith(KINDS) for label in data.target])
    return data.images[keep], data.target[keep]


rows = []
for rank in (1, 8, 64):
    for seed in range(2):
        classifier = LiftClassifier(
            "emoji-tiny",
            adapter=AdaptFormer(rank=rank),
            prompts="an emoji of {}",
            augmentation=None,
            max_epochs=4,
            batch_size=32,
            lr=0.05,
            random_state=seed,
        )
        rows.append({"rank": rank, **scores(classifier, *chosen(train), *chosen(test))})
narrow = pd.DataFrame(rows).groupby("rank")
print(f"In the tower, mean of 2 seeds\n{narrow.mean().round(1).to_string()}")
print(f"Standard deviation\n{narrow.std().round(1).to_string()}")

# %%
# The picture
# -----------
# Dashed, the accuracy on the pictures that were trained on.
COLOURS = {"training": "0.5", "many": "#4477AA", "medium": "#DDAA33", "few": "#AA3377"}
figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.2), sharey=True, layout="constrained")
titles = ("fixed features, 99 classes", "in the tower, 29 classes")
for ax, seeds, title in zip(axes, (wide, narrow), titles, strict=True):
    mean, spread = seeds.mean(), seeds.std()
    for name, colour in COLOURS.items():
        label = "training pictures" if name == "training" else f"{name}-shot, test"
        ax.errorbar(
            mean.index,
            mean[name],
            spread[name],
            color=colour,
            ls="--" if name == "training" else "-",
            marker="o",
            ms=4,
            capsize=3,
            label=label,
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks(mean.index, [str(rank) for rank in mean.index])
    ax.set(xlabel="rank", title=title)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set(ylabel="mean recall; dashed: accuracy (%)", ylim=(0, 105))
axes[0].legend(frameon=False, loc="lower left", ncols=2)
plt.show()

# %%
# What it shows
# -------------
# A rank many times as large hardly moves the rare classes of this data, for better or worse: the
# lines are about flat. On fixed features the added weights learn the training pictures a little
# better. In the tower even those change by little more than seeds differ by. So leave the rank at
# "auto" to begin with; it is a setting for larger data, where a grid search can tell its values
# apart, and the last one to spend time on here.
for name, seeds in {"fixed features": wide, "in the tower": narrow}.items():
    mean, ranks = seeds.mean(), list(seeds.groups)
    change = mean.iloc[-1] - mean.iloc[0]
    times = mean["adapter weights"].iloc[-1] / mean["adapter weights"].iloc[0]
    noise = seeds.std().mean()
    print(
        f"{name}, rank {ranks[0]} to {ranks[-1]}, {times:.0f} times the weights: training pictures "
        f"{change['training']:+.1f} points, few-shot classes {change['few']:+.1f} (standard "
        f"deviations of the seeds {noise['training']:.1f} and {noise['few']:.1f})"
    )
