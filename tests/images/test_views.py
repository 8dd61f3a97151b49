from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from sklift.images import _views as views
from sklift.images import resolve_augmentation

SIZE = 32


def picture(height, width, seed=0):
    """A smooth picture, as photographs are."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def as_pil_pipeline(image, *transforms):
    return v2.Compose([*transforms, v2.PILToTensor()])(Image.fromarray(image))


# (height, width), resized for five crops at 224, their corners, resized for the plain test view
FACTS = [
    ((300, 400), (248, 330), [(0, 0), (0, 106), (24, 0), (24, 106), (12, 53)], (256, 341)),
    ((500, 333), (372, 248), [(0, 0), (0, 24), (148, 0), (148, 24), (74, 12)], (384, 256)),
    ((32, 32), (248, 248), [(0, 0), (0, 24), (24, 0), (24, 24), (12, 12)], (256, 256)),
    ((256, 256), (248, 248), [(0, 0), (0, 24), (24, 0), (24, 24), (12, 12)], (256, 256)),
]


@pytest.mark.parametrize(("shape", "resized", "corners", "plain"), FACTS)
def test_boxes_match_the_authors_code(shape, resized, corners, plain):
    assert views._shorter_to(*shape, 248) == resized
    assert views.five_boxes(*resized, 224) == corners
    assert views.test_box(*shape, 224)[:2] == plain


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("shape", [(50, 71), (131, 60), (32, 32), (20, 33), (400, 300)])
def test_centre_views_agree_with_torchvision_on_pil(shape, interpolation):
    image = picture(*shape)
    mode = v2.InterpolationMode(interpolation)
    for view, short in [(views.test_view, SIZE + SIZE // 7), (views.plain_view, SIZE)]:
        found = view(image, SIZE, interpolation)
        expected = as_pil_pipeline(image, v2.Resize(short, mode), v2.CenterCrop(SIZE))
        assert (found.shape, found.dtype) == ((3, SIZE, SIZE), torch.uint8)
        assert (found.int() - expected.int()).abs().float().mean() <= 2


def test_resize_agrees_with_pil():
    image = picture(60, 90)
    expected = np.asarray(Image.fromarray(image).resize((40, 30), Image.Resampling.BICUBIC))
    found = views.resize(image, 30, 40).permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 2


def test_the_image_is_neither_changed_nor_needed_to_be_writeable():
    image = picture(SIZE, SIZE)
    image = np.array(image)
    image.flags.writeable = False
    before = image.copy()
    rng = np.random.default_rng(0)
    recipe = resolve_augmentation(lambda x: x[:, :SIZE, :SIZE].zero_())
    views.draw_view(recipe, image, SIZE, "bicubic", 0.0, rng)
    views.plain_view(image, SIZE).zero_()
    np.testing.assert_array_equal(image, before)


def test_no_augmentation_is_the_test_view():
    image = picture(50, 70)
    found = views.draw_view(None, image, SIZE, "bicubic", 0.0, np.random.default_rng(0))
    assert torch.equal(found, views.test_view(image, SIZE))


class Fixed:
    """Gives what it is told to, whatever the picture."""

    def __init__(self, result):
        self.result = result

    cut = view = lambda self, *args: self.result


VIEW = torch.zeros(3, SIZE, SIZE, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (torch.zeros(3, 50, 70), r"shape \(3, 32, 32\), got \(3, 50, 70\)"),
        (VIEW[:1], r"got \(1, 32, 32\)"),
        (VIEW.numpy(), "got ndarray"),
        (VIEW - 0.5, "leave out Normalize"),
        (VIEW / 0.0, "leave out Normalize"),
        (VIEW.long(), "uint8 or floats.*torch.int64"),
    ],
)
def test_what_is_no_view(result, message):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"augmentation must return.*{message}"):
        views.draw_view(Fixed(result), picture(50, 70), SIZE, "bicubic", 0.0, rng)


def test_floats_in_the_unit_range_are_views():
    rng = np.random.default_rng(0)
    shown = torch.full((3, SIZE, SIZE), 0.5)
    found = views.draw_view(Fixed(shown), picture(50, 70), SIZE, "bicubic", 0.0, rng)
    assert found.dtype == torch.uint8 and (found == 128).all()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (VIEW, r"shape \(n_views, 3, 32, 32\), got \(3, 32, 32\)"),
        (VIEW[None, :, :9], r"got \(1, 3, 9, 32\)"),
        (VIEW[None][:0], r"got \(0, 3, 32, 32\)"),
        ([VIEW], "got list"),
        (VIEW[None].float(), "views of uint8, got torch.float32"),
    ],
)
def test_what_is_no_stack_of_views(result, message):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"tta must cut.*{message}"):
        views.draw_views(Fixed(result), picture(50, 70), SIZE, "bicubic", rng)
