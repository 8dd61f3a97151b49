from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from sklift.images import _views as views

SIZE = 32


def picture(height, width, seed=0):
    """A smooth picture, as photographs are."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def as_pil_pipeline(image, *transforms):
    return v2.Compose([*transforms, v2.PILToTensor()])(Image.fromarray(image))


# From the authors' code at 5 epochs.
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("min", [0.08] * 5),
        ("max", [1.0] * 5),
        ("linear", [0.08, 0.31, 0.54, 0.77, 1.0]),
        ("convex", [0.08, 0.1092138303722941, 0.2032566285183165, 0.39147719845514417, 1.0]),
        ("concave", [0.08, 0.6885228015448559, 0.8767433714816835, 0.9707861696277059, 1.0]),
    ],
)
def test_min_area(schedule, expected):
    found = [views.min_area(schedule, epoch / 4) for epoch in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


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


@pytest.mark.parametrize(("shape", "resized", "corners", "plain"), FACTS)
def test_five_and_ten_crops(shape, resized, corners, plain):
    image = picture(*shape)
    whole = views.resize(image, *resized)
    for kind, flips in [("fivecrop", [whole]), ("tencrop", [whole, whole.flip(-1)])]:
        found = views.tta_views(image, 224, kind)
        expected = [x[:, i : i + 224, j : j + 224] for x in flips for i, j in corners]
        assert torch.equal(found, torch.stack(expected))


def test_ten_crops_are_those_of_torchvision():
    image = picture(40, 57)
    whole = views.resize(image, *views._shorter_to(40, 57, SIZE + 24))
    expected = torch.stack(v2.functional.ten_crop(whole, [SIZE, SIZE]))
    assert torch.equal(views.tta_views(image, SIZE, "tencrop"), expected)


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
    views.train_view(image, SIZE, "bicubic", lambda x: x.zero_(), 0, 1, rng)
    views.plain_view(image, SIZE).zero_()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("shape", [(300, 400), (500, 100), (1, 1), (3, 200), (64, 64)])
@pytest.mark.parametrize("epoch", range(5))
def test_minimal_crops(shape, epoch):
    rng = np.random.default_rng(epoch)
    height, width = shape
    cap = min(shape) ** 2 / (height * width)
    low = min(views.min_area("convex", epoch / 4), cap)
    boxes = [views.train_box("minimal", *shape, epoch, 5, rng) for _ in range(300)]
    for top, left, h, w, flip in boxes:
        assert h == w
        assert not flip
        assert 0 <= top <= height - h
        assert 0 <= left <= width - w
        # the side is rounded, so the area may be off by half a pixel on each
        assert math.sqrt(low * height * width) - 0.5 <= h or h == 1
    areas = np.array([box[2] ** 2 for box in boxes]) / (height * width)
    if min(shape) >= 64:
        assert abs(areas.mean() - (low + cap) / 2) < 0.03


def test_the_last_epoch_takes_the_largest_square():
    rng = np.random.default_rng(0)
    for epoch, n_epochs in [(4, 5), (0, 1), (7, 5)]:
        assert views.train_box("minimal", 30, 40, epoch, n_epochs, rng)[2:4] == (30, 30)
    assert views.train_box("minimal-min", 300, 300, 4, 5, rng)[2] < 300
    assert views.train_box("minimal-max", 300, 300, 0, 5, rng)[2] == 300


def test_corners_are_uniform():
    rng = np.random.default_rng(0)
    tops = [views.train_box("minimal-max", 13, 10, 0, 5, rng)[0] for _ in range(2000)]
    assert np.abs(np.bincount(tops, minlength=4) / 2000 - 0.25).max() < 0.04


def test_lift_crops_are_distributed_as_those_of_torchvision():
    shape, n = (90, 140), 3000
    rng = np.random.default_rng(0)
    found = np.array([views.train_box("lift", *shape, 0, 1, rng) for _ in range(n)])
    torch.manual_seed(0)
    crop = v2.RandomResizedCrop(224)
    flat = [torch.empty(3, *shape)]
    expected = np.array([list(crop.make_params(flat).values()) for _ in range(n)])
    np.testing.assert_allclose(found[:, :4].mean(0), expected.mean(0), atol=1.5)
    np.testing.assert_allclose(found[:, :4].std(0), expected.std(0), atol=1.5)
    assert abs(found[:, 4].mean() - 0.5) < 0.05


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
    assert views.train_box("lift", *shape, 0, 1, np.random.default_rng(0))[:4] == box


def test_a_lift_view_is_its_box():
    image = picture(50, 70)
    top, left, h, w, flip = views.train_box("lift", 50, 70, 0, 1, np.random.default_rng(5))
    crop = np.ascontiguousarray(image[top : top + h, left : left + w])
    if flip:
        crop = np.ascontiguousarray(crop[:, ::-1])
    mode = v2.InterpolationMode.BICUBIC
    expected = as_pil_pipeline(crop, v2.Resize([SIZE, SIZE], mode))
    found = views.train_view(image, SIZE, "bicubic", "lift", 0, 1, np.random.default_rng(5))
    assert (found.int() - expected.int()).abs().float().mean() <= 2


def test_random_crops_at_test_time():
    image = picture(50, 70)
    found = views.tta_views(image, SIZE, 3, rng=np.random.default_rng(1))
    rng = np.random.default_rng(1)
    expected = [views.train_view(image, SIZE, "bicubic", "lift", 0, 1, rng) for _ in range(3)]
    assert torch.equal(found, torch.stack(expected))
    assert not torch.equal(found[0], found[1])


def test_no_augmentation_is_the_test_view():
    image = picture(50, 70)
    found = views.train_view(image, SIZE, "bicubic", None, 0, 1, np.random.default_rng(0))
    assert torch.equal(found, views.test_view(image, SIZE))


def test_a_transform_of_the_user():
    image = picture(50, 70)
    crop = v2.RandomCrop(SIZE)
    as_float = v2.Compose([crop, v2.ToDtype(torch.float32, scale=True)])
    state = torch.get_rng_state()
    found = [
        views.train_view(image, SIZE, "bicubic", kind, 0, 1, np.random.default_rng(3))
        for kind in (crop, crop, as_float)
    ]
    other = views.train_view(image, SIZE, "bicubic", crop, 0, 1, np.random.default_rng(4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], other)
    whole = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    windows = whole.unfold(1, SIZE, 1).unfold(2, SIZE, 1)
    assert (windows == found[0][:, None, None]).all(dim=(0, 3, 4)).any()


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (lambda x: x, r"shape \(3, 32, 32\), got \(3, 50, 70\)"),
        (lambda x: x[:1, :SIZE, :SIZE], r"got \(1, 32, 32\)"),
        (lambda x: None, "got NoneType"),
        (lambda x: x[:, :SIZE, :SIZE] / 255 - 0.5, "leave out Normalize"),
        (lambda x: x[:, :SIZE, :SIZE] / 0.0, "leave out Normalize"),
        (lambda x: x[:, :SIZE, :SIZE].long(), "uint8 or floats.*torch.int64"),
    ],
)
def test_bad_transforms(transform, message):
    image = picture(50, 70)
    with pytest.raises(ValueError, match=f"augmentation must return.*{message}"):
        views.train_view(image, SIZE, "bicubic", transform, 0, 1, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["randaug", "minimal-", "convex", 3, True])
def test_unknown_augmentations(kind):
    with pytest.raises(ValueError, match=r"one of 'minimal', .*'lift', 'fixed', None"):
        views.check_augmentation(kind)


@pytest.mark.parametrize("kind", ["fivecrops", 0, -1, 2.5, True])
def test_unknown_ensembling(kind):
    with pytest.raises(ValueError, match="tta must be None, 'fivecrop', 'tencrop' or a number"):
        views.check_tta(kind)
