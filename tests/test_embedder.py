"""ImageEmbedder: features of the frozen tower as a transformer."""

from __future__ import annotations

import pickle

import numpy as np
import open_clip
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklift import ImageEmbedder
from sklift.backbones import OpenClip, load_backbone
from sklift.images import FiveCrop
from sklift.images._as_source import as_image_source
from sklift.images._dataset import TestViews


@pytest.fixture
def embedder():
    return ImageEmbedder("emoji-tiny", compute__precision="float32").fit()


def test_features_are_those_of_the_tower(embedder, shapes):
    X, _ = shapes
    backbone = load_backbone("emoji-tiny")
    views = torch.stack([TestViews(as_image_source(X), 40, "bicubic")[i][0] for i in range(len(X))])
    with torch.no_grad():
        expected = backbone.tower((views / 255 - 0.5) / 0.5)
    np.testing.assert_allclose(embedder.transform(X), expected.numpy(), atol=1e-4)


def test_projected_features_are_unit_length_in_the_joint_space(shapes):
    out = ImageEmbedder("emoji-tiny", projected=True).fit_transform(shapes[0])
    assert out.shape == (24, 128)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-5)


def test_ensembling_is_the_mean_over_crops(shapes):
    X = shapes[0][:3]
    crops = ImageEmbedder(
        "emoji-tiny", tta="fivecrop", tta__expand=8, compute__precision="float32"
    ).fit()
    source = as_image_source(X)
    views = torch.cat([TestViews(source, 40, "bicubic", FiveCrop(8))[i] for i in range(3)])
    with torch.no_grad():
        each = load_backbone("emoji-tiny").tower((views / 255 - 0.5) / 0.5)
    expected = each.unflatten(0, (3, 5)).mean(1)
    np.testing.assert_allclose(crops.transform(X), expected.numpy(), atol=1e-4)


def test_scikit_learn_transformer(embedder, shapes):
    X, y = shapes
    names = embedder.get_feature_names_out()
    assert len(names) == 192 and names[0] == "imageembedder0"
    frame = clone(embedder).set_output(transform="pandas").fit_transform(X)
    assert list(frame.columns) == list(names)
    pipe = make_pipeline(embedder, LogisticRegression())
    assert pipe.fit(X, y).score(X, y) > 0.9
    copy = pickle.loads(pickle.dumps(embedder))
    assert np.array_equal(copy.transform(X), embedder.transform(X))
    assert len(pickle.dumps(embedder)) < 2000


def test_use_before_fit_and_wrong_parameters(shapes):
    with pytest.raises(NotFittedError):
        ImageEmbedder("emoji-tiny").transform(shapes[0])
    with pytest.raises(ValueError, match="Unknown tta 'threecrop'"):
        ImageEmbedder("emoji-tiny", tta="threecrop").fit()
    with pytest.raises(ValueError, match="'batch_size' parameter"):
        ImageEmbedder("emoji-tiny", batch_size=0).fit()


@pytest.mark.parametrize("tta", [None, "fivecrop", 3])
def test_projected_features_have_unit_length(shapes, tta):
    features = ImageEmbedder("emoji-tiny", projected=True, tta=tta).fit_transform(shapes[0][:5])
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)


def test_an_activation_is_not_mistaken_for_another(tmp_path, shapes):
    """The weights of two towers may be the same, and what they compute not."""
    torch.manual_seed(0)
    checkpoint = tmp_path / "weights.pt"
    torch.save(open_clip.create_model("ViT-S-32-alt", pretrained=None).state_dict(), checkpoint)
    cache, found = tmp_path / "cache", {}
    for quick in (False, True):
        for kept in (cache, False):
            embedder = ImageEmbedder(
                OpenClip("ViT-S-32-alt", str(checkpoint), quick_gelu=quick),
                compute__precision="float32",
                compute__cache=kept,
            )
            found[quick, kept is False] = embedder.fit().transform(shapes[0][:9])
    assert np.abs(found[True, True] - found[False, True]).max() > 1e-4
    for quick in (False, True):
        np.testing.assert_array_equal(found[quick, True], found[quick, False])
