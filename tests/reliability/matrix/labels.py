"""Bad labels, names, prompts, weights and class mixes."""

from __future__ import annotations

import numpy as np

from .bench import BadFit
from .pictures import Dataset

LABELS = [
    BadFit(
        "fewer labels than pictures",
        ValueError,
        "X has 12 samples and y has 11 labels",
        lambda b: {"y": b.y[:-1]},
    ),
    BadFit("no labels", ValueError, "requires y to be passed", lambda b: {"y": None}),
    BadFit("an empty list of labels", ValueError, "y is empty: at least", lambda b: {"y": []}),
    BadFit(
        "a label as y",
        ValueError,
        "y is of type str: give the labels in a list",
        lambda b: {"y": "cat"},
    ),
    BadFit(
        "NaN among numbers",
        ValueError,
        r"y\[11\] is missing \(nan; 1 in all\): leave such pictures out or label them",
        lambda b: {"y": np.append(b.codes[:-1], np.nan)},
    ),
    BadFit(
        "None among text",
        ValueError,
        r"y\[11\] is missing \(None; 1 in all\)",
        lambda b: {"y": b.labels(None)},
    ),
    BadFit(
        "NaN among text",
        ValueError,
        r"y\[11\] is missing \(nan; 1 in all\)",
        lambda b: {"y": b.labels(float("nan"))},
    ),
    BadFit(
        "measurements",
        ValueError,
        "Unknown label type: continuous",
        lambda b: {"y": np.linspace(0, 1, 12)},
    ),
    BadFit(
        "several labels for each picture",
        ValueError,
        r"y should be a 1d array, got an array of shape \(12, 3\)",
        lambda b: {"y": np.eye(3, dtype=int)[b.codes]},
    ),
    BadFit(
        "lists of labels of different lengths",
        ValueError,
        r"y\[0\] is a list.*one label for each",
        lambda b: {"y": [["a"], ["a", "b"]] * 6},
    ),
    BadFit(
        "text and numbers",
        ValueError,
        r"y mixes kinds of labels: \['int', 'str'\]; make them all",
        lambda b: {"y": b.labels(3)},
    ),
    BadFit(
        "one class only",
        ValueError,
        "only one class: 'cat'; add samples of another, or name all classes",
        lambda b: {"y": ["cat"] * 12},
    ),
    BadFit(
        "labels in the items of X that are no scalars",
        ValueError,
        r"labels of the \(picture, label\) items in X must be scalars",
        lambda b: {"X": Dataset([(image, np.zeros(3)) for image in b.X]), "y": None},
    ),
]

CLASSES = [
    BadFit(
        "a label that classes lacks",
        ValueError,
        r"y\[10\] = 'red square' is not among classes \(2 given\)",
        lambda b: {"classes": ["blue square", "green square"]},
    ),
    BadFit(
        "classes of another kind than the labels",
        ValueError,
        "classes are of type int64, the labels in y of type <U12: they must be of one kind",
        lambda b: {"classes": [0, 1, 2]},
    ),
    BadFit(
        "classes that repeat",
        ValueError,
        "classes must be distinct, 'blue square' is there more than once",
        lambda b: {"classes": [*np.unique(b.y), "blue square"]},
    ),
    BadFit(
        "fewer names than classes",
        ValueError,
        "class_names has 2 names for 3 classes; give one for each",
        lambda b: {"class_names": ["a", "b"]},
    ),
    BadFit(
        "a class without a name",
        ValueError,
        "class_names has no name for 1 class, the first is 2",
        lambda b: {"y": b.codes, "class_names": {0: "a", 1: "b"}},
    ),
    BadFit(
        "a name that is no text",
        TypeError,
        "the name of class 2 must be a non-empty str, got 7",
        lambda b: {"y": b.codes, "class_names": ["a", "b", 7]},
    ),
    BadFit(
        "a blank name",
        TypeError,
        "the name of class 2 must be a non-empty str, got ' '",
        lambda b: {"y": b.codes, "class_names": ["a", "b", " "]},
    ),
    BadFit(
        "one text as class_names",
        TypeError,
        "class_names must be a dict or a list of str, got str",
        lambda b: {"class_names": "abc"},
    ),
    BadFit(
        "init='text' without names",
        ValueError,
        "init='text' needs class names: give class_names",
        lambda b: {"y": b.codes, "init": "text"},
    ),
]

