"""Each speed-up is left out, with one warning, where a library has changed what it reads."""

from __future__ import annotations

import contextlib
import sys
import warnings

import numpy as np
import pytest
import torch
from open_clip import transformer
from open_clip.model import CLIP
from timm.models import vision_transformer as timm_vit
from torch import nn

import sklift.backbones as backbones
from sklift import LiftClassifier
from sklift._compute import _speed_up, _torch
from sklift._compute._speed_up import change_class, optional, require_same
from sklift._model import TunedModel, _compilation
from sklift.adapters import AdaptFormer
from sklift.backbones import Backbone, BackboneSpec, Preprocess
from sklift.backbones._blocks import find_blocks
from sklift.backbones._fast import _precision
from sklift.backbones._fast._attention import PackedAttention, use_fast_attention
from sklift.backbones._fast._precision import cast_frozen_weights
from sklift.backbones._towers._open_clip_modules import FirstTokenBlock
from sklift.backbones._towers._timm_modules import FirstTokenTimmBlock
from sklift.heads import Cosine

FAST = "sklift.backbones._fast"
READERS = {
    f"{FAST}._attention",
    f"{FAST}._attend",
    f"{FAST}._precision",
    f"{FAST}._first_token",
    "sklift.backbones._towers._open_clip",
    "sklift.backbones._towers._open_clip_modules",
    "sklift.backbones._towers._timm",
    "sklift.backbones._towers._timm_modules",
    "sklift.backbones._stages",
    "sklift._compute._torch",
}
OF_SITES = {"blocks_of", "has_fixed_length"}  # without them there is nothing to adapt
OURS = {"prefix", "packed", "of_first", "held", "weights", "_heads"}

ATTENTION = (
    *("batch_first", "_qkv_same_embed_dim", "bias_k", "add_zero_attn", "dropout"),
    *("in_proj_weight", "in_proj_bias", "num_heads", "out_proj"),
)
FUSED = ("fused_attn", "qkv", "num_heads", "q_norm", "k_norm", "norm", "proj")
NEEDED = {
    "open_clip": (
        *ATTENTION,
        *("output_tokens", "proj", "transformer", "_pool", "_embeds", "resblocks"),
        *("grad_checkpointing", "attn_pool", "pool_type", "attn", "ln_1"),
    ),
    "timm": (
        *FUSED,
        *("patch_embed", "_pos_embed", "patch_drop", "norm_pre", "forward_head", "blocks"),
        *("grad_checkpointing", "attn_pool", "global_pool", "attn"),
        *("norm1", "ls1", "norm2", "ls2", "mlp"),
    ),
}
WITH_DEFAULT = {"gate", "trunk"}
OF_ALL_MODULES = {*dir(nn.Module), "training"}
HELD = {
    "weight": {nn.Linear, nn.Conv2d, _precision.NonDynamicallyQuantizableLinear},
    "bias": {nn.Linear, nn.Conv2d, _precision.NonDynamicallyQuantizableLinear},
    **{name: {nn.Conv2d} for name in ("stride", "padding", "dilation", "groups")},
    "in_proj_weight": {PackedAttention},
    "in_proj_bias": {PackedAttention},
}
X = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
PICTURES = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
Y = np.arange(12) % 3


def tower_of(kind):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "timm":
            sizes = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}
            tower = timm_vit.VisionTransformer(num_classes=0, init_values=0.5, **sizes)
        else:
            vision = {"image_size": 32, "layers": 2, "width": 16, "patch_size": 16, "head_width": 8}
            text = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 1, "layers": 1}
            tower = CLIP(8, vision, text).visual
            tower.proj = None
        with torch.no_grad():
            for p in tower.parameters():
                p += 0.1 * torch.randn_like(p)
    return tower.eval().requires_grad_(False)


