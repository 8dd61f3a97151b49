"""
Heavy or light: how many weights to tune
========================================

The finding that gave LIFT its title: the more of a foundation model's weights are tuned on a long
tail, the worse its rare classes fare, and it matters little *which* few weights are tuned. Here a
random fraction of every matrix of the tower is tuned, from none (the head alone) to all, with the
balanced loss and everything else alike, on emoji by sub-group.

The tower is small and was trained on emoji, the data are a thousand pictures, so the figures need
not repeat those of the paper; they are computed here, and the last cell says what they show.
"""

# %%
# Tune a fraction of the tower
# ----------------------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklift import LiftClassifier
from sklift.adapters import SparseTuning
from sklift.datasets import load_emoji
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
counts = dict(zip(train.target_names, train.class_counts, strict=True))
FRACTIONS = (0, 0.001, 0.01, 0.1, 1)
SEEDS = (0, 1, 2)

rows = []
for fraction in FRACTIONS:
    for seed in SEEDS:
        classifier = LiftClassifier(
            "emoji-tiny",
            adapter=SparseTuning(fraction) if fraction else None,
            prompts="an emoji of {}",
            augmentation=None,
            batch_size=64,
            max_epochs=6,
            lr=0.05,
            random_state=seed,
        ).fit(train.images, train.target)
        groups = shot_accuracy_score(test.target, classifier.predict(test.images), counts)
        groups["training"] = classifier.score(train.images, train.target)
        rows.append({"fraction": fraction, "weights": classifier.n_trainable_params_, **groups})
    print(f"{fraction:6.1%} of each matrix: {classifier.n_trainable_params_:9,d} weights trained")

groups = pd.DataFrame(rows).drop(columns="weights").groupby("fraction")
mean, spread = groups.mean() * 100, groups.std() * 100
print(f"\nPer cent correct, mean of {len(SEEDS)} seeds\n{mean.round(1).to_string()}")
print(f"\nStandard deviation\n{spread.round(1).to_string()}")

# %%
# The picture
# -----------
# The gap between training and test pictures is what tuning too much opens.
COLOURS = {"many": "#4477AA", "medium": "#DDAA33", "few": "#AA3377", "training": "0.5"}
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
x = np.arange(len(FRACTIONS))
for name, colour in COLOURS.items():
    label = "training pictures" if name == "training" else f"{name}-shot, test"
    line = "--" if name == "training" else "-"
    axes.errorbar(x, mean[name], spread[name], color=colour, ls=line, marker="o", ms=4, capsize=3)
    axes.annotate(
        label,
        (x[-1], mean[name].iloc[-1]),
        (8, 0),
        textcoords="offset points",
        color=colour,
        va="center",
    )
axes.set_xticks(x, ["head\nalone", "0.1 %", "1 %", "10 %", "all"])
axes.set(
    xlabel="fraction of each matrix that is tuned",
    ylabel="mean recall (%)",
    xlim=(-0.3, len(x) + 0.2),
    ylim=(0, 100),
)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What it shows
# -------------
best = mean["few"].idxmax()
print(
    f"Few-shot classes do best with {best:.1%} of the matrices tuned: {mean['few'][best]:.1f} %, "
    f"against {mean['few'][0]:.1f} % for the head alone and {mean['few'][1]:.1f} % for all. "
    f"The spread of the seeds there is {spread['few'][best]:.1f} points."
)