PROMPTS = [
    BadFit(
        "a template without braces",
        ValueError,
        r"prompt template 'a photo' must hold one \{\} for the class name",
        lambda b: {"prompts": "a photo"},
    ),
    BadFit(
        "a template with two pairs of braces",
        ValueError,
        r"prompt template '\{\} and \{\}' must hold one \{\}",
        lambda b: {"prompts": ["a {}", "{} and {}"]},
    ),
    BadFit(
        "a template that is no text",
        TypeError,
        r"prompts must be a template like .*, got \['a \{\}', 3\]",
        lambda b: {"prompts": ["a {}", 3]},
    ),
    BadFit("a number as prompts", TypeError, "prompts must be a temp", lambda b: {"prompts": 3}),
    BadFit("no templates", TypeError, r"prompts must be .* got \[\]", lambda b: {"prompts": []}),
    BadFit(
        "no description of a class",
        ValueError,
        "prompts has no description of class 'green square'",
        lambda b: {"prompts": {"blue square": "blue"}},
    ),
    BadFit(
        "a description that is no text",
        ValueError,
        "prompts of class 'blue square' must be one or more non-empty str",
        lambda b: {"prompts": {name: [""] for name in b.y}},
    ),
]

WEIGHTS = [
    BadFit(
        "a negative weight",
        ValueError,
        "Negative values in data passed to `sample_weight`",
        lambda b: {"sample_weight": -np.ones(12)},
    ),
    BadFit(
        "NaN among the weights",
        ValueError,
        "Input sample_weight contains NaN",
        lambda b: {"sample_weight": np.full(12, np.nan)},
    ),
    BadFit(
        "an infinite weight",
        ValueError,
        "Input sample_weight contains infinity",
        lambda b: {"sample_weight": np.append(np.ones(11), np.inf)},
    ),
    BadFit(
        "fewer weights than pictures",
        ValueError,
        r"sample_weight.shape == \(11,\), expected \(12,\)",
        lambda b: {"sample_weight": np.ones(11)},
    ),
    BadFit(
        "a table of weights",
        ValueError,
        "Sample weights must be 1D array or scalar",
        lambda b: {"sample_weight": np.ones((12, 2))},
    ),
    BadFit(
        "weights that are all zero",
        ValueError,
        "(?i)sample.weight.*zero",
        lambda b: {"sample_weight": np.zeros(12)},
    ),
    BadFit(
        "a class of weight zero",
        ValueError,
        "sample_weight is zero for all samples of class 'red square'.*leave the class out",
        lambda b: {"sample_weight": (b.codes < 2).astype(float)},
    ),
]

MIXES = [
    BadFit(
        "a mix for another number of classes",
        ValueError,
        r"target_prior has shape \(2,\), expected \(3,\): one share for each class",
        lambda b: {"target_prior": [0.5, 0.5]},
    ),
    BadFit(
        "a mix of unknown labels",
        ValueError,
        r"target_prior holds \['cat'\], which the training data lacks",
        lambda b: {"target_prior": {"cat": 1.0}},
    ),
    BadFit(
        "a negative share",
        ValueError,
        "target_prior must be finite and >= 0; the share of class 'red square' is -1",
        lambda b: {"target_prior": [1, 1, -1]},
    ),
    BadFit(
        "a share that is NaN",
        ValueError,
        "target_prior must be finite and >= 0; the share of class 'red square' is nan",
        lambda b: {"target_prior": [1, 1, np.nan]},
    ),
    BadFit(
        "shares that are all zero",
        ValueError,
        "target_prior must not be zero for every class",
        lambda b: {"target_prior": [0, 0, 0]},
    ),
]
