"""Cases of fitting and predicting, on features and on pictures."""

from __future__ import annotations

import itertools
import tempfile

import numpy as np
from _growth_registry import (
    CLASSES,
    FEW,
    MANY,
    by_rows_and_classes,
    case,
    fitted,
    head,
    in_folder,
    names,
    pictures,
    table,
    tower,
)

from sklift import ImageEmbedder, LiftClassifier, ShrunkGaussianClassifier, ZeroShotClassifier
from sklift._store._cache import Cache


@by_rows_and_classes("fit")
def fit(n, n_classes, **params):
    X, y = table(n, n_classes)

    def run():
        head(**params).fit(X, y)

    return run


@by_rows_and_classes("fit, validation part", MANY)
def fit_held_out(n, n_classes):
    return fit(n, n_classes, validation_fraction=0.2, early_stopping=True)


@by_rows_and_classes("fit, sampler and weights", MANY)
def fit_drawn(n, n_classes):
    X, y = table(n, n_classes)
    weight = np.random.default_rng(0).uniform(0.5, 2, n)
    return lambda: head(sampler="balanced", loss="class_balanced").fit(X, y, weight)


@by_rows_and_classes("fit, labels of text", MANY)
def fit_text(n, n_classes):
    X, y = table(n, n_classes)
    y = names(n_classes)[y]
    return lambda: head().fit(X, y)


@by_rows_and_classes("fit, linear head, checkpoint", MANY)
def fit_checkpoint(n, n_classes):
    X, y = table(n, n_classes)
    return in_folder(lambda folder: head(head="linear", checkpoint=folder).fit(X, y))


@by_rows_and_classes("partial_fit")
def partial_fit(n, n_classes):
    X, y = table(n, n_classes)
    return lambda: head().partial_fit(X, y, classes=np.arange(n_classes))


@by_rows_and_classes("predict")
def predict(n, n_classes):
    clf, X = fitted(n_classes), table(n, n_classes)[0]
    return lambda: clf.predict(X)


@by_rows_and_classes("predict, target prior", MANY)
def predict_prior(n, n_classes):
    clf, X = fitted(n_classes, target_prior="balanced"), table(n, n_classes)[0]
    return lambda: clf.predict(X)


@by_rows_and_classes("predict_proba", MANY)
def predict_proba(n, n_classes):
    clf, X = fitted(n_classes), table(n, n_classes)[0]
    return lambda: clf.predict_proba(X)


@by_rows_and_classes("estimate_prior", MANY, 4_000)
def estimate_prior(n, n_classes):
    clf, X = fitted(n_classes), table(n, n_classes)[0]
    return lambda: clf.estimate_prior(X)


@by_rows_and_classes("ShrunkGaussianClassifier.fit")
def gaussian_fit(n, n_classes):
    X, y = table(n, n_classes)
    return lambda: ShrunkGaussianClassifier().fit(X, y)


@by_rows_and_classes("ShrunkGaussianClassifier.predict")
def gaussian_predict(n, n_classes):
    clf = ShrunkGaussianClassifier().fit(*table(2 * n_classes, n_classes))
    X = table(n, n_classes)[0]
    return lambda: clf.predict(X)


@case("transform", "rows", MANY, False)
@case("transform, new cache in memory", "rows", FEW, "memory")
@case("transform, new cache in a folder", "rows", FEW, "folder")
def transform(n, cache):
    X, own = pictures(n), tower()
    est = ImageEmbedder(own, compute__cache=False).fit()
    if cache == "folder":
        return in_folder(lambda folder: est.set_params(compute__cache=folder).transform(X))
    if cache == "memory":
        return lambda: est.set_params(compute__cache=Cache.in_memory()).transform(X)
    return lambda: est.transform(X)


@case("transform, from a folder", "rows", FEW)
def transform_again(n):
    X, folder = pictures(n), tempfile.TemporaryDirectory()
    est = ImageEmbedder(tower(), compute__cache=folder.name).fit()
    est.transform(X)
    return lambda folder=folder: est.transform(X)


@case("fit on pictures, frozen tower", "rows", FEW)
def fit_pictures(n):
    X, y, own = pictures(n), np.arange(n) % 10, tower()
    clf = LiftClassifier(own, max_epochs=1, random_state=0, adapter=None, augmentation=None)
    return lambda: clf.set_params(compute__cache=Cache.in_memory()).fit(X, y)


@case("fit on pictures, augmented", "rows", FEW)
def fit_augmented(n):
    X, y = pictures(n), np.arange(n) % 10
    clf = LiftClassifier(tower(), max_epochs=1, random_state=0, adapter=None, compute__cache=False)
    return lambda: clf.fit(X, y)


@case("predict pictures", "rows", FEW)
def predict_pictures(n):
    clf = LiftClassifier(tower(), max_epochs=1, adapter=None, compute__cache=False)
    clf.fit(pictures(20), np.arange(20) % 10)
    X = pictures(n)
    return lambda: clf.predict(X)


@case("ZeroShotClassifier.fit", "classes", CLASSES, "a photo of a {}.")
@case("ZeroShotClassifier.fit, 7 prompts", "classes", CLASSES[:3], "imagenet-simple")
def zero_shot(n_classes, prompts):
    y, run = names(n_classes), itertools.count()

    def fit():  # other names each time: text features are kept
        other = [f"{name} {next(run)}" for name in y]
        ZeroShotClassifier("emoji-tiny", prompts=prompts).fit(None, other)

    return fit
