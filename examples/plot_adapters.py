"""
Adapters compared
=================

An adapter is what is trained inside the frozen tower: a bottleneck beside the feed-forward part
(AdaptFormer), low-rank updates of matrices (LoRA), scales and shifts (SSF), the biases (BitFit),
extra tokens (VPT). All are a name away, and all have the same head, loss and recipe here. Full
tuning of the blocks is there for comparison, and the head alone.
"""

# %%
# Six ways to train a tower, and none
# -----------------------------------
# Flags, animals, dishes, drinks, faces and vehicles: 431 emoji in 29 classes to train on.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

from sklift import LiftClassifier
from sklift.adapters import VPT, LoRA
from sklift.datasets import load_emoji
from sklift.metrics import few_shot_accuracy_score

KINDS = ("animal", "country-flag", "drink", "face", "food", "transport")


def chosen(data):
    """Pictures and labels of these kinds."""
    keep = np.array([label.startswith(KINDS) for label in data.target])
    return data.images[keep], data.target[keep]


X_train, y_train = chosen(load_emoji("train"))
X_test, y_test = chosen(load_emoji("test"))
counts = dict(zip(*np.unique(y_train, return_counts=True), strict=True))
ADAPTERS = {
    "head alone": None,
    "AdaptFormer": "adaptformer",
    "VPT": VPT(length=2),
    "BitFit": "bitfit",
    "LoRA": LoRA(rank=2),
    "SSF": "ssf",
    "full tuning": "full",
}
SEEDS = (0, 1)
tested = np.unique(y_test)

rows = []
for name, adapter in ADAPTERS.items():
    for seed in SEEDS:
        classifier = LiftClassifier(
            "emoji-tiny",
            adapter=adapter,
            prompts="an emoji of {}",
            augmentation=None,
            max_epochs=4,
            batch_size=32,
            lr=0.02,
            random_state=seed,
        ).fit(X_train, y_train)
        predicted = classifier.predict(X_test)
        rows.append(
            {
                "adapter": name,
                "weights": classifier.n_trainable_params_,
                "training": 100 * classifier.score(X_train, y_train),
                "balanced": 100 * recall_score(y_test, predicted, labels=tested, average="macro"),
                "few": 100 * few_shot_accuracy_score(y_test, predicted, counts),
            }
        )
results = pd.DataFrame(rows).set_index("adapter")
mean = results.groupby(level=0, sort=False).mean()
print("Weights trained, head included, and per cent correct: training pictures, all test classes,")
print(f"few-shot test classes; mean of {len(SEEDS)} seeds\n{mean.round(1).to_string()}")

# %%
# The picture
# -----------
# A dot for each seed, a bar at their mean.
COLOURS = ("0.5", "#AA3377", "#CC79A7", "#56B4E9", "#E69F00", "#009E73", "#D55E00")
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10.5, 4.2), width_ratios=(1, 1.6), sharey=True, layout="constrained"
)
y = np.arange(len(ADAPTERS))
left.barh(y, mean["weights"], color=COLOURS, height=0.6)
for i, weights in enumerate(mean["weights"]):
    left.annotate(
        f"{weights:,.0f}", (weights, i), (3, 0), textcoords="offset points", va="center", fontsize=8
    )
left.set(xscale="log", xlim=(1e3, 3e7), xlabel="trained weights, head included")
left.set_yticks(y, list(ADAPTERS))
left.invert_yaxis()
for i, (name, colour) in enumerate(zip(ADAPTERS, COLOURS, strict=True)):
    of_seeds = results.loc[[name]]
    for score, marker, face in (("balanced", "o", colour), ("few", "^", "white")):
        shift = -0.12 if score == "balanced" else 0.12
        right.scatter(
            of_seeds[score], [i + shift] * len(SEEDS), marker=marker, color=face, ec=colour, s=36
        )
        right.plot([mean.loc[name, score]] * 2, [i + shift - 0.1, i + shift + 0.1], color=colour)
right.scatter([], [], marker="o", color="0.3", label="all classes")
right.scatter([], [], marker="^", color="white", ec="0.3", label="few-shot classes")
right.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
right.set(xlabel="mean recall on test pictures (%)")
right.grid(axis="y", color="0.92")
right.set_axisbelow(True)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What it shows
# -------------
# What tuning adds on this data is the training pictures. Full tuning learns the most of them, with
# hundreds of times the weights, and nothing of it reaches new pictures of rare classes: light or
# heavy, all kinds lie within a few points of the head alone, about as far as two seeds are apart.
# On few pictures, of a kind that the tower knows, there is little left to adapt; start with the
# head alone there. All were trained at one rate, which heavy tuning is the first to suffer from
# when it is raised: see :ref:`sphx_glr_auto_examples_plot_heavy_or_light.py`. So search ``lr``
# along with ``adapter``, with ``few_shot_scorer``.
few = mean["few"]
light = few.drop(index=["head alone", "full tuning"])
of_seeds = results["few"].groupby(level=0).agg(np.ptp)
print(
    f"Few-shot classes: head alone {few['head alone']:.1f} %, light adapters from "
    f"{light.min():.1f} ({light.idxmin()}) to {light.max():.1f} % ({light.idxmax()}), full tuning "
    f"{few['full tuning']:.1f} %. Two seeds of the same adapter differ by {of_seeds.mean():.1f} "
    f"points on average, and by up to {of_seeds.max():.1f}."
)
