"""Features for pictures, predictions, and what else is called wrongly."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier

from .bench import BadCall, BadFit, encode

ROWS = {"backbone": "precomputed"}


def tabled(bench):
    """Fitted to features with names."""
    table = pd.DataFrame(bench.features, columns=list("abcdef"))
    return bench.classifier("precomputed").fit(table, bench.y), table


def damaged(bench) -> str:
    """A saved model with a byte changed."""
    path = bench.folder / "model.safetensors"
    bench.fitted.save(path)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    return bench.file("model.safetensors", bytes(content))


FEATURES = [
    BadFit(
        "pictures for features",
        ValueError,
        "Found array with dim 4.*\nbackbone='precomputed' takes features.*put an ImageEmbedder",
        lambda b: {**ROWS, "X": b.X},
    ),
    BadFit(
        "NaN among features",
        ValueError,
        "Input X contains NaN",
        lambda b: {**ROWS, "X": b.features * np.nan},
    ),
    BadFit(
        "sparse features",
        TypeError,
        "Sparse data was passed for X, but dense data is required",
        lambda b: {**ROWS, "X": csr_matrix(b.features)},
    ),
    BadFit(
        "complex features",
        ValueError,
        "Complex data not supported",
        lambda b: {**ROWS, "X": b.features + 1j},
    ),
    BadFit(
        "test-time ensembling of features",
        ValueError,
        "tta makes views of pictures: leave it out, X holds features",
        lambda b: {**ROWS, "tta": "fivecrop"},
    ),
    BadFit(
        "rectangles of features",
        ValueError,
        "CutMix cuts rectangles out of pictures, and X holds features: use MixUp",
        lambda b: {**ROWS, "augmentation": "cutmix"},
        "in the first batch",
    ),
    BadFit(
        "init='text' with features",
        ValueError,
        "init='text' needs a text tower.*use init='class_mean'",
        lambda b: {**ROWS, "init": "text"},
    ),
    BadFit(
        "an adapter that features have no place for",
        ValueError,
        r"LoRA has no place in .*adapters that this tower takes: \['feature', 'none'\]",
        lambda b: {**ROWS, "adapter": "lora"},
    ),
]

PREDICTION = [
    BadCall(
        "a prediction before fit",
        NotFittedError,
        "is not fitted yet. Call 'fit'",
        lambda b: b.classifier().predict(b.X),
    ),
    BadCall("nothing to predict", ValueError, "X is empty", lambda b: b.fitted.predict([])),
    BadCall(
        "a lost file",
        FileNotFoundError,
        r"1 of the 12 files in X don't exist: .*lost\.png",
        lambda b: b.fitted.predict(b.files(str(b.folder / "lost.png"))),
    ),
    BadCall(
        "a folder in place of a file",
        ValueError,
        "this is a directory, not a picture file",
        lambda b: b.fitted.predict([str(b.folder)]),
    ),
    BadCall(
        "a file that is no picture",
        ValueError,
        r"notes\.png: no picture that Pillow reads",
        lambda b: b.fitted.predict(b.files(b.file("notes.png", b"not a picture"))),
    ),
    BadCall(
        "a file that is cut off",
        ValueError,
        r"cut\.png: the picture can't be decoded",
        lambda b: b.fitted.predict(b.files(b.file("cut.png", encode(b.X[0])[:-400]))),
    ),
    BadCall(
        "flattened pictures of another shape",
        ValueError,
        "image_shape=.* means 2700 columns, but X has 2352",
        lambda b: b.fitted_to_rows.predict(np.zeros((2, 28 * 28 * 3), np.uint8)),
    ),
    BadCall(
        "another number of features",
        ValueError,
        "X has 5 features, but LiftClassifier is expecting 6",
        lambda b: b.fitted_to_features.predict(b.features[:, :5]),
    ),
    BadCall(
        "columns of other names",
        ValueError,
        "The feature names should match those that were passed during fit",
        lambda b: tabled(b)[0].predict(tabled(b)[1].rename(columns={"a": "z"})),
    ),
    BadCall(
        "a class mix for other classes, set after fit",
        ValueError,
        r"target_prior has shape \(2,\), expected \(3,\)",
        lambda b: deepcopy(b.fitted).set_params(target_prior=[0.5, 0.5]).predict(b.X),
    ),
    BadCall(
        "a setting that the recipe lacks",
        ValueError,
        r"Invalid parameter 'rnk' for estimator AdaptFormer\(\)",
        lambda b: b.classifier().set_params(adapter__rnk=2),
        "in set_params",
    ),
]

LATER = [
    BadCall(
        "partial_fit without classes",
        ValueError,
        "classes must be passed on the first call to partial_fit",
        lambda b: b.classifier().partial_fit(b.X, b.y),
        "before training",
    ),
    BadCall(
        "partial_fit with other classes",
        ValueError,
        r"classes=\['a', 'b'\] is not the same as on last call to partial_fit",
        lambda b: deepcopy(b.fitted).partial_fit(b.X, b.y, classes=["a", "b"]),
        "before training",
    ),
    BadCall(
        "partial_fit with a new label",
        ValueError,
        r"y\[11\] = 'cat' is not among classes",
        lambda b: deepcopy(b.fitted).partial_fit(b.X, b.labels("cat")),
        "before training",
    ),
    BadCall(
        "a warm start with other classes",
        ValueError,
        "training goes on with the same classes.*fit a clone, or with warm_start=False",
        lambda b: deepcopy(b.fitted).set_params(warm_start=True).fit(b.X, np.char.upper(b.y)),
        "before training",
    ),
    BadCall(
        "a warm start with another adapter",
        ValueError,
        r"training goes on with the same adapter: .*fit a clone, or with warm_start=False",
        lambda b: deepcopy(b.fitted).set_params(warm_start=True, adapter="lora").fit(b.X, b.y),
        "before training",
    ),
]

OTHERS = [
    BadCall(
        "saving before fit",
        NotFittedError,
        "is not fitted yet",
        lambda b: b.classifier().save(b.folder / "model"),
        "in save",
    ),
    BadCall(
        "a saved model that isn't there",
        FileNotFoundError,
        "there is no file .*lost.safetensors",
        lambda b: LiftClassifier.load(b.folder / "lost.safetensors"),
        "in load",
    ),
    BadCall(
        "a saved model that was damaged",
        ValueError,
        "its content does not match its checksum: it is damaged",
        lambda b: LiftClassifier.load(damaged(b)),
        "in load",
    ),
    BadCall(
        "something else than a saved model",
        ValueError,
        "can't load .*notes.txt.*no safetensors file",
        lambda b: LiftClassifier.load(b.file("notes.txt", b"not a model at all")),
        "in load",
    ),
    BadCall(
        "zero-shot without classes",
        ValueError,
        "ZeroShotClassifier needs the classes: pass them as y",
        lambda b: ZeroShotClassifier("emoji-tiny").fit(),
        "in fit",
    ),
    BadCall(
        "zero-shot without names",
        ValueError,
        "ZeroShotClassifier needs class names: give class_names",
        lambda b: ZeroShotClassifier("emoji-tiny").fit(None, [0, 1]),
        "in fit",
    ),
    BadCall(
        "a cache that is a file",
        ValueError,
        "cache='.*0.png' is not a folder",
        lambda b: ImageEmbedder("emoji-tiny", compute__cache=b.good[0]).fit().transform(b.X),
        "in transform",
    ),
    BadCall(
        "an embedder of features",
        ValueError,
        "only LiftClassifier takes it; name the tower",
        lambda b: ImageEmbedder("precomputed").fit(),
        "in fit",
    ),
]
