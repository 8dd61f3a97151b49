"""Vision models of transformers, with random weights, as towers of one's own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sklift._model import TunedModel
from sklift.adapters import ADAPTERS, suitable
from sklift.backbones import Backbone, Preprocess
from sklift.heads import Cosine

PIXELS = Preprocess(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
SIZES |= {"patch_size": 8, "intermediate_size": 32}
SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "num_heads": [2, 2], "window_size": 4}
MODELS = {
    "ViT": (SIZES, {"ViTLayer": 2}),
    "Dinov2": (SIZES, {"Dinov2Layer": 2}),
    "CLIPVision": (SIZES, {"CLIPEncoderLayer": 2}),
    "Swin": (SWIN | {"depths": [2, 2]}, {"SwinLayer": 4}),
    "ConvNext": (
        {"hidden_sizes": [8, 16], "depths": [1, 2], "num_stages": 2},
        {"ConvNextLayer": 3},
    ),
}


class Encoder(nn.Module):
    """What a vision model of transformers is like, as far as it matters here."""

    main_input_name = "pixel_values"

    def __init__(self, pools=True):
        super().__init__()
        self.config = SimpleNamespace(hidden_size=6)
        self.embed, self.pools = nn.Conv2d(3, 6, 8, 8), pools

    def forward(self, pixel_values):
        hidden = self.embed(pixel_values)
        pooled = hidden.mean((2, 3), keepdim=True) if self.pools else None
        return SimpleNamespace(last_hidden_state=hidden, pooler_output=pooled)


def test_the_pooled_feature_is_the_feature():
    model = Encoder()
    backbone = Backbone(model, PIXELS)
    x = torch.randn(2, 3, 32, 32)
    assert backbone.n_features == 6 and str(backbone.spec) == "Encoder"
    assert torch.equal(backbone.tower(x), model(x).pooler_output.flatten(1))


def test_without_a_pooled_feature():
    with pytest.raises(ValueError, match=r"backbone Encoder can't .*its output has no pooler_o"):
        Backbone(Encoder(pools=False), PIXELS)


@pytest.mark.parametrize("name", MODELS)
def test_adapters(name):
    transformers = pytest.importorskip("transformers")
    settings, units = MODELS[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**settings)
    backbone = Backbone(getattr(transformers, f"{name}Model")(config), PIXELS)
    blocks = backbone.open().blocks
    assert [type(block.unit.get()).__name__ for block in blocks] == [
        kind for kind, n in units.items() for _ in range(n)
    ]
    kinds = set(suitable(backbone.open()))
    of_weights = {"bitfit", "full", "half", "layer_norm", "lora", "rslora", "dora", "sparse", "ssf"}
    assert kinds >= of_weights
    x, frozen = (
        torch.randn(2, 3, 32, 32),
        {key: value.clone() for key, value in backbone.tower.state_dict().items()},
    )
    for kind in sorted(kinds - {"none", "feature"}):
        model = TunedModel(backbone, ADAPTERS[kind](), Cosine(), 2)
        assert kind == "ssf" or torch.allclose(model.features(x), backbone.tower(x), atol=1e-5)
        nn.functional.cross_entropy(model.train()(x), torch.tensor([0, 1])).backward()
        assert all(p.grad is not None for p in model.parameters() if p.requires_grad), kind
        assert all(p.grad is None for p in backbone.tower.parameters())
    after = backbone.tower.state_dict()
    assert all(torch.equal(value, frozen[key]) for key, value in after.items())
