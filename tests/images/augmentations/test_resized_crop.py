from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from sklift.images import ResizedCrop, resolve_augmentation

SIZE = 32


def picture(height, width, seed=0):
    """A smooth picture, as photographs are."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def test_lift_crops_are_distributed_as_those_of_torchvision():
    shape, n = (90, 140), 3000
    rng = np.random.default_rng(0)
    found = np.array([ResizedCrop().box(*shape, rng) for _ in range(n)])
    torch.manual_seed(0)
    crop = v2.RandomResizedCrop(224)
    flat = [torch.empty(3, *shape)]
    expected = np.array([list(crop.make_params(flat).values()) for _ in range(n)])
    np.testing.assert_allclose(found.mean(0), expected.mean(0), atol=1.5)
    np.testing.assert_allclose(found.std(0), expected.std(0), atol=1.5)


@pytest.mark.parametrize(
    ("shape", "box"), [((10, 1000), (0, 493, 10, 13)), ((1000, 10), (493, 0, 13, 10))]
)
def test_lift_falls_back_to_the_centre(shape, box):
    """No crop of a permitted ratio has 8 % of such an image."""
    crop = v2.RandomResizedCrop(224)
    assert (
        tuple(
            crop.make_params([torch.empty(3, *shape)])[k]
            for k in ("top", "left", "height", "width")
        )
        == box
    )
    assert ResizedCrop().box(*shape, np.random.default_rng(0)) == box


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_a_view_is_its_box(flip):
    image = picture(50, 70)
    recipe = ResizedCrop(flip=flip)
    top, left, h, w = recipe.box(50, 70, np.random.default_rng(5))
    crop = Image.fromarray(image[top : top + h, left : left + w])
    if flip:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    expected = v2.PILToTensor()(crop.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    found = recipe.view(image, SIZE, "bicubic", 0.0, np.random.default_rng(5))
    assert (found.int() - expected.int()).abs().float().mean() <= 2


def test_half_of_the_views_are_mirrored():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255
    recipe = ResizedCrop(least_area=1.0, ratio=(1.0, 1.0))
    rng = np.random.default_rng(0)
    right = [recipe.view(image, 8, "bicubic", 0.0, rng)[0, 0, -1] for _ in range(400)]
    assert abs(np.mean(right) / 255 - 0.5) < 0.08


def test_settings_bound_areas_and_ratios():
    rng = np.random.default_rng(0)
    recipe = ResizedCrop(least_area=0.5, ratio=(0.5, 0.8))
    boxes = np.array([recipe.box(200, 200, rng) for _ in range(500)])
    height, width = boxes[:, 2], boxes[:, 3]
    assert (height * width / 200**2).min() > 0.49
    assert 0.49 < (width / height).min() < 0.6 and 0.7 < (width / height).max() < 0.81


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"least_area": 0}, ValueError, "least_area == 0, must be > 0"),
        ({"flip": 1.2}, ValueError, "flip == 1.2, must be <= 1"),
        ({"ratio": 1.0}, ValueError, "ratio must be two numbers, got 1.0"),
        ({"ratio": (0.0, 1.0)}, ValueError, "ratio == 0.0, must be > 0"),
        ({"ratio": (2.0, 1.0)}, ValueError, "ratio must be the smaller number, then the larger"),
        ({"ratio": ("a", "b")}, TypeError, "ratio must be"),
    ],
)
def test_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        resolve_augmentation(ResizedCrop(**settings))
