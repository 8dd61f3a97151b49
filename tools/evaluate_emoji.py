"""Evaluation of the embedded backbone on OpenMoji, a vendor that it has never seen.

    python tools/evaluate_emoji.py

The script prints zero-shot name retrieval among all names, zero-shot accuracy over sub-groups, and
the linear probe against the same probe on raw 32 px pixels, each beside the least value wanted; it
exits with 1 if one is below it. The figures are in the model card, ``docs/emoji_tiny.rst``.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift import ImageEmbedder, ZeroShotClassifier
from sklift.datasets import load_emoji

BACKBONE = "emoji-tiny"


def balanced(y_true, y_pred) -> float:
    """Mean recall of the classes in ``y_true``."""
    return recall_score(y_true, y_pred, labels=np.unique(y_true), average="macro")


def probe(X_train, y_train, X_test):
    """Predictions of a logistic regression on standardised features."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X_train, y_train).predict(X_test)


def pixels(images) -> np.ndarray:
    """Raw 32 px pixels, (n, 3072) in [0, 1]."""
    small = [np.asarray(Image.fromarray(i).resize((32, 32), Image.BICUBIC)) for i in images]
    return np.stack(small).reshape(len(images), -1) / 255


def main() -> int:
    """Print the table; return the exit status."""
    everything, train, test = (load_emoji(subset) for subset in ("all", "train", "test"))
    names = np.asarray(everything.names)
    retrieval = ZeroShotClassifier(BACKBONE, prompts="{}").fit(None, names)
    logits = retrieval.decision_function(everything.images)
    own = np.searchsorted(retrieval.classes_, names)
    rank = (logits > logits[np.arange(len(own)), own][:, None]).sum(1)
    zero_shot = ZeroShotClassifier(BACKBONE, prompts="an emoji of {}").fit(None, everything.target)
    predicted = zero_shot.predict(everything.images)
    chance = 1 / len(zero_shot.classes_)
    embed = ImageEmbedder(BACKBONE).fit()
    features = probe(embed.transform(train.images), train.target, embed.transform(test.images))
    raw = balanced(test.target, probe(pixels(train.images), train.target, pixels(test.images)))
    figures = [
        (f"name retrieval top-1 of {len(retrieval.classes_)} names", (rank == 0).mean(), 0.20),
        ("name retrieval top-5", (rank < 5).mean(), None),
        (
            "zero-shot balanced accuracy over sub-groups",
            balanced(everything.target, predicted),
            10 * chance,
        ),
        ("zero-shot accuracy", accuracy_score(everything.target, predicted), None),
        ("linear probe balanced accuracy", balanced(test.target, features), 2 * raw),
        ("linear probe accuracy", accuracy_score(test.target, features), None),
        ("the same probe on raw 32 px pixels, balanced", raw, None),
    ]
    missed = 0
    for name, value, floor in figures:
        bound = "" if floor is None else f"floor {floor:6.1%}"
        missed += floor is not None and value < floor
        print(f"{name:52s} {value:6.1%}   {bound}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
