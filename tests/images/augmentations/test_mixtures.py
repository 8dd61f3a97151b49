from __future__ import annotations

import numpy as np
import pytest
import torch

from sklift.images import CutMix, MixUp, resolve_augmentation

RNG = np.random.default_rng(0)
FIRST, SECOND = torch.from_numpy(RNG.integers(0, 256, (2, 5, 3, 20, 20), np.uint8))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_mixup_is_a_weighted_mean(dtype):
    first, second = FIRST.to(dtype), SECOND.to(dtype)
    mixed, share = MixUp(alpha=1.0).mix(first, second, np.random.default_rng(1))
    assert share == np.random.default_rng(1).beta(1.0, 1.0) and mixed.dtype == dtype
    expected = share * FIRST.double() + (1 - share) * SECOND.double()
    tolerance = {torch.uint8: 0.5 + 1e-4, torch.float32: 1e-4, torch.float64: 1e-12}[dtype]
    assert (mixed.double() - expected).abs().max() <= tolerance


def test_the_smaller_alpha_the_purer_are_mixtures():
    shares = [
        [MixUp(alpha).mix(FIRST[:1], SECOND[:1], rng)[1] for _ in range(400)]
        for alpha in (0.1, 10.0)
        for rng in [np.random.default_rng(0)]
    ]
    purity = [np.mean(np.abs(2 * np.array(s) - 1)) for s in shares]
    assert purity[0] > 0.8 and purity[1] < 0.3
    assert abs(np.mean(shares[1]) - 0.5) < 0.03


@pytest.mark.parametrize("seed", range(20))
def test_cutmix_pastes_one_rectangle_and_shares_labels_by_its_area(seed):
    mixed, share = CutMix().mix(FIRST, SECOND, np.random.default_rng(seed))
    pasted = (mixed != FIRST).any(0).any(0)
    rows, columns = pasted.any(1), pasted.any(0)
    assert torch.equal(pasted, rows[:, None] & columns) and share == 1 - pasted.sum().item() / 400
    assert torch.equal(mixed[..., pasted], SECOND[..., pasted])
    assert torch.equal(mixed[..., ~pasted], FIRST[..., ~pasted])
    for inside in (rows, columns):  # in one piece
        assert inside.int().diff().abs().sum() <= 2


def test_areas_and_places_of_rectangles_vary_as_those_of_the_paper():
    """Of areas, 1 - lambda is what is wanted; what is cut off at the edges is missing."""
    first, second = torch.zeros(1, 1, 100, 100), torch.ones(1, 1, 100, 100)
    rng = np.random.default_rng(0)
    found = [CutMix().mix(first, second, rng) for _ in range(2000)]
    side = np.sqrt(np.random.default_rng(1).uniform(size=200_000))
    centre = np.random.default_rng(2).uniform(size=(2, 200_000))
    extent = np.minimum(1, centre + side / 2) - np.maximum(0, centre - side / 2)
    assert abs(np.mean([1 - share for _, share in found]) - extent.prod(0).mean()) < 0.02
    seen = torch.cat([mixed for mixed, _ in found]).mean(0)[0]
    assert (seen - seen.flip(0)).abs().max() < 0.1 and seen[50, 50] > seen[0, 0] + 0.1


@pytest.mark.parametrize("recipe", [MixUp(), CutMix()])
def test_batches_are_left_as_they_were(recipe):
    first, second = FIRST.clone(), SECOND.clone()
    recipe.mix(first, second, np.random.default_rng(0))
    assert torch.equal(first, FIRST) and torch.equal(second, SECOND)


@pytest.mark.parametrize(
    ("recipe", "error", "message"),
    [
        (MixUp(alpha=0), ValueError, "alpha == 0, must be > 0"),
        (CutMix(alpha="1"), TypeError, "alpha must be"),
        (MixUp(views="mild"), ValueError, "Unknown augmentation 'mild'"),
        (CutMix(views=MixUp()), ValueError, r"single pictures, got MixUp\(\), which mixes them"),
    ],
)
def test_bad_settings(recipe, error, message):
    with pytest.raises(error, match=message):
        resolve_augmentation(recipe)
