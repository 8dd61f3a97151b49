from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from sklift.images import FiveCrop, RandomCrops, ResizedCrop, TenCrop, resolve_tta
from sklift.images import _views as views

SIZE = 32


def picture(height, width, seed=0):
    """A smooth picture, as photographs are."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def cut(tta, image, size, seed=0):
    return resolve_tta(tta).cut(image, size, "bicubic", np.random.default_rng(seed))


# (height, width), resized for five crops at 224, their corners, resized for the plain test view
FACTS = [
    ((300, 400), (248, 330), [(0, 0), (0, 106), (24, 0), (24, 106), (12, 53)], (256, 341)),
    ((500, 333), (372, 248), [(0, 0), (0, 24), (148, 0), (148, 24), (74, 12)], (384, 256)),
    ((32, 32), (248, 248), [(0, 0), (0, 24), (24, 0), (24, 24), (12, 12)], (256, 256)),
    ((256, 256), (248, 248), [(0, 0), (0, 24), (24, 0), (24, 24), (12, 12)], (256, 256)),
]


@pytest.mark.parametrize(("shape", "resized", "corners", "plain"), FACTS)
def test_five_and_ten_crops(shape, resized, corners, plain):
    image = picture(*shape)
    whole = views.resize(image, *resized)
    for kind, flips in [("fivecrop", [whole]), ("tencrop", [whole, whole.flip(-1)])]:
        found = cut(kind, image, 224)
        expected = [x[:, i : i + 224, j : j + 224] for x in flips for i, j in corners]
        assert torch.equal(found, torch.stack(expected))


def test_ten_crops_are_those_of_torchvision():
    image = picture(40, 57)
    whole = views.resize(image, *views._shorter_to(40, 57, SIZE + 24))
    expected = torch.stack(v2.functional.ten_crop(whole, [SIZE, SIZE]))
    assert torch.equal(cut("tencrop", image, SIZE), expected)


def test_the_picture_exceeds_the_views_by_as_much_as_is_said():
    image = picture(40, 57)
    whole = views.resize(image, *views._shorter_to(40, 57, SIZE + 4))
    found = cut(FiveCrop(expand=4), image, SIZE)
    assert torch.equal(found[0], whole[:, :SIZE, :SIZE])
    assert torch.equal(cut(TenCrop(expand=4), image, SIZE)[:5], found)


def test_random_crops():
    image = picture(50, 70)
    found = cut(3, image, SIZE, seed=1)
    rng = np.random.default_rng(1)
    expected = [ResizedCrop().view(image, SIZE, "bicubic", 0.0, rng) for _ in range(3)]
    assert torch.equal(found, torch.stack(expected))
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize(
    ("tta", "expected"),
    [
        (None, "None"),
        ("fivecrop", "FiveCrop()"),
        ("random", "RandomCrops()"),
        (np.int64(2), "RandomCrops(n=2)"),
        (TenCrop(4), "TenCrop(expand=4)"),
    ],
)
def test_names_and_numbers_are_recipes(tta, expected):
    assert repr(resolve_tta(tta)) == expected


@pytest.mark.parametrize(
    ("tta", "error", "message"),
    [
        ("fivecrops", ValueError, "Unknown tta 'fivecrops'.*Did you mean 'fivecrop'"),
        (0, ValueError, "number of random crops must be at least 1, got 0"),
        (2.5, TypeError, "tta must be one of .*'tencrop'.* or an object with a 'cut' method"),
        (True, TypeError, "got True"),
        (FiveCrop, TypeError, r"pass FiveCrop\(\), not FiveCrop"),
        (FiveCrop(expand=-1), ValueError, "expand must be at least 0, got -1"),
        (TenCrop(expand=2.0), TypeError, "expand must be an int, got 2.0"),
        (RandomCrops(0), ValueError, "n must be at least 1, got 0"),
    ],
)
def test_what_is_no_ensembling(tta, error, message):
    with pytest.raises(error, match=message):
        resolve_tta(tta)
