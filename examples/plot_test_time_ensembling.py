"""
Test-time ensembling: how far to zoom in
========================================

With ``tta="fivecrop"`` a classifier looks at five crops of each picture, the corners and the
centre, and takes the mean of their logits; with ``"tencrop"`` at their mirror images as well.
``tta__expand`` says by how many pixels the picture is larger than the crops. It is set at
prediction, so one trained classifier serves for all that is tried here.
"""

# %%
# What the tower sees
# -------------------
# The default of 24 pixels is for towers of 224 pixels, whose crops then are 90 % as wide as the
# picture. The embedded tower has 40 pixels, and the same 24 leave 62 %.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from sklearn.metrics import accuracy_score, recall_score

from sklift import LiftClassifier
from sklift.datasets import load_emoji
from sklift.images import FiveCrop, TenCrop

train, test = load_emoji("train"), load_emoji("test")
SIZE, EXPANDS = 40, (2, 4, 8, 24)
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#AA3377")
picture = test.images[np.flatnonzero(test.target == "animal-mammal")[0]]

figure, axes = plt.subplots(1, len(EXPANDS), figsize=(11, 3.6), layout="constrained")
for ax, expand in zip(axes, EXPANDS, strict=True):
    ax.imshow(picture)
    scale = len(picture) / (SIZE + expand)  # from pixels of the tower's view to those drawn
    width, rest = SIZE * scale, expand * scale
    corners = [(0, 0), (rest, 0), (0, rest), (rest, rest), (rest / 2, rest / 2)]
    for corner, colour in zip(corners, COLOURS, strict=True):
        xy = (corner[0] - 0.5, corner[1] - 0.5)
        ax.add_patch(Rectangle(xy, width, width, fill=False, color=colour, lw=2))
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"tta__expand={expand}\ncrops of {SIZE / (SIZE + expand):.0%}", fontsize=10)
plt.show()

# %%
# One classifier, many ways to look
# ---------------------------------
# The head alone is trained, in no time; it is the predictions that take theirs, five or ten times
# that of one view.
SEEDS = range(3)
labels = np.unique(test.target)
WAYS = [None, *map(FiveCrop, EXPANDS), TenCrop(4)]
NAMES = {FiveCrop: "fivecrop", TenCrop: "tencrop"}

rows = []
for seed in SEEDS:
    classifier = LiftClassifier(
        "emoji-tiny",
        adapter=None,
        prompts="an emoji of {}",
        augmentation=None,
        max_epochs=20,
        batch_size=32,
        lr=0.1,
        random_state=seed,
    ).fit(train.images, train.target)
    for tta in WAYS:
        predicted = classifier.set_params(tta=tta).predict(test.images)
        rows.append(
            {
                "tta": NAMES.get(type(tta), "one view"),
                "expand": getattr(tta, "expand", 0),
                "accuracy": accuracy_score(test.target, predicted),
                "balanced": recall_score(test.target, predicted, labels=labels, average="macro"),
            }
        )
seeds = pd.DataFrame(rows).groupby(["tta", "expand"], sort=False)
mean, spread = 100 * seeds.mean(), 100 * seeds.std()
print(f"Per cent correct, mean of {len(SEEDS)} seeds\n{mean.round(1).to_string()}")
print(f"\nLargest standard deviation\n{spread.max().round(1).to_string()}")

# %%
# The picture
# -----------
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharex=True, layout="constrained")
x = np.arange(len(EXPANDS))
for ax, score in zip(axes, ("accuracy", "balanced"), strict=True):
    ax.axhline(mean.loc[("one view", 0), score], color="0.5", ls="--", label="one view")
    y, error = mean.loc["fivecrop", score], spread.loc["fivecrop", score]
    ax.errorbar(x, y, error, color="#0072B2", marker="o", capsize=3, label="fivecrop")
    ax.plot(
        EXPANDS.index(4), mean.loc[("tencrop", 4), score], "s", color="#CC79A7", label="tencrop"
    )
    ax.set_xticks(x, [f"{e}\n{SIZE / (SIZE + e):.0%}" for e in EXPANDS])
    ax.set(xlabel="tta__expand, and width of a crop", ylabel="per cent correct", title=score)
    ax.set_ylim(0, None)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False, loc="lower left")
plt.show()

# %%
# What it shows
# -------------
# On this data it is five times the work of a prediction for nothing: all emoji are in the middle
# and of one size, so crops that are a little smaller than the picture show nothing new, and those
# that cut through what is shown ruin it, however many are averaged. The mirror images double the
# work again, and cost a point or two of balanced accuracy: flags and letters, for instance, are
# never mirrored. So look before you use it: scale ``tta__expand`` with the tower, a tenth of its
# side to begin with, and compare it with one view on pictures of your own.
one = mean.loc["one view", 0]
for tta, expand in (("fivecrop", 4), ("tencrop", 4), ("fivecrop", 24)):
    change, noise = mean.loc[tta, expand] - one, spread.loc[tta, expand]
    print(
        f"{tta}, tta__expand={expand:2d}: accuracy {change['accuracy']:+5.1f} points, balanced "
        f"{change['balanced']:+5.1f} (standard deviation of the seeds {noise['balanced']:.1f})"
    )