def backbone_of(tower):
    preprocess = Preprocess(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Backbone(tower, preprocess, 16, find_blocks, spec=BackboneSpec("small"))


@pytest.fixture(autouse=True)
def a_new_process(monkeypatch):
    monkeypatch.setattr(_speed_up, "_warned", set())
    _precision._is_same_when_held.cache_clear()
    yield
    _precision._is_same_when_held.cache_clear()


@contextlib.contextmanager
def heard():
    """The warnings of speed-ups, as they come."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [str(w.message) for w in caught if "the results are the same" in str(w.message)]


@pytest.fixture
def fit(monkeypatch):
    """Probabilities and the model of a small fit on a tower."""

    def fit_on(tower, **params):
        made = backbone_of(tower)
        monkeypatch.setitem(backbones._loaded, (made.spec, ()), made)
        monkeypatch.setattr("sklift.backbones.resolve_spec", lambda *args: made.spec)
        settings = {"adapter": AdaptFormer(2, layers=1), "augmentation": None, "init": "random"}
        settings |= {"max_epochs": 2, "batch_size": 6, "random_state": 0, "compute__cache": False}
        settings |= {"compute__precision": "float32"} | params
        clf = LiftClassifier("small", **settings).fit(PICTURES, Y)
        return clf.predict_proba(PICTURES), clf.model_

    return fit_on


def watch(monkeypatch, seen):
    """Call ``seen`` with each name that a speed-up reads of a module, and let it be hidden."""
    for method in ("__getattribute__", "__getattr__"):
        own = getattr(nn.Module, method)

        def read(self, name, own=own):
            frame = sys._getframe(1)
            function = frame.f_code.co_qualname.partition(".")[0]
            by_speed_up = frame.f_globals["__name__"] in READERS and function not in OF_SITES
            if by_speed_up and seen(name):
                raise AttributeError(f"there is no {name}")
            return own(self, name)

        monkeypatch.setattr(nn.Module, method, read)


@pytest.mark.parametrize("kind", NEEDED)
def test_the_names_that_are_needed(kind, fit, monkeypatch):
    """All that is read in a fit is among those that are taken away below."""
    tower, read = tower_of(kind), set()
    with monkeypatch.context() as patch, heard() as found:
        watch(patch, read.add)
        fit(tower)
    assert found == []
    assert read - OF_ALL_MODULES - OURS - WITH_DEFAULT == set(NEEDED[kind])


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in NEEDED.items() for name in names]
)
def test_a_name_that_is_gone(kind, name, fit, monkeypatch, wanted_of={}):  # noqa: B006
    """The same numbers, and a warning for each speed-up that is left out."""
    tower = tower_of(kind)
    features = tower(X)
    if kind not in wanted_of:  # all names have the same
        wanted_of[kind], _ = fit(tower_of(kind))
    with monkeypatch.context() as patch, heard() as first:
        watch(patch, lambda read: read == name)
        found, model = fit(tower)
        torch.testing.assert_close(tower(X), features, atol=1e-5, rtol=1e-5)
        with heard() as again:
            other = TunedModel(backbone_of(tower_of(kind)), AdaptFormer(2, layers=1), Cosine(), 3)
            _ = other.n_frozen_blocks
    np.testing.assert_allclose(found, wanted_of[kind], atol=1e-4)
    assert first and len(set(first)) == len(first)
    assert all(f"AttributeError: there is no {name}" in text for text in first)
    assert again == []
    assert model.backbone.tower is tower


@pytest.mark.parametrize("name", HELD)
def test_a_name_that_held_weights_need(name, monkeypatch):
    modules = nn.ModuleList(
        [
            nn.Linear(4, 4),
            nn.Conv2d(4, 4, 1),
            nn.Conv2d(4, 4, 1, padding=1, padding_mode="reflect"),
            _precision.NonDynamicallyQuantizableLinear(4, 4),
            nn.MultiheadAttention(4, 1, batch_first=True),
        ]
    )
    modules.eval().requires_grad_(False)
    use_fast_attention(modules)
    kinds = [type(module) for module in modules]
    with monkeypatch.context() as patch, heard() as found:
        watch(patch, lambda read: read == name)
        changed = cast_frozen_weights(modules, torch.bfloat16)
    held = {kind for _, kind in changed}
    assert held == {k for k in _precision._HELD if not (HELD[name] & {k})}
    assert len(found) == len(set(found)) == 1
    assert "frozen weights are converted" in found[0]
    left = [m for m, kind in zip(modules, kinds, strict=True) if type(m) is kind]
    assert not any(hasattr(module, "held") for module in left)


def test_weights_that_are_padded_by_reflection_are_not_held():
    conv = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect").requires_grad_(False)
    assert cast_frozen_weights(conv, torch.bfloat16) == []


def later_open_clip(monkeypatch):
    """open_clip as its development branch has it: batches first, and attentions of its own."""

    def attention(self, q_x, k_x=None, v_x=None, attn_mask=None):
        assert k_x is None and v_x is None
        return self.attn(q_x, attn_mask=attn_mask)

    def forward(self, x, attn_mask=None):
        for block in self.resblocks:
            x = block(x, attn_mask=attn_mask)
        return x

    monkeypatch.setattr(transformer.ResidualAttentionBlock, "attention", attention)
    monkeypatch.setattr(transformer.Transformer, "forward", forward)
    tower = tower_of("open_clip")
    del tower.transformer.batch_first
    for block in tower.transformer.resblocks:
        own = transformer.Attention(16, 2)
        own.load_state_dict(block.attn.state_dict())
        block.attn = own.eval().requires_grad_(False)
    return tower


@pytest.mark.parametrize("layers", [1, None])
def test_a_later_open_clip(fit, monkeypatch, layers):
    """Frozen blocks are still computed once; the last block computes all tokens."""
    wanted, _ = fit(tower_of("open_clip"), adapter=AdaptFormer(2, layers=layers))
    features = tower_of("open_clip")(X)
    tower = later_open_clip(monkeypatch)
    torch.testing.assert_close(tower(X), features, atol=1e-5, rtol=1e-5)
    with heard() as found:
        proba, model = fit(tower, adapter=AdaptFormer(2, layers=layers))
    np.testing.assert_allclose(proba, wanted, atol=1e-4)
    (text,) = found
    assert text.startswith("the tower's last block computes all tokens")
    assert model.n_frozen_blocks == (1 if layers else 0)
    with heard() as found:
        fit(tower, adapter="lora")
    assert found == []


def test_tokens_that_come_first_are_noticed(fit, monkeypatch):
    """Of one that runs its blocks tokens first, and has no name that would say so."""

    def forward(self, x, attn_mask=None):
        x = x.transpose(0, 1)
        for block in self.resblocks:
            x = block(x, attn_mask=attn_mask)
        return x.transpose(0, 1)

    features = tower_of("open_clip")(X)
    monkeypatch.setattr(transformer.Transformer, "forward", forward)
    tower = tower_of("open_clip")
    del tower.transformer.batch_first
    for block in tower.transformer.resblocks:
        block.attn.batch_first = False
    torch.testing.assert_close(tower(X), features, atol=1e-5, rtol=1e-5)
    with heard() as found:
        _, model = fit(tower)
    assert model.n_frozen_blocks == 0
    assert [text.partition(" ")[0] for text in found] == ["the", "frozen"]
    assert "ValueError: it gives other numbers" in found[1]
    np.testing.assert_allclose(model.backbone.tower(X), features, atol=1e-5)


def test_blocks_that_compute_otherwise_are_noticed(fit, monkeypatch):
    """A later block of timm's may do more than the one that the fast one imitates."""
    own = timm_vit.Block.forward
    monkeypatch.setattr(timm_vit.Block, "forward", lambda self, x, **kw: 1.1 * own(self, x, **kw))
    tower = tower_of("timm")
    features = tower(X)
    with heard() as found:
        model = TunedModel(backbone_of(tower), None, Cosine(), 3)
    torch.testing.assert_close(model.features(X), features, atol=1e-5, rtol=1e-5)
    assert not any(isinstance(m, FirstTokenTimmBlock) for m in model.modules())
    (text,) = found
    assert "last block" in text and "it gives other numbers" in text


def test_another_signature_is_noticed(monkeypatch):
    """Blocks that want to be told more than tokens."""
    own = transformer.ResidualAttentionBlock.forward

    def forward(self, q_x, *, attn_mask):
        return own(self, q_x, attn_mask=attn_mask)

    def run(self, x, attn_mask=None):
        for block in self.resblocks:
            x = block(x, attn_mask=attn_mask)
        return x

    monkeypatch.setattr(transformer.ResidualAttentionBlock, "forward", forward)
    monkeypatch.setattr(transformer.Transformer, "forward", run)
    tower = tower_of("open_clip")
    features = tower(X)
    with heard() as found:
        model = TunedModel(backbone_of(tower), AdaptFormer(2, layers=1), Cosine(), 3)
        assert model.n_frozen_blocks == 0
    assert len(found) == 2 and all("TypeError" in text for text in found)
    assert not any(isinstance(m, FirstTokenBlock) for m in model.modules())
    torch.testing.assert_close(model.features(X), features, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["_compiled_call_impl", "recompile_limit"])
def test_a_compiler_whose_names_are_gone(fit, monkeypatch, name):
    def gone(*args):
        raise AttributeError(f"there is no {name}")

    calls = []
    part = "require_undoable_compile" if name == "_compiled_call_impl" else "keeping_programs"
    monkeypatch.setattr(_compilation, part, gone)
    monkeypatch.setattr(_compilation, "_check_compiler", lambda device: None)
    monkeypatch.setattr(nn.Module, "compile", lambda self: calls.append(self))
    wanted, _ = fit(tower_of("timm"))
    with heard() as found:
        proba, _ = fit(tower_of("timm"), compute__compile=True)
    np.testing.assert_array_equal(proba, wanted)
    assert len(found) == 1 and f"there is no {name}" in found[0]
    assert len(calls) == (0 if name == "_compiled_call_impl" else 2)


def test_compilation_is_undone():
    _torch.require_undoable_compile()
    linear = nn.Linear(2, 2)
    linear.compile()
    assert linear._compiled_call_impl is not None
    _torch.undo_compile(linear)
    assert linear._compiled_call_impl is None


def test_the_number_of_programs():
    before = torch._dynamo.config.cache_size_limit
    with _torch.keeping_programs(77):
        assert torch._dynamo.config.cache_size_limit == 77
    assert torch._dynamo.config.cache_size_limit == before


def test_backward_of_softmax(monkeypatch):
    scores = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    gradient, weights = torch.randn(2, 3, 4, dtype=torch.float64), scores.softmax(-1)
    (wanted,) = torch.autograd.grad(weights, scores, gradient)
    torch.testing.assert_close(_torch.softmax_backward(gradient, weights.detach()), wanted)
    monkeypatch.delattr(torch, "_softmax_backward_data")
    torch.testing.assert_close(_torch.softmax_backward(gradient, weights.detach()), wanted)


def test_other_errors_pass(monkeypatch):
    with pytest.raises(KeyboardInterrupt), optional("slower"):
        raise KeyboardInterrupt
    with pytest.raises(torch.OutOfMemoryError), optional("slower"):
        raise torch.OutOfMemoryError


def test_a_reason_is_told_once():
    with heard() as found:
        for reason in ("a", "a", "b"):
            with optional("slower"):
                raise TypeError(reason)
    assert [text[:6] for text in found] == ["slower"] * 2


class Twice(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Broken(nn.Linear):
    def forward(self, x):
        raise KeyError("x")


@pytest.mark.parametrize("kind", [Twice, Broken])
def test_a_class_that_does_not_fit_is_taken_back(kind):
    module = nn.Linear(4, 4).train()
    state = torch.get_rng_state()
    with pytest.raises((ValueError, KeyError)):
        change_class(module, kind, module)
    assert type(module) is nn.Linear and module.training
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("found", "wanted"), [(torch.ones(2), torch.ones(3)), (torch.ones(2), torch.tensor([1, 1.1]))]
)
def test_what_is_not_the_same(found, wanted):
    with pytest.raises(ValueError, match="it gives"):
        require_same(found, wanted)
    require_same(wanted * (1 + 1e-4), wanted)


def test_numbers_that_are_none_are_the_same_where_the_others_are():
    """A tower whose weights overflow computes what it computes, slowly or fast."""
    wanted = torch.tensor([1.0, float("nan"), 2.0])
    require_same(wanted.clone(), wanted)
    for found in (wanted + 1, torch.tensor([1.0, 0.0, 2.0])):
        with pytest.raises(ValueError, match="other numbers"):
            require_same(found, wanted)
