"""The model that is trained: views, modes, state, pickles."""

from __future__ import annotations

import io
import pickle

import pytest
import torch

import sklift._model._tuned_model as module
import sklift.backbones as backbones
from sklift._model import TunedModel
from sklift.adapters import SSF, AdaptFormer, resolve_adapter
from sklift.backbones import load_backbone
from sklift.heads import Cosine, Linear


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = TunedModel(load_backbone("emoji-tiny"), AdaptFormer(rank=2), Cosine(), 4)
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param += 0.1 * torch.randn_like(param)
    return model


def pixels(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (*shape, 3, 40, 40), dtype=torch.uint8, generator=generator)


def test_pixels_are_normalised(model):
    x = pixels(2)
    mean = torch.tensor(model.backbone.preprocess.mean).view(3, 1, 1)
    std = torch.tensor(model.backbone.preprocess.std).view(3, 1, 1)
    normalised = (x.float() / 255 - mean) / std
    torch.testing.assert_close(model(x), model(normalised))
    torch.testing.assert_close(model.features(x), model.tower(normalised))


def test_logits_of_several_views_are_averaged(model):
    x = pixels(2, 3)
    expected = torch.stack([model(x[:, v]) for v in range(3)]).mean(0)
    torch.testing.assert_close(model(x), expected)
    assert model(x).shape == (2, 4)


def test_modes(model):
    """train() leaves the frozen modules in eval mode, and reaches what is new."""
    assert not any(m.training for m in model.modules())
    model.train()
    frozen = {id(m) for m in model._frozen}
    assert all(m.training != (id(m) in frozen) for m in model.modules())
    assert model.tower.transformer.resblocks[0].mlp.branch.training
    assert not any(m.training for m in model.eval().modules())


def test_logits_are_float32_under_autocast(model):
    with torch.autocast("cpu", torch.bfloat16):
        assert model.features(pixels(1)).dtype != torch.float64
        assert model(pixels(1)).dtype == torch.float32


def test_trained_state_is_a_copy_of_exactly_the_trained(model):
    state = model.trained_state()
    names = {n for n, p in model.named_parameters() if p.requires_grad}
    assert state.keys() == names
    assert sum(t.numel() for t in state.values()) == model.n_trainable_params
    state["head.weight"].zero_()
    assert model.head.weight.any()


def test_state_must_fit(model):
    state = model.trained_state()
    with pytest.raises(ValueError, match=r"trained tensors differ: \['head.weight'\]"):
        model.load_trained_state({k: v for k, v in state.items() if k != "head.weight"})
    with pytest.raises(ValueError, match=r"trained tensors differ: \['more'\]"):
        model.load_trained_state(state | {"more": torch.zeros(1)})
    message = r"tensor 'head.weight' is \(5, 192\), expected \(4, 192\)"
    with pytest.raises(ValueError, match=message):
        model.load_trained_state(state | {"head.weight": torch.zeros(5, 192)})


def test_pickle_holds_what_was_trained_only(model):
    data = pickle.dumps(model)
    assert len(data) < 4 * model.n_trainable_params + 30_000
    loaded = pickle.loads(data)
    assert torch.equal(loaded(pixels(2)), model(pixels(2)))
    assert loaded.adapter.get_params() == model.adapter.get_params()
    assert loaded.backbone is model.backbone
    assert loaded.tower.conv1.weight.data_ptr() == model.tower.conv1.weight.data_ptr()


def test_unpickling_leaves_the_random_state(model):
    data = pickle.dumps(model)
    state = torch.get_rng_state()
    pickle.loads(data)
    assert torch.equal(torch.get_rng_state(), state)


def test_torch_save(model):
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)
    assert torch.equal(loaded(pixels(1)), model(pixels(1)))


def test_a_pickle_of_several(model):
    several = resolve_adapter([AdaptFormer(), SSF(layers=2)])
    one = TunedModel(model.backbone, several, Linear(), 3)
    two = pickle.loads(pickle.dumps(one))
    assert dict(two.adapter.recipes)["adaptformer"].rank == 1
    assert torch.equal(two(pixels(2)), one(pixels(2)))


def test_other_weights_under_the_same_name(model, monkeypatch):
    data = pickle.dumps(model)
    other = backbones._load(model.backbone.spec)
    other.tower.ln_post.bias[0] += 1
    monkeypatch.setattr(module, "load_backbone", lambda spec: other)
    with pytest.raises(ValueError, match=r"weights of backbone emoji-tiny differ .*checksum"):
        pickle.loads(data)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_pickle_from_a_device_that_is_not_here(model):
    rebuild, arguments = model.__reduce__()
    loaded = rebuild(*arguments[:-2], "cuda:0", arguments[-1])
    assert loaded.mean.device.type == "cpu"
    assert torch.equal(loaded(pixels(1)), model(pixels(1)))


def test_new_weights_follow_the_global_seed():
    def rows(seed):
        torch.manual_seed(seed)
        return TunedModel(load_backbone("emoji-tiny"), AdaptFormer(2), Cosine(), 4).trained_state()

    a, b, c = rows(0), rows(0), rows(1)
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert not torch.equal(a["head.weight"], c["head.weight"])
