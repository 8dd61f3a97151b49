"""
Training curves: when to stop, and what to draw
===============================================

How long to train, and how often to show rare classes? ``validation_fraction`` holds out a share of
every class and adds its loss and accuracy to ``history_``; ``early_stopping`` ends the training
when that loss no longer falls, and keeps the best epoch. ``sampler`` decides how often pictures of
each class are drawn. It is an alternative to a balanced loss, and the second part compares the two.
"""

# %%
# When to stop
# ------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score

from sklift import ImageEmbedder, LiftClassifier
from sklift.datasets import load_emoji
from sklift.displays import TrainingCurveDisplay
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
known = np.isin(train.target, train.target_names[train.class_counts >= 20])

classifier = LiftClassifier(
    "emoji-tiny",
    prompts="an emoji of {}",
    augmentation=None,
    validation_fraction=0.25,
    early_stopping=True,
    n_iter_no_change=3,
    max_epochs=20,
    batch_size=32,
    lr=0.05,
    random_state=0,
)
classifier.fit(train.images[known], train.target[known])
print(pd.DataFrame(classifier.history_).drop(columns="dur").round(3).to_string())
best = 1 + int(np.argmin([epoch["valid_loss"] for epoch in classifier.history_]))
print(
    f"stopped after epoch {len(classifier.history_)} of at most {classifier.max_epochs}; the "
    f"weights are those of epoch {best}"
)

# %%
# The loss on the training pictures falls to nearly nothing; the one on held-out pictures soon stays
# where it is. (Some held-out pictures are variants of trained ones, in another skin tone for
# instance, so that their accuracy flatters; for data in groups, give a splitter that knows them as
# ``net_params={"train_split": ...}``.)
TrainingCurveDisplay.from_estimator(classifier)
plt.show()

# %%
# What to draw
# ------------
# Three ways to draw for the cross-entropy, and the logit-adjusted loss, which corrects for the
# class sizes itself and takes pictures as they come. All 99 classes; fixed features, to be quick.
embedder = ImageEmbedder("emoji-tiny").fit()
X_train, X_test = embedder.transform(train.images), embedder.transform(test.images)
counts = dict(zip(train.target_names, train.class_counts, strict=True))
VARIANTS = {
    "cross-entropy": dict(loss="cross_entropy"),
    "cross-entropy, sqrt sampler": dict(loss="cross_entropy", sampler="sqrt"),
    "cross-entropy, balanced sampler": dict(loss="cross_entropy", sampler="balanced"),
    "logit-adjusted": dict(loss="logit_adjusted"),
}
SEEDS = range(4)

rows = []
for name, variant in VARIANTS.items():
    for seed in SEEDS:
        head = LiftClassifier(
            "precomputed",
            head="cosine",
            max_epochs=20,
            batch_size=32,
            lr=0.1,
            random_state=seed,
            **variant,
        )
        predicted = head.fit(X_train, train.target).predict(X_test)
        groups = shot_accuracy_score(test.target, predicted, counts)
        accuracy = accuracy_score(test.target, predicted)
        rows.append({"variant": name, "accuracy": accuracy, **groups})
results = 100 * pd.DataFrame(rows).set_index("variant")
seeds = results.groupby(level=0, sort=False)
print(f"Per cent correct, mean of {len(SEEDS)} seeds\n{seeds.mean().round(1).to_string()}")
print(f"\nStandard deviation\n{seeds.std().round(1).to_string()}")

# %%
COLOURS = dict(zip(VARIANTS, ("#E69F00", "#009E73", "#56B4E9", "#AA3377"), strict=True))
figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
for name, colour in COLOURS.items():
    points, centre = results.loc[name], seeds.mean().loc[name]
    axes.scatter(points["accuracy"], points["few"], color=colour, s=25, alpha=0.5, lw=0)
    axes.scatter(centre["accuracy"], centre["few"], color=colour, s=110, marker="D", label=name)
axes.set(xlabel="accuracy over all pictures (%)", ylabel="few-shot classes, mean recall (%)")
axes.legend(frameon=False, loc="lower left", title="diamond: mean of the seeds")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What it shows
# -------------
# The more often rare classes are shown, the better they do, and the more overall accuracy it costs.
# The balanced loss goes as far as the balanced sampler or further, and needs none.
plain, balanced = seeds.mean().loc["cross-entropy"], seeds.mean().loc["logit-adjusted"]
print(
    f"From one end to the other: few-shot {balanced['few'] - plain['few']:+.1f} points, accuracy "
    f"{balanced['accuracy'] - plain['accuracy']:+.1f}"
)
