"""The same seed gives the same model, and a copy of a model is the model."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch

FRESH_FIT = """
import sys, numpy as np
from sklift import LiftClassifier
data = np.load(sys.argv[1])
params = dict(max_epochs=2, batch_size=8, random_state=0, compute__precision="float32")
clf = LiftClassifier("emoji-tiny", **params).fit(data["X"], data["y"])
np.save(sys.argv[2], clf.predict_proba(data["X"]))
"""
FRESH_LOAD = """
import sys, joblib, numpy as np
np.save(sys.argv[3], joblib.load(sys.argv[1]).predict_proba(np.load(sys.argv[2])["X"]))
"""


@pytest.fixture(scope="module")
def data(shapes, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, X=shapes[0], y=shapes[1])
    return str(path)


def elsewhere(code, *arguments):
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True)


def test_the_seed_decides(quick, fitted, shapes):
    X, y = shapes
    expected = fitted.predict_proba(X)
    assert np.array_equal(quick().fit(X, y).predict_proba(X), expected)
    assert not np.array_equal(quick(random_state=1).fit(X, y).predict_proba(X), expected)
    assert not np.array_equal(quick(random_state=None).fit(X, y).predict_proba(X), expected)
    instances = [quick(random_state=np.random.RandomState(3)).fit(X, y) for _ in range(2)]
    assert np.array_equal(*(clf.predict_proba(X) for clf in instances))


def test_threads_of_randomness_are_left_alone(quick, shapes):
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    for init in ("text", "class_mean", "random"):
        quick(init=init, max_epochs=1).fit(*shapes).predict(shapes[0])
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


def test_global_seeds_do_not_matter(quick, fitted, shapes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        clf = quick().fit(*shapes)
    assert np.array_equal(clf.predict_proba(shapes[0]), fitted.predict_proba(shapes[0]))


def test_workers_do_not_matter(quick, shapes):
    X, y = shapes
    one, two = (quick(max_epochs=3, compute__num_workers=n).fit(X, y) for n in (0, 2))
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))
    assert [r["train_loss"] for r in one.history_] == [r["train_loss"] for r in two.history_]


def test_a_random_augmentation_of_ones_own_repeats(quick, shapes):
    from torchvision.transforms import v2

    clfs = [quick(augmentation=v2.RandomResizedCrop(40)).fit(*shapes) for _ in range(2)]
    assert np.array_equal(*(clf.predict_proba(shapes[0]) for clf in clfs))


@pytest.mark.slow
def test_a_fresh_process_fits_the_same(fitted, shapes, data, tmp_path):
    elsewhere(FRESH_FIT, data, tmp_path / "proba.npy")
    assert np.array_equal(np.load(tmp_path / "proba.npy"), fitted.predict_proba(shapes[0]))


@pytest.mark.slow
def test_a_fresh_process_loads(fitted, shapes, data, tmp_path):
    joblib.dump(fitted, tmp_path / "clf.joblib")
    elsewhere(FRESH_LOAD, tmp_path / "clf.joblib", data, tmp_path / "proba.npy")
    assert np.array_equal(np.load(tmp_path / "proba.npy"), fitted.predict_proba(shapes[0]))


def through_joblib(clf, folder):
    joblib.dump(clf, folder / "clf.joblib")
    return joblib.load(folder / "clf.joblib")


COPIES = {
    "pickle": lambda clf, _: pickle.loads(pickle.dumps(clf, pickle.HIGHEST_PROTOCOL)),
    "joblib": through_joblib,
    "deepcopy": lambda clf, _: copy.deepcopy(clf),
    "twice": lambda clf, _: copy.deepcopy(pickle.loads(pickle.dumps(clf))),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"adapter": ["lora", "ssf"]},
        {"adapter": None, "head": "linear"},
        {"adapter": "bitfit", "verbose": 1, "loss": "ldam"},
    ],
    ids=str,
)
def test_copies(quick, shapes, tmp_path, params, how):
    X, y = shapes
    clf = quick(max_epochs=1, lr=0.1, **params).fit(X, y)
    twin = COPIES[how](clf, tmp_path)
    assert np.array_equal(twin.predict_proba(X), clf.predict_proba(X))
    assert twin.history_ == clf.history_ and repr(twin.adapter_) == repr(clf.adapter_)
    assert np.array_equal(twin.fit(X, y).predict_proba(X), clf.predict_proba(X))


def test_copies_do_not_share_what_is_trained(fitted, shapes):
    twin = copy.deepcopy(fitted)
    expected = fitted.predict_proba(shapes[0])
    with torch.no_grad():
        twin.model_.head.weight.neg_()
    assert np.array_equal(fitted.predict_proba(shapes[0]), expected)
    assert not np.array_equal(twin.predict_proba(shapes[0]), expected)


def test_fits_do_not_share_what_is_trained(quick, fitted, shapes):
    expected = fitted.predict_proba(shapes[0])
    for adapter in ("full", "bitfit", "layer_norm", "sparse"):
        quick(max_epochs=1, adapter=adapter, lr=0.5).fit(*shapes)
    assert np.array_equal(fitted.predict_proba(shapes[0]), expected)


def test_pickles_are_small(fitted, shapes):
    assert len(pickle.dumps(fitted)) < 1e6
    assert shapes[0][:2].tobytes() not in pickle.dumps(fitted)


@pytest.mark.slow
def test_the_pickle_of_a_large_tower_is_small(quick, tmp_path):
    """The width, depth and number of classes of ViT-B/16, on few and coarse patches."""
    import json

    open_clip = pytest.importorskip("open_clip")
    config = {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 32, "layers": 12, "width": 768, "patch_size": 16},
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 64,
            "heads": 2,
            "layers": 1,
        },
    }
    from safetensors.torch import save_file

    model = open_clip.model.CLIP(**json.loads(json.dumps(config)))
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {}})
    )
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8), np.arange(100)
    clf = quick(init="random", batch_size=50, max_epochs=1)
    clf.set_params(backbone=f"local-dir:{tmp_path}")
    data = pickle.dumps(clf.fit(X, y))
    assert clf.n_trainable_params_ == 12 * (1537 * 4 + 2305) + 76800
    assert 4 * clf.n_trainable_params_ < len(data) < 5e6
    assert np.array_equal(pickle.loads(data).predict_proba(X[:3]), clf.predict_proba(X[:3]))


def test_other_weights_of_the_backbone_are_noticed(fitted):
    from sklift.backbones import load_backbone

    data = pickle.dumps(fitted)
    backbone = load_backbone("emoji-tiny")
    real = backbone.checksum
    backbone.__dict__["checksum"] = "0" * 64
    try:
        with pytest.raises(ValueError, match="weights of backbone emoji-tiny differ from those"):
            pickle.loads(data)
    finally:
        backbone.__dict__["checksum"] = real
    pickle.loads(data)
