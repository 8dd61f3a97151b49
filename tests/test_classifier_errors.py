"""Mistakes: what is raised, in which words, and that nothing is left half done."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from torch import nn

from sklift import LiftClassifier
from sklift.backbones import OpenClip
from sklift.images import Reader
from sklift.training import SGD, AdamW, Checkpoint, Compute, Power

WRONG = {
    "backbone": [
        (3, "'backbone' parameter"),
        ("VIT-B16", "unknown backbone.*Did you mean"),
        (OpenClip, r"pass OpenClip\(\.\.\.\), not OpenClip"),
        (OpenClip("ViT-B-16", mean=0), "mean must be three numbers"),
        (nn.Flatten(), "Flatten does not say what pictures it takes"),
        (len, "a recipe with a 'load' method, or an nn.Module"),
    ],
    "pretrained": [("openai", "brings its weights: leave pretrained at 'auto'")],
    "adapter": [
        ("adaptfromer", "Unknown adapter.*Did you mean 'adaptformer'"),
        ([], "one or more"),
    ],
    "regularizer": [("consistent", "Unknown regularizer.*Did you mean 'consistency'")],
    "loss": [("logit_adjust", "Unknown loss.*Did you mean 'logit_adjusted'")],
    "head": [("cosin", "Unknown head.*Did you mean 'cosine'"), (None, "head must be one of")],
    "init": [("zero", "'init' parameter")],
    "class_names": [(["a", "b"], "2 names for 3 classes"), ({"a": "b"}, "no name for 3 classes")],
    "classes": [(["blue square", "cat"], "is not among classes"), ([1, 2], "of one kind")],
    "prompts": [("a photo", "must hold one {}"), ({"a": "b"}, "no description of class")],
    "augmentation": [("strong", "Unknown augmentation 'strong'")],
    "tta": [("fivecrops", "Unknown tta 'fivecrops'"), (0, "must be at least 1, got 0")],
    "target_prior": [
        ("uniform", "'target_prior' parameter"),
        ([0.5, 0.5], "(?i)target_prior.*3"),
        ({"cat": 1.0}, "target_prior"),
    ],
    "max_epochs": [(0, "'max_epochs' parameter"), (2.0, "'max_epochs' parameter")],
    "batch_size": [(0, "'batch_size' parameter"), (-1, "'batch_size' parameter")],
    "compute__accumulate": [(0, "'accumulate' parameter")],
    "compute__recompute": [("yes", "'recompute' parameter")],
    "compute__compile": [("yes", "'compile' parameter")],
    "compute__time_limit": [(0, "'time_limit' parameter")],
    "lr": [(0, "'lr' parameter"), (-1, "'lr' parameter"), ("0.1", "'lr' parameter")],
    "weight_decay": [(-1e-4, "'weight_decay' parameter")],
    "optimizer": [
        ("SGD", "Unknown optimizer 'SGD'.*Did you mean 'sgd'"),
        (None, "optimizer must be one of"),
        (dict, "optimizer must be one of.*or a torch.optim.Optimizer class"),
        (SGD, r"pass SGD\(\), not SGD"),
        (SGD(momentum=1.0), "optimizer__momentum == 1.0, must be < 1"),
        (SGD(momentum=0, nesterov=True), "optimizer__nesterov=True needs an optimizer__momentum"),
        (SGD(clip_grad_norm=0), "optimizer__clip_grad_norm == 0, must be > 0"),
        (SGD(schedule="cosin"), "optimizer__schedule must be one of.*got 'cosin'"),
        (SGD(warmup_epochs=-1), "optimizer__warmup_epochs == -1, must be >= 0"),
        (SGD(head_lr_factor=-1), "optimizer__head_lr_factor == -1, must be >= 0"),
        (AdamW(betas=(0.9, 1)), "optimizer__betas == 1, must be < 1"),
    ],
    "sampler": [
        ("weighted", "Unknown sampler 'weighted': choose one of .*'balanced'"),
        (Power, r"pass Power\(\), not Power"),
        (Power(power=-1), "sampler__power == -1, must be >= 0"),
    ],
    "validation_fraction": [(0.0, "'validation_fraction' parameter"), (1.0, "'validation_frac")],
    "early_stopping": [("yes", "'early_stopping' parameter")],
    "n_iter_no_change": [(0, "'n_iter_no_change' parameter")],
    "warm_start": [(None, "'warm_start' parameter")],
    "reader__image_shape": [(48, "'image_shape' parameter")],
    "reader": [("fast", "Unknown reader"), (3, "reader must be one of")],
    "compute": [("float32", "Unknown compute"), (None, "compute must be one of")],
    "device": [("gpu", "is not a device"), ("cuda:99", "this machine has . CUDA device")],
    "compute__precision": [("half", "'precision' parameter")],
    "compute__cache": [(3, "cache must be"), (__file__, "is not a folder")],
    "compute__num_workers": [(-1, "'num_workers' parameter")],
    "reader__value_range": [(99, "'value_range' parameter")],
    "reader__channels": [("red", "'channels' parameter")],
    "reader__frame": [("last", "'frame' parameter")],
    "reader__framing": [("stretch", "'framing' parameter")],
    "reader__formats": [
        ("tiff", "'formats' parameter"),
        ([3], "formats must be instances of subclasses"),
    ],
    "reader__on_error": [("ignore", "'on_error' parameter")],
    "checkpoint": [(3, "checkpoint must be a folder")],
    "checkpoint__minutes": [(-1, "'minutes' parameter")],
    "checkpoint__mismatch": [("ask", "'mismatch' parameter")],
    "net_params": [([("a", 1)], "'net_params' parameter")],
    "verbose": [(-1, "'verbose' parameter")],
    "random_state": [("0", "'random_state' parameter")],
}
CASES = [(name, value, text) for name, rows in WRONG.items() for value, text in rows]


def test_every_parameter_has_a_case():
    clf = LiftClassifier(checkpoint=Checkpoint("folder"), compute=Compute(), reader=Reader())
    assert WRONG.keys() == clf.get_params().keys() - {"checkpoint__folder"}


@pytest.mark.parametrize(("name", "value", "message"), CASES)
def test_wrong_parameters(quick, shapes, tmp_path, name, value, message):
    clf = quick(checkpoint=tmp_path).set_params(**{name: value})
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        clf.fit(*shapes)
    assert not hasattr(clf, "net_")


def test_half_floats_on_a_cpu(quick, shapes):
    with pytest.raises(ValueError, match="'float16' needs a GPU; on a CPU use 'bfloat16'"):
        quick(device="cpu", compute__precision="float16").fit(*shapes)


def test_text_without_names(quick, shapes):
    codes = np.unique(shapes[1], return_inverse=True)[1]
    with pytest.raises(ValueError, match="init='text' needs class names: give class_names"):
        quick(init="text").fit(shapes[0], codes)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X, y: (X, y[:-1]), ValueError, "X has 24 samples and y has 23 labels"),
        (lambda X, y: (X, None), ValueError, "requires y to be passed"),
        (lambda X, y: (X, ["a"] * 24), ValueError, "at least 2 classes"),
        (lambda X, y: (X, [np.nan] + [1.0] * 23), ValueError, r"y\[0\] is missing"),
        (lambda X, y: (X, np.eye(24, 3)), ValueError, "1d array"),
        (lambda X, y: (X, np.linspace(0, 1, 24)), ValueError, "continuous"),
        (lambda X, y: (X[:0], y[:0]), ValueError, "X is empty"),
        (lambda X, y: (X.astype(float), y), ValueError, "divide by 255"),
        (lambda X, y: (X.astype(int), y), ValueError, "dtype int64"),
        (lambda X, y: (np.moveaxis(X, 3, 1), y), ValueError, "move the channels last"),
        (lambda X, y: (X.reshape(24, -1), y), ValueError, "give reader__image_shape"),
        (lambda X, y: (X[0], y), ValueError, r"single picture as X\[None\]"),
        (lambda X, y: ((image for image in X), y), TypeError, "X is of type generator"),
        (lambda X, y: (["no/such.png"] * 24, y), FileNotFoundError, "24 of the 24 files in X"),
        (lambda X, y: ("no/such.png", y), TypeError, "X is a single str"),
        (lambda X, y: (None, y), TypeError, "X is of type NoneType"),
        (lambda X, y: (X, y, -np.ones(24)), ValueError, "(?i)negative values"),
        (lambda X, y: (X, y, np.zeros(24)), ValueError, "(?i)sample.weight.*zero"),
        (lambda X, y: (X, y, np.ones(3)), ValueError, "sample_weight.shape"),
        (lambda X, y: (X, y, np.full(24, np.nan)), ValueError, "NaN"),
    ],
)
def test_wrong_data(quick, shapes, change, error, message):
    clf = quick()
    with pytest.raises(error, match=message):
        clf.fit(*change(*shapes))
    assert not [name for name in vars(clf) if name.endswith("_")]


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_before_fit(quick, shapes, method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(quick(), method)(shapes[0])


@pytest.mark.parametrize("X", [[], np.zeros((0, 48, 48, 3), np.uint8)])
def test_nothing_to_predict(fitted, X):
    with pytest.raises(ValueError, match="X is empty"):
        fitted.predict(X)


def test_a_file_that_is_no_picture(quick, shapes, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    with pytest.raises(ValueError, match=r"notes\.png"):
        quick().fit([tmp_path / "notes.png"] * 24, shapes[1])


def test_a_failed_refit_leaves_net_and_classes_of_the_old_one(quick, shapes):
    X, y = shapes
    clf = quick(max_epochs=1).fit(X, y)
    expected = clf.predict(X)
    clf.set_params(device="cuda:99")
    with pytest.raises(ValueError, match="CUDA device"):
        clf.fit(X, np.char.upper(y))
    assert clf.classes_.tolist() == np.unique(y).tolist()
    assert np.array_equal(clf.predict(X), expected)


def test_wrong_data_leaves_an_earlier_fit_alone(quick, shapes):
    X, y = shapes
    clf = quick(max_epochs=1).fit(X, y)
    expected = clf.predict(X)
    with pytest.raises(ValueError, match="24 samples"):
        clf.fit(X, y[:3])
    assert np.array_equal(clf.predict(X), expected)
