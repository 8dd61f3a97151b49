"""What "auto" stands for: as many trained weights as the head has, or the power of two below."""

from __future__ import annotations

import pickle

import pytest
import torch

from sklift._model import TunedModel
from sklift.adapters import VPT, SparseTuning, resolve_adapter
from sklift.heads import Cosine


@pytest.mark.parametrize(
    "n_classes, layers, length",
    [(2, None, 1), (5, None, 1), (6, None, 2), (100, None, 32), (100, 1, 64), (100, [0, 2], 32)],
)
@pytest.mark.parametrize("deep", [True, False])
def test_number_of_prompts(n_classes, layers, length, deep, make_backbone):
    backbone = make_backbone("clip_vit")
    model = TunedModel(backbone, VPT(deep, "auto", layers), Cosine(), n_classes)
    assert model.adapter.length == length
    n_blocks = {"None": 3, "1": 1, "[0, 2]": 2}[str(layers)]
    assert model.n_trainable_params == 32 * (length * (n_blocks if deep else 1) + n_classes)
    assert length * n_blocks <= max(n_classes, n_blocks)


@pytest.mark.parametrize("n_classes", [2, 100])
@pytest.mark.parametrize("layers, n_blocks", [(None, 3), (1, 1), ([0, 2], 2)])
def test_share_of_entries(n_classes, layers, n_blocks, make_backbone):
    """K / (L (12 D + 9)): of the four matrices and biases of a block, as many as K D."""
    backbone = make_backbone("clip_vit")
    model = TunedModel(backbone, SparseTuning("auto", layers), Cosine(), n_classes)
    assert model.adapter.ratio == pytest.approx(n_classes / (n_blocks * (12 * 32 + 9)))
    n_tuned = model.n_trainable_params - 32 * n_classes
    assert 32 * n_classes - 4 * n_blocks < n_tuned <= 32 * n_classes


def test_never_more_than_all_entries(make_backbone):
    model = TunedModel(make_backbone("clip_vit"), SparseTuning("auto", 1), Cosine(), 1000)
    assert model.adapter.ratio == 1.0


@pytest.mark.parametrize("family", ["timm_vit", "timm_vit_average", "siglip", "timm_resnet"])
def test_in_every_family(family, make_backbone):
    backbone = make_backbone(family)
    model = TunedModel(backbone, SparseTuning("auto"), Cosine(), 7)
    head = 7 * backbone.n_features
    assert 0.9 * head < model.n_trainable_params - head <= head


def test_filled_in_values_are_kept(make_backbone):
    """A pickle is built again with the numbers, not by the rule."""
    both = resolve_adapter([VPT(length="auto"), SparseTuning("auto")])
    model = TunedModel(make_backbone("clip_vit"), both, Cosine(), 20)
    done = dict(model.adapter.recipes)
    assert done["vpt"].length == 4
    assert done["sparse"].ratio == pytest.approx(20 / (3 * 393))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(pickle.loads(pickle.dumps(model))(x), model(x))


@pytest.mark.parametrize("ratio", ["all", None, 0, 1.1])
def test_wrong_ratio(ratio, make_backbone):
    with pytest.raises((TypeError, ValueError), match="ratio"):
        TunedModel(make_backbone("clip_vit"), SparseTuning(ratio), Cosine(), 4)
