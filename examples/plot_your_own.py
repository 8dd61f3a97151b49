"""
Your own loss and your own adapter
==================================

Losses and adapters are small classes: hyperparameters, and one method that builds or injects. Your
own work with no registration, and their parameters can be set and searched like those of the
package. Here are a loss that bears wrong labels, and an adapter that adds a learned vector behind
each block, in a few lines each.
"""

# %%
# A loss
# ------
# A recipe holds the parameters; ``build`` gets the training pictures of each class, and returns a
# function or a module of logits and targets. This one is the generalised cross-entropy of Zhang and
# Sabuncu (2018, arXiv 1805.07836), :math:`(1 - p_y^q) / q`, with the logits adjusted for the long
# tail. The larger q, the less a label counts that the model finds incredible; q = 0 is the
# logit-adjusted loss. ``implied_prior`` says which mix of classes the trained logits assume, here
# about equal shares, so that ``target_prior`` can change it.
#
# (A loss that needs logits and targets only may be a plain function: ``loss=function``.)
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score
from torch import nn
from torch.nn import functional as F

from sklift import ImageEmbedder, LiftClassifier
from sklift.adapters import AdaptFormer
from sklift.datasets import load_emoji
from sklift.displays import ShotAccuracyDisplay


class Generalized(BaseEstimator):
    """Generalised cross-entropy of logits shifted by the log class prior."""

    def __init__(self, q=0.5):
        self.q = q

    def build(self, class_counts, head=None):
        counts = np.maximum(class_counts, 1)  # a class without pictures has a finite log
        log_prior = torch.tensor(counts / counts.sum()).float().log()
        q = self.q

        def loss(logits, target):
            shifted = logits + log_prior.to(logits.device)
            each = F.cross_entropy(shifted, target, reduction="none")  # -log p_y
            return (-torch.expm1(-q * each) / q).mean() if q else each.mean()

        return loss

    def implied_prior(self, class_counts):
        return np.full(len(class_counts), 1 / len(class_counts))


# %%
# Does it bear wrong labels? Three labels in ten are shuffled among the training pictures, and the
# cosine head is trained on fixed features: flags, animals, dishes, drinks, faces and vehicles,
# emoji in 29 classes. The labels of the test pictures are right.
KINDS = ("animal", "country-flag", "drink", "face", "food", "transport")


def chosen(data):
    """Pictures and labels of these kinds."""
    keep = np.array([label.startswith(KINDS) for label in data.target])
    return data.images[keep], data.target[keep]


X_train, y_train = chosen(load_emoji("train"))
X_test, y_test = chosen(load_emoji("test"))
embedder = ImageEmbedder("emoji-tiny").fit()
features_train, features_test = embedder.transform(X_train), embedder.transform(X_test)


def shuffled(y, share, seed):
    """The labels, a share of them shuffled."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[: int(share * len(y))]
    y = y.copy()
    y[rows] = rng.permutation(y[rows])
    return y


SEEDS = range(4)
classifier = LiftClassifier(
    "precomputed", head="cosine", loss=Generalized(), max_epochs=20, batch_size=32, lr=0.1
)
rows = []
for share in (0, 0.3):
    for q in (0, 0.25, 0.5, 0.75):
        for seed in SEEDS:
            classifier.set_params(loss__q=q, random_state=seed)
            classifier.fit(features_train, shuffled(y_train, share, seed))
            accuracy = 100 * accuracy_score(y_test, classifier.predict(features_test))
            rows.append({"shuffled": share, "q": q, "accuracy": accuracy})
seeds = pd.DataFrame(rows).groupby(["shuffled", "q"])["accuracy"]
mean, spread = seeds.mean().unstack(), seeds.std().unstack()
print(f"Accuracy (%) by q, mean of {len(SEEDS)} seeds\n{mean.round(1).to_string()}")
print(f"Standard deviation\n{spread.round(1).to_string()}")

# %%
figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
for share, colour in ((0, "#0072B2"), (0.3, "#D55E00")):
    label = f"{share:.0%} of the labels shuffled"
    axes.errorbar(
        mean.columns, mean.loc[share], spread.loc[share], color=colour, marker="o", label=label
    )
axes.set(xlabel="loss__q", ylabel="accuracy on test pictures (%)", ylim=(0, 80))
axes.set_xticks(mean.columns)
axes.legend(frameon=False, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
plt.show()


# %%
# An adapter
# ----------
# ``inject`` gets the opened tower and changes it in place: each block has named places that hold a
# module, ``unit`` for the whole block. The vectors start at zero, so that training starts from the
# frozen tower. The recipe is returned as it was used.
class Offset(nn.Module):
    """A block, and a learned vector added to all its tokens."""

    def __init__(self, block, width):
        super().__init__()
        self.block = block
        self.offset = nn.Parameter(torch.zeros(width))

    def forward(self, x, *args, **kwargs):
        return self.block(x, *args, **kwargs) + self.offset


class Offsets(BaseEstimator):
    """A learned vector behind each of the last blocks."""

    def __init__(self, last=3):
        self.last = last

    def inject(self, tower, n_classes):
        for block in tower.blocks[-self.last :]:
            block.unit.set(Offset(block.unit.get(), block.width))
        return Offsets(self.last)


# %%
# It takes the place of any other.
fitted, weights = {}, {}
ADAPTERS = {"head alone": None, "Offsets": Offsets(), "AdaptFormer": AdaptFormer(rank=4)}
for name, adapter in ADAPTERS.items():
    fitted[name] = LiftClassifier(
        "emoji-tiny",
        adapter=adapter,
        prompts="an emoji of {}",
        augmentation=None,
        max_epochs=4,
        batch_size=32,
        lr=0.05,
        random_state=0,
    ).fit(X_train, y_train)
    weights[name] = fitted[name].n_trainable_params_
display = ShotAccuracyDisplay.from_estimators(fitted, X_test, y_test)
plt.show()

# %%
# What it shows
# -------------
# With right labels the loss makes little difference. With wrong ones it is worth many points:
# labels that do not fit are given up instead of learned by heart. The adapter is in the tower and
# is trained, with a fraction of AdaptFormer's weights; differences of a few points between the bars
# are within what another seed would bring.
for share in mean.index:
    gain = mean.loc[share, 0.75] - mean.loc[share, 0]
    noise = spread.loc[share].mean()
    print(
        f"{share:3.0%} of the labels shuffled: q = 0.75 is {gain:+.1f} points from q = 0 (standard "
        f"deviation of the seeds {noise:.1f})"
    )
head = weights["head alone"]
print(
    f"weights besides the head: {weights['Offsets'] - head:,d} for Offsets, "
    f"{weights['AdaptFormer'] - head:,d} for AdaptFormer"
)
