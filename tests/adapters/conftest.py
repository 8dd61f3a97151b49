"""Small towers of every family, and the reference CLIP with the names of the authors' code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import load_file
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.convnext import ConvNeXt
from timm.models.densenet import DenseNet
from timm.models.efficientnet import EfficientNet
from timm.models.mobilenetv3 import MobileNetV3
from timm.models.regnet import RegNet, RegNetCfg
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionTransformer

import sklift.backbones as backbones
from sklift.backbones import Backbone, BackboneSpec, Preprocess
from sklift.backbones._blocks import find_blocks
from sklift.backbones._openclip import from_clip

REFERENCE = Path(__file__).parents[1] / "reference"
TEXT = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 1, "layers": 1}
SIDE = 32


def preprocess(size=SIDE):
    return Preprocess(size, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))


def clip_vit(spec):
    vision = {"image_size": SIDE, "layers": 3, "width": 32, "patch_size": 8, "head_width": 16}
    return from_clip(spec, CLIP(8, vision, TEXT, quick_gelu=True), None, preprocess())


def clip_resnet(spec):
    vision = {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 8}
    return from_clip(spec, CLIP(16, vision, TEXT), None, preprocess())


def siglip(spec):
    """A timm trunk with attention pooling, in open_clip's wrapper."""
    vision = {
        "timm_model_name": "test_vit",
        "timm_pool": "map",
        "timm_proj": "none",
        "image_size": 160,
    }
    return from_clip(spec, CustomTextCLIP(64, vision, TEXT), None, preprocess(160))


def _timm(spec, model):
    return Backbone(model, preprocess(), model.head_hidden_size, find_blocks, spec=spec)


def _timm_vit(spec, **settings):
    sizes = {"img_size": SIDE, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
    return _timm(spec, VisionTransformer(**sizes, num_classes=0, **settings))


def timm_vit(spec):
    return _timm_vit(spec)


def timm_vit_average(spec):
    settings = {"global_pool": "avg", "class_token": False, "init_values": 0.5, "qk_norm": True}
    return _timm_vit(spec, **settings)


def timm_resnet(spec):
    channels = (8, 16, 24, 32)
    return _timm(spec, ResNet(BasicBlock, [1, 1, 2, 1], 0, channels=channels, stem_width=8))


def timm_bottleneck_resnet(spec):
    channels = (4, 8, 8, 8)
    return _timm(spec, ResNet(Bottleneck, [1, 1, 1, 1], 0, channels=channels, avg_down=True))


def timm_convnext(spec):
    return _timm(spec, ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 8, 16, 16), num_classes=0))


def timm_efficientnet(spec):
    rows = ["ds_r1_k3_s1_e1_c16_se0.5"], ["ir_r2_k3_s2_e2_c24_se0.5"], ["er_r1_k3_s1_e2_c24"]
    sizes = {"num_features": 16, "stem_size": 8, "act_layer": nn.SiLU}
    return _timm(spec, EfficientNet(decode_arch_def([*rows]), 0, **sizes))


def timm_mobilenet(spec):
    """Its head widens the features after they are pooled."""
    rows = ["ds_r1_k3_s1_e1_c16_se0.5"], ["ir_r2_k5_s2_e2_c24_se0.5"], ["cn_r1_k1_s1_c32"]
    sizes = {"num_features": 24, "stem_size": 8, "act_layer": nn.Hardswish}
    return _timm(spec, MobileNetV3(decode_arch_def([*rows]), 0, **sizes))


def timm_regnet(spec):
    sizes = {"depth": 5, "w0": 8, "wa": 8, "wm": 1.5, "group_size": 4, "stem_width": 8}
    cfg = RegNetCfg(**sizes, se_ratio=1.0, act_layer="silu")
    return _timm(spec, RegNet(cfg, num_classes=0))


def timm_swin(spec):
    """Transformer blocks in stages, with windows."""
    sizes = {"img_size": SIDE, "patch_size": 2, "window_size": 4, "embed_dim": 8}
    return _timm(spec, SwinTransformer(**sizes, depths=(2, 1), num_heads=(2, 2), num_classes=0))


def timm_densenet(spec):
    """Its blocks stand in rows that have no known names."""
    return _timm(spec, DenseNet(growth_rate=4, block_config=(2, 1), num_classes=0))


