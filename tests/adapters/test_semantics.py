"""Every kind, and several at once, against one plain function of weights and trained values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

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
    resolve_adapter,
)
from sklift.heads import Cosine

REFERENCE = Path(__file__).parents[1] / "reference"
IMAGES = load_file(REFERENCE / "models_common.safetensors")["images"]


def forward(w, t, images):
    """The feature of a ViT with weights `w` and tuned values `t`, named as in the authors' code."""

    def norm(x, values, name):
        return F.layer_norm(x, x.shape[-1:], values[f"{name}.weight"], values[f"{name}.bias"], 1e-5)

    def ssf(y, name):
        return y * t[f"{name}.scale"] + t[f"{name}.shift"] if f"{name}.scale" in t else y

    def lora(x, name):
        if f"{name}.lora_A" not in t:
            return 0
        a, b = t[f"{name}.lora_A"], t[f"{name}.lora_B"]
        return x @ a @ b / a.shape[1]

    def bottleneck(x, name):
        if f"{name}.up_proj.weight" not in t:
            return 0
        x = F.linear(
            norm(x, t, f"{name}.ln"), t[f"{name}.down_proj.weight"], t[f"{name}.down_proj.bias"]
        )
        y = F.linear(torch.relu(x), t[f"{name}.up_proj.weight"], t[f"{name}.up_proj.bias"])
        return y * t.get(f"{name}.scale", 1)

    x = F.conv2d(images, w["conv1.weight"], stride=8).flatten(2).mT
    x = torch.cat([w["class_embedding"].expand(len(x), 1, -1), x], 1) + w["positional_embedding"]
    x = norm(x, w, "ln_pre")
    n, n_tokens, width = x.shape
    for i in range(3):
        p = f"transformer.resblocks.{i}."
        if f"vpt_list.{i}.prompt" in t:
            x = torch.cat([x[:, :n_tokens], t[f"vpt_list.{i}.prompt"].expand(n, -1, -1)], 1)
        u = ssf(norm(x, w, p + "ln_1"), f"ssf_ln_list.{i}.ln_1")
        qkv = F.linear(u, w[p + "attn.in_proj_weight"], w[p + "attn.in_proj_bias"])
        qkv = list(qkv.split(width, -1))
        qkv = [y + lora(u, f"lora_list.{i}.{s}") for y, s in zip(qkv, "qkv", strict=True)]
        qkv = ssf(torch.cat(qkv, -1), f"ssf_attn_list.{i}.attn_in").unflatten(-1, (3, 2, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        out = F.linear(y, w[p + "attn.out_proj.weight"], w[p + "attn.out_proj.bias"])
        out = out + lora(y, f"lora_list.{i}.out")
        x1 = x + ssf(out, f"ssf_attn_list.{i}.attn_out")
        u = ssf(norm(x1, w, p + "ln_2"), f"ssf_ln_list.{i}.ln_2")
        h = F.linear(u, w[p + "mlp.c_fc.weight"], w[p + "mlp.c_fc.bias"])
        h = ssf(h + lora(u, f"lora_mlp_list.{i}.1"), f"ssf_mlp_list.{i}.mlp_in")
        h = h * torch.sigmoid(1.702 * h)
        y = F.linear(h, w[p + "mlp.c_proj.weight"], w[p + "mlp.c_proj.bias"])
        y = ssf(y + lora(h, f"lora_mlp_list.{i}.2"), f"ssf_mlp_list.{i}.mlp_out")
        y = y + bottleneck(y, f"adapter_list.{i}")
        x = x1 + y + bottleneck(x1, f"adaptformer_list.{i}")
    return norm(x[:, 0], w, "ln_post")


def frozen_weights():
    file = load_file(REFERENCE / "backbone_small_clip.safetensors")
    return {k.removeprefix("visual."): v for k, v in file.items() if k.startswith("visual.")}


def perturb(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param += 0.05 * torch.randn(param.shape, generator=generator)


def assert_agree(model, leaves, weights):
    """Compare features, and the gradient of a random function of them in every leaf."""
    tuned = {k: v for k, v in leaves.items() if k not in weights}
    expected = forward(weights | {k: v for k, v in leaves.items() if k in weights}, tuned, IMAGES)
    with torch.no_grad():  # what prediction runs
        torch.testing.assert_close(model.features(IMAGES), expected, rtol=2e-5, atol=5e-5)
    model.train()
    features = model.features(IMAGES)
    torch.testing.assert_close(features, expected, rtol=2e-5, atol=5e-5)
    direction = torch.randn(features.shape, generator=torch.Generator().manual_seed(1))
    (features * direction).sum().backward()
    (expected * direction).sum().backward()


@pytest.mark.parametrize(
    "case, file", [("none", 0), ("adaptformer", 1), ("lora", 1), ("ssf_all", 1), ("vpt_deep", 1)]
)
def test_the_plain_function_agrees_with_the_authors_code(case, file):
    numbers = load_file(REFERENCE / f"model_{case}.safetensors")
    tuned = {k.removeprefix("tuner/"): v for k, v in numbers.items() if k.startswith("tuner/")}
    assert bool(tuned) == bool(file)
    features = forward(frozen_weights(), tuned, IMAGES)
    torch.testing.assert_close(features, numbers["features"], rtol=1e-5, atol=1e-5)


CASES = {
    "adapter": Adapter(rank=4),
    "adapter in blocks 0 and 2": Adapter(rank=4, layers=[0, 2]),
    "adaptformer in block 1": AdaptFormer(rank=4, layers=[1], scale=0.5),
    "lora in all maps": LoRA(rank=4, targets=("q", "k", "v", "out", "mlp")),
    "lora in the feed-forward part": LoRA(rank=3, targets=("mlp",)),
    "lora in k": LoRA(rank=2, targets=("k",), layers=[0, 2]),
    "shallow prompts": VPT(deep=False, length=4),
    "deep prompts": VPT(deep=True, length=4),
    "deep prompts in the last two": VPT(deep=True, length=4, layers=2),
    "deep prompts in blocks 0 and 2": VPT(deep=True, length=4, layers=[0, 2]),
    "deep prompts in blocks 0 and 1": VPT(deep=True, length=4, layers=[0, 1]),
    "ssf in block 1": SSF(layers=[1]),
    "biases": BitFit(),
    "biases in the last block": BitFit(layers=1),
    "norms": LayerNormTuning(),
    "norms in block 0": LayerNormTuning(layers=[0]),
    "full": FullTuning(),
    "full in the last two": FullTuning(layers=2),
    "adaptformer and norms": [AdaptFormer(4), LayerNormTuning()],
    "adaptformer and adapter": [AdaptFormer(4), Adapter(2)],
    "adapter and adaptformer": [Adapter(2), AdaptFormer(4)],
    "adaptformer, ssf, lora, prompts": [AdaptFormer(4), SSF(), LoRA(2), VPT(length=3)],
    "ssf, biases": [SSF(), BitFit()],
    "lora, full": [LoRA(2, targets=("q", "v", "mlp")), FullTuning(layers=1)],
    "everything": [
        VPT(deep=False, length=2),
        AdaptFormer(4, layers=[0, 1]),
        Adapter(3, layers=[1, 2]),
        SSF(),
        LoRA(2, targets=("q", "k", "v", "out", "mlp"), layers=2),
        BitFit(layers=[0]),
        LayerNormTuning(layers=[1]),
    ],
    "everything, the other way round": [
        LayerNormTuning(layers=[1]),
        BitFit(layers=[0]),
        LoRA(2, targets=("mlp", "out", "v", "k", "q"), layers=2),
        SSF(),
        Adapter(3, layers=[1, 2]),
        AdaptFormer(4, layers=[0, 1]),
        VPT(deep=True, length=2),
    ],
}


@pytest.mark.parametrize("recipe", CASES.values(), ids=CASES)
def test_features_and_gradients(recipe, reference_clip, official_params):
    torch.manual_seed(0)
    model = TunedModel(reference_clip, resolve_adapter(recipe), Cosine(25.0), 7)
    perturb(model)
    params = official_params(model)
    head = params.pop("head.weight")
    leaves = {k: v.detach().clone().requires_grad_() for k, v in params.items()}
    assert_agree(model, leaves, frozen_weights())
    assert head.grad is None
    for name, leaf in leaves.items():
        error = (params[name].grad - leaf.grad).abs().max() / leaf.grad.abs().max()
        assert error < 1e-4, name


@pytest.mark.parametrize("kind", [BitFit, LayerNormTuning, FullTuning])
def test_thawed_names(kind, reference_clip, official_params):
    """Which weights of the tower the kinds without new weights train, by name."""
    names = {k for k in frozen_weights() if k.startswith("transformer.resblocks.")}
    expected = {
        BitFit: {k for k in names if k.endswith("bias")},
        LayerNormTuning: {k for k in names if ".ln_" in k},
        FullTuning: names,
    }[kind]
    trained = official_params(TunedModel(reference_clip, kind(), Cosine(25.0), 7))
    assert trained.keys() == expected | {"head.weight"}


LINEARS = ("attn.in_proj_", "attn.out_proj.", "mlp.c_fc.", "mlp.c_proj.")


@pytest.mark.parametrize("ratio, seed, blocks", [(0.1, 0, None), (0.013, 7, [1]), (1.0, 0, [0, 2])])
def test_sparse(ratio, seed, blocks, reference_clip):
    """One seeded generator gives every matrix (W | b) a mask of its own, in order of depth."""
    recipe = SparseTuning(ratio, blocks, mask_seed=seed)
    model = TunedModel(reference_clip, recipe, Cosine(25.0), 7)
    torch.testing.assert_close(model.features(IMAGES), reference_clip.tower(IMAGES))
    weights, generator = frozen_weights(), torch.Generator().manual_seed(seed)
    leaves, pieces = {}, []
    for i in blocks or range(3):
        for linear in LINEARS:
            name = f"transformer.resblocks.{i}.{linear}"
            matrix = torch.cat([weights[name + "weight"], weights[name + "bias"][:, None]], 1)
            n = matrix.numel()
            entries = torch.randperm(n, generator=generator)[: int(n * ratio)]
            values = (matrix.flatten()[entries] + 0.1).requires_grad_()
            tuned = matrix.flatten().index_copy(0, entries, values).view_as(matrix)
            leaves |= {name + "weight": tuned[:, :-1], name + "bias": tuned[:, -1]}
            pieces.append((name, values, entries % matrix.shape[1] < matrix.shape[1] - 1))
    assert model.n_trainable_params == sum(len(v) for _, v, _ in pieces) + 7 * 128
    with torch.no_grad():
        for name, param in model.tower.named_parameters():
            if param.requires_grad:
                assert name.endswith(".values")
                param += 0.1
    assert_agree(model, leaves, weights)
    owned = dict(model.tower.named_parameters())
    for name, values, inside in pieces:
        stem, _, prefix = name.rpartition(".")
        for suffix, part in (("weight", inside), ("bias", ~inside)):
            if part.any():
                ours = owned[f"{stem}.parametrizations.{prefix}{suffix}.0.values"]
                expected = values.grad[part]
                error = (ours.grad - expected).abs().max() / values.grad.abs().max()
                assert error < 1e-4, name


def test_sparse_beside_kinds_that_train_the_same_weights(reference_clip):
    """Whatever their order, no bias is lost to the mask."""
    counts = {
        TunedModel(reference_clip, resolve_adapter(pair), Cosine(), 7).n_trainable_params
        for pair in ([SparseTuning(0.1), BitFit()], [BitFit(), SparseTuning(0.1)])
    }
    biases = TunedModel(reference_clip, BitFit(), Cosine(), 7).n_trainable_params
    sparse = TunedModel(reference_clip, SparseTuning(0.1), Cosine(), 7).n_trainable_params
    assert counts == {biases + sparse - 7 * 128}
