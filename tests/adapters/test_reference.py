"""Features, logits and gradients against numbers computed with the authors' code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from sklift._model import TunedModel
from sklift.adapters import SSF, VPT, AdaptFormer, LoRA
from sklift.heads import Cosine
from sklift.losses import LogitAdjusted

REFERENCE = Path(__file__).parents[1] / "reference"
INDEX = json.loads((REFERENCE / "index.json").read_text(encoding="utf-8"))["models"]
COMMON = load_file(REFERENCE / "models_common.safetensors")
COUNTS = [120, 60, 30, 15, 8, 4, 2]
ADAPTERS = {
    "none": None,
    "adaptformer": AdaptFormer(rank=4),
    "adaptformer_partial2": AdaptFormer(rank=4, layers=2),
    "lora": LoRA(rank=4),
    "ssf_all": SSF(),
    "vpt_deep": VPT(deep=True, length=3),
}


@pytest.fixture(params=sorted(INDEX["cases"]))
def case(request, reference_clip, official_params):
    """(model with the case's values, its trained parameters by official name, the numbers)."""
    numbers = load_file(REFERENCE / INDEX["cases"][request.param]["file"])
    model = TunedModel(reference_clip, ADAPTERS[request.param], Cosine(25.0), 7)
    params = official_params(model)
    values = {k.removeprefix("tuner/"): v for k, v in numbers.items() if k.startswith("tuner/")}
    values["head.weight"] = COMMON["head_weight"]
    assert params.keys() == values.keys()
    with torch.no_grad():
        for name, value in values.items():
            assert params[name].shape == value.shape, name
            params[name].copy_(value)
    return model, params, numbers


def test_features_logits_and_loss(case):
    model, _, numbers = case
    features = model.features(COMMON["images"])
    torch.testing.assert_close(features, numbers["features"], rtol=1e-5, atol=1e-5)
    logits = model(COMMON["images"])
    torch.testing.assert_close(logits, numbers["logits"], rtol=0, atol=2e-5)
    torch.testing.assert_close(logits.double(), numbers["f64/logits"], rtol=0, atol=2e-5)
    loss = LogitAdjusted(tau=1.0).build(COUNTS)(logits, COMMON["labels"])
    torch.testing.assert_close(loss, numbers["loss"].reshape(()), rtol=1e-5, atol=0)


@pytest.mark.parametrize("training", [False, True])
def test_gradients(case, training):
    model, params, numbers = case
    model.train(training)
    LogitAdjusted(tau=1.0).build(COUNTS)(model(COMMON["images"]), COMMON["labels"]).backward()
    expected = {k.removeprefix("grad/"): v for k, v in numbers.items() if k.startswith("grad/")}
    assert params.keys() == expected.keys()
    for name, grad in expected.items():
        error = (params[name].grad - grad).abs().max() / grad.abs().max()
        assert error < 1e-4, name


def test_float64(case, reference_clip):
    """In double precision nothing but the authors' own rounding remains."""
    model, params, numbers = case
    tower = reference_clip.open(dtype=torch.float64)
    if model.adapter is not None:
        model.adapter.inject(tower, 7)
    tower.module.double()
    with torch.no_grad():
        for name, param in tower.module.named_parameters():
            if param.requires_grad:
                param.copy_(dict(model.tower.named_parameters())[name])
        features = tower.module(COMMON["images"].double())
    head = params["head.weight"].detach().double()
    logits = 25 * F.linear(F.normalize(features), F.normalize(head))
    torch.testing.assert_close(logits, numbers["f64/logits"], rtol=0, atol=1e-11)


def test_counts(case, request):
    model, params, _ = case
    facts = INDEX["cases"][request.node.callspec.params["case"]]
    assert (
        model.n_trainable_params - params["head.weight"].numel()
        == (facts["trainable_tuner_parameters"])
    )
    assert params["head.weight"].numel() == facts["head_parameters"]


def test_every_reference_case_is_covered():
    assert set(INDEX["cases"]) == set(ADAPTERS)