def torchvision_vit(spec):
    """Its attentions are torch's, and its blocks have names of their own."""
    sizes = {"num_layers": 3, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
    tower = TorchvisionTransformer(SIDE, 8, **sizes)
    tower.heads = nn.Identity()
    return Backbone(tower, preprocess(), 16, find_blocks, spec=spec)


def pooled_pixels(spec):
    """It has nothing that could be trained."""
    tower = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    return Backbone(tower, preprocess(), 12, find_blocks, spec=spec)


FAMILIES = {
    f.__name__: f
    for f in (
        clip_vit,
        timm_vit,
        timm_vit_average,
        siglip,
        clip_resnet,
        timm_resnet,
        timm_bottleneck_resnet,
        timm_convnext,
        timm_efficientnet,
        timm_mobilenet,
        timm_regnet,
        timm_swin,
        timm_densenet,
        torchvision_vit,
        pooled_pixels,
    )
}


def _randomise(tower):
    """Values as after training: no zero weight or statistic hides a mistake."""
    for module in tower.modules():
        for name, tensor in (*module._parameters.items(), *module._buffers.items()):
            if tensor is None or not tensor.is_floating_point():
                continue
            norm = isinstance(module, (nn.LayerNorm, nn.BatchNorm2d))
            if (norm and name == "weight") or name in ("running_var", "gamma"):
                tensor.data.uniform_(0.5, 1.5)
            elif norm or name.endswith("bias"):
                tensor.data.normal_(0, 0.1)


@pytest.fixture
def make_backbone(monkeypatch):
    """Family name -> backbone that ``load_backbone`` finds again, as unpickling needs."""

    def make(family):
        spec = BackboneSpec(f"test-{family}")
        with torch.random.fork_rng():
            torch.manual_seed(0)
            backbone = FAMILIES[family](spec)
            _randomise(backbone.tower)
        monkeypatch.setitem(backbones._loaded, (spec, ()), backbone)
        return backbone

    return make


@pytest.fixture(scope="session")
def reference_clip():
    """The small CLIP of the reference numbers."""
    vision = {"image_size": 32, "layers": 3, "width": 128, "patch_size": 8, "head_width": 64}
    text = {"context_length": 16, "vocab_size": 512, "width": 64, "heads": 1, "layers": 2}
    model = CLIP(32, vision, text, quick_gelu=True)
    weights = load_file(REFERENCE / "backbone_small_clip.safetensors")
    lost, extra = model.load_state_dict(weights, strict=False)
    assert set(lost) <= {"attn_mask"} and not extra
    return from_clip(BackboneSpec("reference-clip"), model, None, preprocess(32))


_RULES = [
    (r"prompt$", "vpt_list.{i}.prompt"),
    (r"in_proj_weight\.\d\.([AB])\.([qkv])$", "lora_list.{i}.{1}.lora_{0}"),
    (r"out_proj\..*\.([AB])\.out$", "lora_list.{i}.out.lora_{0}"),
    (r"c_fc\..*\.([AB])\.fc1$", "lora_mlp_list.{i}.1.lora_{0}"),
    (r"c_proj\..*\.([AB])\.fc2$", "lora_mlp_list.{i}.2.lora_{0}"),
    (r"in_proj_\w+\.\d\.(scale|shift)$", "ssf_attn_list.{i}.attn_in.{0}"),
    (r"out_proj\..*\.(scale|shift)$", "ssf_attn_list.{i}.attn_out.{0}"),
    (r"c_fc\..*\.(scale|shift)$", "ssf_mlp_list.{i}.mlp_in.{0}"),
    (r"c_proj\..*\.(scale|shift)$", "ssf_mlp_list.{i}.mlp_out.{0}"),
    (r"(ln_[12])\.parametrizations\..*\.(scale|shift)$", "ssf_ln_list.{i}.{0}.{1}"),
    (r"mlp\.scale$", "adaptformer_list.{i}.scale"),
    (r"mlp\.2\.branch\.(\w+\.\w+)$", "adapter_list.{i}.{0}"),
    (r"mlp\.branch\.(\w+\.\w+)$", "adaptformer_list.{i}.{0}"),
]


def _official(ours):
    """``tower.transformer.resblocks.0.mlp.scale`` -> ``adaptformer_list.0.scale``."""
    found = re.match(r"tower\.transformer\.resblocks\.(\d)\.(.+)", ours)
    if found is None:
        return ours
    i, rest = found.groups()
    # Undo the moves that adapters make: blocks in wrappers, the second norm behind a branch.
    rest = rest.replace("block.", "").replace("mlp.frozen.0.", "ln_2.")
    rest = rest.replace("mlp.frozen.1.", "mlp.").replace("mlp.0.", "mlp.")
    for rule, official in _RULES:
        if found := re.search(rule, rest):
            name = official.format(*found.groups(), i=i)
            for a, b in ((".norm.", ".ln."), (".down.", ".down_proj."), (".up.", ".up_proj.")):
                name = name.replace(a, b)
            return name
    rest = re.sub(r"parametrizations\.(\w+)\.original$", r"\1", rest)
    return f"transformer.resblocks.{i}.{rest}"


@pytest.fixture(scope="session")
def official_params():
    """Model -> its trained parameters by their names in the authors' code."""

    def names(model):
        pairs = [(_official(n), p) for n, p in model.named_parameters() if p.requires_grad]
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return names


@pytest.fixture(params=[f for f in FAMILIES if f != "pooled_pixels"])
def family(request):
    return request.param
