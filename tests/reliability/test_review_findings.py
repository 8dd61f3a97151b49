"""What was once wrong, in real use."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from open_clip.transformer import VisionTransformer
from PIL import Image
from skorch.dataset import ValidSplit
from torch import nn

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._fitting._content import describe
from sklift.images import TenCrop, _views
from sklift.images._decode import read


def test_after_a_divergence_predictions_are_sane(quick, shapes):
    clf = quick(lr=1e6)
    with pytest.raises(FloatingPointError, match="keeps the weights that the epoch began with"):
        clf.fit(*shapes)
    assert np.isfinite(clf.predict_proba(shapes[0])).all()


def loss_of(power):
    return lambda logits, target: nn.functional.cross_entropy(logits, target) * power


class Recipe:
    def __init__(self, scale):
        self.scale = scale


@pytest.mark.parametrize(
    "make",
    [
        loss_of,
        lambda v: functools.partial(nn.functional.cross_entropy, label_smoothing=v / 10),
        lambda v: nn.CrossEntropyLoss(label_smoothing=v / 10),
        lambda v: ValidSplit(v + 1),
        Recipe,
        np.random.RandomState,
        lambda v: {"train_split": ValidSplit(v + 1)},
        lambda v: torch.full((2,), v),
        lambda v: {str(v), "a"},
    ],
)
def test_other_settings_are_told_apart(make):
    assert describe(make(1)) == describe(make(1)) != describe(make(2))


def test_functions_are_told_by_what_they_do():
    first, second = (lambda z, y: z.mean()), (lambda z, y: z.sum())
    assert describe(first) != describe(second)


def test_members_without_a_seed_are_not_the_same_fit(quick, shapes, tmp_path):
    one, other = (
        quick(random_state=None, checkpoint=tmp_path).fit(*shapes).predict_proba(shapes[0])
        for _ in range(2)
    )
    assert np.abs(one - other).max() > 0


@pytest.mark.parametrize(
    "use",
    [
        lambda X, y: ImageEmbedder("emoji-tiny", compute__cache=False).fit_transform(X),
        lambda X, y: (
            ZeroShotClassifier("emoji-tiny", compute__cache=False).fit(None, y).decision_function(X)
        ),
        lambda X, y: (
            LiftClassifier(
                "emoji-tiny",
                adapter=None,
                augmentation="fixed",
                init="class_mean",
                compute__cache=False,
                random_state=0,
            )
            .fit(X, y)
            .decision_function(X)
        ),
    ],
    ids=["embedder", "zero_shot", "head_only"],
)
def test_features_go_on_where_memory_is_short(shapes, monkeypatch, use):
    expected = use(*shapes)
    forward, tried = VisionTransformer.forward, []

    def short(self, x):
        tried.append(len(x))
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, x)

    monkeypatch.setattr(VisionTransformer, "forward", short)
    np.testing.assert_allclose(use(*shapes), expected, atol=0.3)  # bfloat16 where there is
    assert tried[:11] == [24, 12, 6, *[3] * 8]  # it remembers what fitted


@pytest.mark.parametrize("shape", [(1, 40_000), (40_000, 1), (2, 9_000)])
def test_a_very_long_picture_takes_little_memory(shape, monkeypatch):
    seen, resize = [], _views.resize

    def watch(image, height, width, interpolation):
        seen.append(height * width)
        return resize(image, height, width, interpolation)

    monkeypatch.setattr(_views, "resize", watch)
    image = np.zeros((*shape, 3), np.uint8)
    assert _views.test_view(image, 224).shape == (3, 224, 224)
    assert _views.plain_view(image, 224).shape == (3, 224, 224)
    assert TenCrop().cut(image, 224, "bicubic", None).shape == (10, 3, 224, 224)
    assert max(seen) <= 9 * 256**2


def test_the_middle_of_a_long_picture_is_what_was_seen():
    image = np.random.default_rng(0).integers(0, 256, (40, 640, 3), dtype=np.uint8)
    box = _views.test_box(40, 640, 32)
    whole = _views._crop_centre(image, box, 32, "bicubic")
    assert (_views.test_view(image, 32).float() - whole).abs().mean() < 2


def test_postscript_starts_no_program(tmp_path, monkeypatch):
    marker = tmp_path / "started"
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = tmp_path / "cat.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(ValueError, match=r"cat\.png"):
        read(path)
    assert not marker.exists()


def test_folders_stay_on_their_machine(quick, shapes, tmp_path):
    clf = quick(compute__cache=tmp_path / "cache", checkpoint=tmp_path / "checkpoints").fit(*shapes)
    clf.save(tmp_path / "model.safetensors")
    loaded = LiftClassifier.load(tmp_path / "model.safetensors")
    assert loaded.compute.cache == "auto" and loaded.checkpoint is None
    clf.set_params(compute__cache=False).save(tmp_path / "model.safetensors")
    assert LiftClassifier.load(tmp_path / "model.safetensors").compute.cache is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file sizes are those of Unix")
def test_a_full_cache_disk_is_no_end(tmp_path):
    program = """
import resource, signal, sys, warnings
import numpy as np
from sklift import ImageEmbedder
embedder = ImageEmbedder("emoji-tiny", compute__cache=sys.argv[1]).fit()
X = np.random.default_rng(0).integers(0, 256, (40, 40, 40, 3), dtype=np.uint8)
embedder.transform(X[:1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert embedder.transform(X).shape == (40, 192)
assert any("going on without keeping features" in str(w.message) for w in caught)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_any_file_name_will_do(quick, shapes, tmp_path):
    paths = []
    for i, image in enumerate(shapes[0]):
        paths.append(os.fsdecode(os.fsencode(tmp_path) + b"/\xff%d\n.png" % i))
        with open(os.fsencode(paths[-1]), "wb") as file:
            Image.fromarray(image).save(file, "PNG")
    clf = quick(checkpoint=tmp_path / "checkpoints").fit(paths, shapes[1])
    assert clf.score(paths, shapes[1]) > 0.8
