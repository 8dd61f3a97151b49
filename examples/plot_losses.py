"""
Losses: what they differ in
===========================

A loss for a long tail decides how much rare classes count against frequent ones. Seven losses train
the same head on the same fixed features of emoji in 99 classes. Most of what they differ in is the
mix of classes that their predictions assume, and that can be changed after training.
"""

# %%
# Seven losses
# ------------
# A fit on fixed features takes about a second, so each loss is trained with several seeds. The head
# is LIFT's own, the cosine. (``"balanced_softmax"`` is the logit-adjusted loss with tau = 1, the
# default, and is left out.)
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import accuracy_score

from sklift import ImageEmbedder, LiftClassifier
from sklift.datasets import load_emoji
from sklift.losses import LogitAdjusted
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
counts = dict(zip(train.target_names, train.class_counts, strict=True))
embedder = ImageEmbedder("emoji-tiny").fit()
X_train, X_test = embedder.transform(train.images), embedder.transform(test.images)

NAMES = {
    "cross_entropy": "cross-entropy",
    "logit_adjusted": "logit-adjusted",
    "class_balanced": "class-balanced",
    "generalized_reweight": "reweighted",
    "focal": "focal",
    "ldam": "LDAM",
    "lade": "LADE",
}
SEEDS = range(4)


def scores(loss, seed):
    """Scores as trained, and with the predictions moved to equal shares of the classes."""
    classifier = LiftClassifier(
        "precomputed",
        head="cosine",
        loss=loss,
        max_epochs=20,
        batch_size=32,
        lr=0.1,
        random_state=seed,
    )
    classifier.fit(X_train, train.target)
    for assumed in ("as trained", "equal shares"):
        classifier.set_params(target_prior="balanced" if assumed == "equal shares" else None)
        predicted = classifier.predict(X_test)
        groups = shot_accuracy_score(test.target, predicted, counts)
        yield {"assumed": assumed, "accuracy": accuracy_score(test.target, predicted), **groups}


rows = [
    {"loss": name, **row} for key, name in NAMES.items() for s in SEEDS for row in scores(key, s)
]
by_loss = pd.DataFrame(rows).groupby(["assumed", "loss"], sort=False)
mean, spread = 100 * by_loss.mean(), 100 * by_loss.std()
print(f"Per cent correct, mean of {len(SEEDS)} seeds\n{mean.round(1).to_string()}")
print(f"\nLargest standard deviation\n{spread.max().round(1).to_string()}")

# %%
# One loss, many strengths
# ------------------------
# The logit-adjusted loss has a strength, tau: 0 is the cross-entropy, 1 corrects for the whole
# difference in size, more overdoes it.
TAUS = (0, 0.25, 0.5, 1, 1.5, 2)
rows = [{"tau": tau, **row} for tau in TAUS for s in SEEDS for row in scores(LogitAdjusted(tau), s)]
by_tau = pd.DataFrame(rows).query("assumed == 'as trained'").drop(columns="assumed")
by_tau = 100 * by_tau.groupby("tau").mean()
print(by_tau.round(1).to_string())

# %%
# The picture
# -----------
# Right and up is better. Left, each loss as it was trained, and the path of tau; right, the same
# classifiers with ``target_prior="balanced"``.
COLOURS = ("#E69F00", "#AA3377", "#56B4E9", "#009E73", "#999933", "#0072B2", "#D55E00")
MARKERS = "oDsv^P*"
figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), sharex=True, sharey=True, layout="constrained")
axes[0].plot(by_tau["accuracy"], by_tau["few"], color="0.6", lw=1, marker=".", zorder=0)
for tau, row in by_tau.iterrows():
    label = f"tau = {tau:g}" if tau in (TAUS[0], TAUS[-1]) else f"{tau:g}"
    is_right = tau in (0.5, 2)  # on the left there is a loss, or the axis
    axes[0].annotate(
        label,
        (row["accuracy"], row["few"]),
        (0, 5) if is_right else (-6, -4),
        textcoords="offset points",
        ha="left" if is_right else "right",
        va="bottom" if is_right else "top",
        color="0.4",
        fontsize=8,
    )
for ax, assumed in zip(axes, ("as trained", "equal shares"), strict=True):
    for name, colour, marker in zip(NAMES.values(), COLOURS, MARKERS, strict=True):
        centre, error = mean.loc[assumed, name], spread.loc[assumed, name]
        ax.errorbar(
            centre["accuracy"],
            centre["few"],
            xerr=error["accuracy"],
            yerr=error["few"],
            fmt=marker,
            ms=14 if marker == "o" else 8,  # the others may cover it
            mfc="none" if marker == "o" else colour,
            lw=1,
            color=colour,
            label=name,
        )
    ax.set(xlabel="accuracy over all pictures (%)", title=assumed)
    ax.margins(x=0.12)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("few-shot classes, mean recall (%)")
axes[1].legend(frameon=False, loc="upper left", ncols=2)
plt.show()

# %%
# What it shows
# -------------
# As trained, the losses reach from those that serve frequent classes to those that serve rare ones.
# Once all of them are asked the same question, what would you say if every class were equally
# frequent, they come closer together, and the plain cross-entropy is where the logit-adjusted loss
# is. (Class-balanced and reweighted coincide: where no class has thousands of pictures, the
# effective numbers of the former are the counts.) So with this head the choice of a loss is first
# of all the choice of a mix, which ``target_prior`` leaves open until prediction. A tau above 1
# pays in accuracy for a mix that no one has. With the whitened head, the default on fixed features,
# the losses stay further apart: compare them there again.
few = mean["few"].unstack("assumed")
reach = few.max() - few.min()
apart = few.loc["logit-adjusted"] - few.loc["cross-entropy"]
overdone = by_tau.loc[2] - by_tau.loc[1]
print(
    f"Few-shot recall of the losses lies within {reach['as trained']:.1f} points as trained, and "
    f"within {reach['equal shares']:.1f} at equal shares. The logit-adjusted loss is "
    f"{apart['as trained']:+.1f} from cross-entropy as trained, "
    f"{apart['equal shares']:+.1f} at equal shares. From tau = 1 to 2 accuracy changes by "
    f"{overdone['accuracy']:+.1f} points, few-shot recall by {overdone['few']:+.1f}."
)
