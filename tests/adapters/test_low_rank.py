"""Low-rank updates against what their papers say, computed in float64 in another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklift._model import TunedModel
from sklift.adapters import DoRA, LoRA, RsLoRA
from sklift.adapters._dora import Decomposed
from sklift.adapters._low_rank import LowRank
from sklift.heads import Cosine

CONVS = {
    "3 x 3": nn.Conv2d(6, 8, 3, padding=1),
    "with stride": nn.Conv2d(6, 8, (3, 5), stride=2),
    "1 x 1": nn.Conv2d(6, 8, 1),
    "in groups": nn.Conv2d(6, 8, 3, groups=2, dilation=2),
    "depthwise": nn.Conv2d(6, 6, 5, groups=6),
}


def drawn(update):
    """The update in float64, as after training."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for param in update.double().parameters():
            param += 0.3 * torch.randn(param.shape, generator=generator, dtype=torch.float64)
    return update


@pytest.mark.parametrize("conv", CONVS.values(), ids=CONVS)
def test_an_updated_kernel_is_two_convolutions_beside_the_frozen_one(conv):
    """One of the same size to a few channels, then 1 x 1 (Yeh et al., 2023)."""
    conv = nn.Module.double(conv)
    weight = conv.weight.detach()
    update = drawn(LowRank(weight, 2, {"all": 0}, 1, divisor=2))
    x = torch.randn(2, 6, 11, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    places = {"stride": conv.stride, "padding": conv.padding, "dilation": conv.dilation}
    found = F.conv2d(x, update(weight), conv.bias, groups=conv.groups, **places)

    down = update.A["all"].T.reshape(2, *weight.shape[1:])
    rows = update.B["all"].T.chunk(conv.groups)
    # the channels of each group pass the same A, and rows of B of their own
    beside = [
        F.conv2d(F.conv2d(part, down, **places), up[:, :, None, None])
        for part, up in zip(x.chunk(conv.groups, 1), rows, strict=True)
    ]
    torch.testing.assert_close(found, conv(x) + torch.cat(beside, 1) / 2, rtol=0, atol=1e-12)
    assert not torch.allclose(found, conv(x), atol=1e-2)


@pytest.mark.parametrize("recipe, power", [(LoRA, 1), (RsLoRA, 0.5), (DoRA, 1)])
@pytest.mark.parametrize("rank", [1, 4, 9])
def test_what_the_product_is_divided_by(recipe, power, rank, make_backbone):
    model = TunedModel(make_backbone("clip_vit"), recipe(rank), Cosine(), 5)
    updates = [m for m in model.modules() if isinstance(m, LowRank)]
    assert len(updates) == 3
    for update in updates:
        update = drawn(update)
        weight = torch.zeros(96, 32, dtype=torch.float64)
        plain = LowRank.updated(update, "v", weight[64:])
        product = (update.A["v"] @ update.B["v"]).T
        torch.testing.assert_close(plain * rank**power, product, rtol=0, atol=1e-12)
        assert update(weight)[32:64].eq(0).all()  # the keys


def test_lengths_and_directions():
    """DoRA's equation 5 row by row, and gradients by hand: the length |V| counts as a constant."""
    rng = np.random.default_rng(0)
    frozen = rng.normal(size=(6, 2, 3, 3))
    weight = torch.tensor(frozen)
    update = Decomposed(weight, 2, {"all": 0}, 1, divisor=2.0)
    torch.testing.assert_close(update.double()(weight), weight, rtol=0, atol=1e-12)
    A, B, m = (p["all"].detach().numpy() for p in (drawn(update).A, update.B, update.lengths))
    G = rng.normal(size=(6, 18))  # of a loss whose gradient in the weight is G

    V = frozen.reshape(6, 18) + B.T @ A.T / 2
    expected, dV, dm = np.empty_like(V), np.empty_like(V), np.empty(6)
    for i, row in enumerate(V):
        length = sum(v * v for v in row) ** 0.5
        expected[i] = m[i] / length * row
        dm[i] = G[i] @ row / length
        dV[i] = m[i] / length * G[i]
    dA, dB = dV.T @ B.T / 2, A.T @ dV.T / 2

    found = update(weight)
    (found.flatten(1) * torch.tensor(G)).sum().backward()
    np.testing.assert_allclose(found.detach().flatten(1).numpy(), expected, atol=1e-12)
    pairs = (update.A["all"], dA), (update.B["all"], dB), (update.lengths["all"], dm)
    for param, gradient in pairs:
        np.testing.assert_allclose(param.grad.numpy(), gradient, atol=1e-12)


def test_a_row_of_zeros_stays_finite():
    weight = torch.randn(4, 3)
    weight[1] = 0
    update = Decomposed(weight, 1, {"all": 0}, 1, divisor=1)
    update(weight).sum().backward()
    assert torch.allclose(update(weight), weight)
    assert all(p.grad.isfinite().all() for p in update.parameters())


@pytest.mark.parametrize("family", ["timm_efficientnet", "timm_swin", "timm_resnet"])
@pytest.mark.parametrize("n_classes", [2, 150, 1000])
def test_auto_rank_of_blocks_of_any_kind(family, n_classes, make_backbone):
    """The largest power of two with which the updates hold no more weights than the head."""
    backbone = make_backbone(family)
    head = n_classes * backbone.n_features

    def count(rank):
        model = TunedModel(backbone, LoRA(rank), Cosine(), n_classes)
        return model.adapter.rank, model.n_trainable_params - head

    rank, n_weights = count("auto")
    assert rank == 1 or n_weights <= head
    # matrices with no room for a rank hold fewer weights than this
    _, n_at_rank_1 = count(1)
    assert rank == 1 or rank * n_at_rank_1 <= head
    assert 2 * rank * n_at_rank_1 > head and rank in {2**i for i in range(9)}


def test_no_rank_above_that_of_the_matrix(make_backbone):
    """A depthwise kernel of 3 x 3 has nine columns."""
    model = TunedModel(make_backbone("timm_efficientnet"), LoRA(rank=48), Cosine(), 5)
    updates = [m for m in model.modules() if isinstance(m, LowRank)]
    ranks = {tuple(u.A["all"].shape) for u in updates}
    assert (9, 9) in ranks
    assert all(rank <= min(width, 48) for width, rank in ranks)
    assert all(u.divisor == u.A["all"].shape[1] for u in updates)


@pytest.mark.parametrize("family", ["timm_resnet", "timm_swin"])
def test_parts_that_are_not_known_by_name(family, make_backbone):
    with pytest.raises(ValueError, match=r"targets=\('q',\) are parts of .* leave targets at 'aut"):
        TunedModel(make_backbone(family), LoRA(targets=("q",)), Cosine(), 5)


@pytest.mark.parametrize("recipe", [LoRA, RsLoRA, DoRA])
def test_the_fitted_recipe_has_a_rank_that_is_used(recipe, make_backbone):
    """One that is too large for all matrices would be neither trained nor shown."""
    backbone = make_backbone("clip_vit")
    with pytest.raises(ValueError, match=r"rank=33 is more .* test-clip_vit can have: at most 32"):
        TunedModel(backbone, recipe(33, targets=("q", "mlp")), Cosine(), 5)
    for rank, n_classes in ((32, 5), ("auto", 10**5)):
        model = TunedModel(backbone, recipe(rank), Cosine(), n_classes)
        updates = [m for m in model.modules() if isinstance(m, LowRank)]
        assert {a.shape[1] for m in updates for a in m.A.values()} == {32}
        assert model.adapter.rank == 32
