"""Numbers of trained weights for ViT-B/16, by formula and by the authors' code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from open_clip.transformer import VisionTransformer

from sklift._model import TunedModel
from sklift.adapters import (
    SSF,
    VPT,
    Adapter,
    AdaptFormer,
    BitFit,
    FullTuning,
    LayerNormTuning,
    LoRA,
    SparseTuning,
)
from sklift.adapters._layers import auto_rank
from sklift.backbones import Backbone, BackboneSpec, Preprocess
from sklift.backbones._blocks import find_blocks
from sklift.heads import Cosine

REFERENCE = Path(__file__).parents[1] / "reference"
FACTS = json.loads((REFERENCE / "index.json").read_text(encoding="utf-8"))["facts"]
ROWS = FACTS["param_counts_vit_b16"]["rows"]
RANKS = {100: 4, 365: 8, 1000: 32, 8142: 256}


@pytest.fixture(scope="module")
def vit_b16():
    """The blocks of ViT-B/16; the size of the picture changes no count of an adapter."""
    with torch.device("meta"):
        tower = VisionTransformer(16, 16, 768, 12, 12, 4, output_dim=512, output_tokens=False)
    tower = tower.to_empty(device="cpu")
    return Backbone(
        tower,
        Preprocess(16, (0, 0, 0), (1, 1, 1)),
        768,
        find_blocks,
        spec=BackboneSpec("ViT-B-16"),
    )


@pytest.mark.parametrize("n_classes, rank", RANKS.items())
def test_default_adapter_and_head(n_classes, rank, vit_b16):
    model = TunedModel(vit_b16, AdaptFormer(), Cosine(), n_classes)
    assert model.adapter.rank == rank
    assert model.n_trainable_params == 12 * (1537 * rank + 2305) + 768 * n_classes


# The authors' rule: 2 L with L = all blocks, whatever the kind and however many are tuned.
def recipe(kind, rank):
    return {
        "adaptformer": AdaptFormer(),
        "adapter": Adapter(),
        "lora": LoRA(rank),
        "lora_mlp": LoRA(rank, targets=("mlp",)),
        "vpt_shallow": VPT(deep=False, length=10),
        "vpt_deep": VPT(deep=True, length=10),
        "ssf_all": SSF(),
        "bias_tuning": BitFit(),
        "ln_tuning": LayerNormTuning(),
        "full_tuning": FullTuning(),
        "full_partial2": FullTuning(layers=2),
        "adaptformer_partial4": AdaptFormer(rank, layers=4),
        "mask_.01": SparseTuning(0.01),
    }[kind]


@pytest.mark.parametrize("kind, n_classes, tuner, head", ROWS, ids=[f"{r[0]}-{r[1]}" for r in ROWS])
def test_agrees_with_the_authors_code(kind, n_classes, tuner, head, vit_b16):
    model = TunedModel(vit_b16, recipe(kind, RANKS[n_classes]), Cosine(), n_classes)
    assert model.n_trainable_params == tuner + head
    assert model.head.weight.numel() == head


@pytest.mark.parametrize("n_classes, n_blocks, rank", FACTS["adapter_dim"]["table"])
def test_auto_rank(n_classes, n_blocks, rank):
    assert auto_rank(n_classes, n_blocks) == rank


def test_auto_rank_counts_the_blocks_that_are_tuned(vit_b16):
    """The later rule: fewer blocks, wider bottlenecks; LoRA has twice the matrices."""
    assert TunedModel(vit_b16, AdaptFormer(layers=4), Cosine(), 365).adapter.rank == 32
    assert TunedModel(vit_b16, LoRA(), Cosine(), 365).adapter.rank == 4
