"""Towers of open_clip and timm that return or contain something out of the ordinary."""

from __future__ import annotations

import pytest
import timm
import torch
from open_clip.coca_model import CoCa

from sklift.backbones import BackboneSpec, OpenTower, Preprocess
from sklift.backbones._openclip import from_clip

VISION = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16}
TEXT = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 1, "layers": 1}
PIXELS = Preprocess(32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))


def coca():
    """CoCa's image tower gives its caption decoder all tokens beside the pooled feature."""
    vision = VISION | {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True}
    text = TEXT | {"embed_cls": True, "output_tokens": True}
    return CoCa(16, TEXT | {"mlp_ratio": 4}, text, vision)


def test_towers_that_give_all_tokens():
    torch.manual_seed(0)
    model = coca().eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = model.encode_image(x, normalize=True)
        backbone = from_clip(BackboneSpec("coca"), model, None, PIXELS)
        features = backbone.tower(x)
    assert features.shape == (2, backbone.n_features)
    torch.testing.assert_close(backbone.embed(features), expected)
    assert len(backbone.find_blocks(backbone.tower)) == 2


@pytest.mark.parametrize(
    "name, size", [("test_vit", 16), ("test_convnext", None), ("naflexvit_base_patch16_gap", 16)]
)
def test_patch_size(name, size):
    """Also where patches are not cut by a convolution; a tower may have none."""
    tower = OpenTower(timm.create_model(name), [], 0, name)
    if size is None:
        with pytest.raises(ValueError, match="test_convnext has no patches"):
            _ = tower.patch_size
    else:
        assert tower.patch_size == size
