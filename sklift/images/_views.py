"""Views: which crop of an image a model sees, as numbers, and the pixels of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral

import numpy as np
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from .._compute._seeding import drawing_alone

# s(t) grows from 0 to 1 over the training; the smallest crop has the area .08 + .92 s(t).
_SCHEDULES = {
    "convex": lambda t: 1 - math.sqrt(1 - t**2),
    "linear": lambda t: t,
    "concave": lambda t: math.sqrt(1 - (1 - t) ** 2),
    "min": lambda t: 0.0,
    "max": lambda t: 1.0,
}
_AUGMENTATIONS = {"minimal": "convex"} | {f"minimal-{s}": s for s in _SCHEDULES}
_RATIO = (3 / 4, 4 / 3)

Box = tuple[int, int, int, int]


def check_augmentation(kind) -> None:
    """Raise ValueError unless `kind` is a training augmentation."""
    named = kind in ("lift", "fixed") or kind in _AUGMENTATIONS
    if not (kind is None or named or callable(kind)):
        names = ", ".join(repr(name) for name in [*_AUGMENTATIONS, "lift", "fixed"])
        raise ValueError(
            f"augmentation must be one of {names}, None (the test view) or a callable, got {kind!r}"
        )


def check_tta(kind) -> None:
    """Raise ValueError unless `kind` is a way of test-time ensembling."""
    n_crops = isinstance(kind, Integral) and not isinstance(kind, bool) and int(kind) > 0
    if not (kind in (None, "fivecrop", "tencrop") or n_crops):
        raise ValueError(
            f"tta must be None, 'fivecrop', 'tencrop' or a number of random crops > 0, got {kind!r}"
        )


def min_area(schedule: str, t: float) -> float:
    """Return the smallest area fraction of a minimalist crop, a_t = .08 + .92 s(t).

    Parameters
    ----------
    schedule : {"convex", "linear", "concave", "min", "max"}
        The curve s.
    t : float in [0, 1]
        The progress of training (Shi, Wei, Li, "LIFT+", 2025, arXiv 2504.13282).
    """
    return 0.08 + 0.92 * _SCHEDULES[schedule](t)


def train_box(
    kind: str, height: int, width: int, epoch: int, n_epochs: int, rng: np.random.Generator
) -> tuple[int, int, int, int, bool]:
    """Draw a training crop (top, left, height, width) and whether it is flipped.

    Parameters
    ----------
    kind : str
        "minimal", the square crop of LIFT+ (its area grows along the convex schedule; another one:
        "minimal-linear", ...), or "lift", the random resized crop and flip of LIFT.
    height, width : int
        Size of the image.
    epoch, n_epochs : int
        Where training stands, from 0 to n_epochs - 1.
    rng : numpy.random.Generator
        Source of the draws.
    """
    if kind == "lift":
        box = _random_resized_box(height, width, rng)
        return *box, bool(rng.random() < 0.5)
    t = min(1.0, epoch / (n_epochs - 1)) if n_epochs > 1 else 1.0
    side_max = min(height, width)
    cap = side_max**2 / (height * width)
    low = min(min_area(_AUGMENTATIONS[kind], t), cap)
    area = rng.uniform(low, cap) * height * width
    side = min(max(1, int(round(math.sqrt(area)))), side_max)
    top, left = rng.integers(0, [height - side + 1, width - side + 1])
    return int(top), int(left), side, side, False


def test_box(height: int, width: int, size: int) -> Box:
    """Return the size after resizing and the top left corner of the test view.

    The shorter side goes to size + size // 7, then comes the centre crop of `size`.

    Returns
    -------
    new_height, new_width, top, left : int
    """
    return _centre(*_shorter_to(height, width, size + size // 7), size)


def five_boxes(height: int, width: int, size: int) -> list[tuple[int, int]]:
    """Return the top left corners of the crops: the four corners row by row, then the centre."""
    bottom, right = height - size, width - size
    return [(0, 0), (0, right), (bottom, 0), (bottom, right), _centre(height, width, size)[2:]]


def resize(
    image: np.ndarray, height: int, width: int, interpolation: str = "bicubic"
) -> torch.Tensor:
    """Resize (h, w, 3) uint8 with antialiasing to a tensor (3, height, width) uint8."""
    mode = InterpolationMode(interpolation)
    resized = F.resize(_to_tensor(image), [height, width], interpolation=mode, antialias=True)
    return resized.contiguous()


def test_view(image: np.ndarray, size: int, interpolation: str = "bicubic") -> torch.Tensor:
    """Shorter side to size + size // 7, centre crop: (h, w, 3) -> (3, size, size) uint8."""
    image = _middle(image)
    height, width = image.shape[:2]
    return _crop_centre(image, test_box(height, width, size), size, interpolation)


def plain_view(image: np.ndarray, size: int, interpolation: str = "bicubic") -> torch.Tensor:
    """Shorter side to size, centre crop: (h, w, 3) -> (3, size, size) uint8."""
    image = _middle(image)
    height, width = image.shape[:2]
    box = _centre(*_shorter_to(height, width, size), size)
    return _crop_centre(image, box, size, interpolation)


def train_view(
    image: np.ndarray,
    size: int,
    interpolation: str,
    kind: str | Callable | None,
    epoch: int,
    n_epochs: int,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Draw a training view: (h, w, 3) -> (3, size, size) uint8.

    `kind` is a kind of `train_box`, None for the test view, or a callable, such as a transform of
    torchvision.transforms.v2, that takes (3, h, w) uint8 to (3, size, size), uint8 or float in
    [0, 1]; torch's CPU generator is seeded from `rng` for the call, and restored.
    """
    if kind is None:
        return test_view(image, size, interpolation)
    if callable(kind):
        return _call(kind, _to_tensor(image).contiguous(), size, rng)
    height, width = image.shape[:2]
    box = train_box(kind, height, width, epoch, n_epochs, rng)
    return _crop(image, box, size, interpolation)


def tta_views(
    image: np.ndarray,
    size: int,
    kind: str | int,
    expand: int = 24,
    rng: np.random.Generator | None = None,
    interpolation: str = "bicubic",
) -> torch.Tensor:
    """Cut the views whose logits are averaged at test time: (h, w, 3) -> (v, 3, size, size) uint8.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3), uint8
        The image.
    size : int
        Side of a view.
    kind : {"fivecrop", "tencrop"} or int
        The four corners and the centre after the shorter side went to size + expand; the same,
        then those of the mirrored image; or a number of random crops of kind "lift".
    expand : int, default=24
        What the shorter side exceeds `size` by.
    rng : numpy.random.Generator, default=None
        Source of the random crops; needed for these only.
    interpolation : str, default="bicubic"
        How pixels are interpolated.
    """
    height, width = image.shape[:2]
    if kind not in ("fivecrop", "tencrop"):
        assert rng is not None  # random crops need it
        boxes = [train_box("lift", height, width, 0, 1, rng) for _ in range(int(kind))]
        return torch.stack([_crop(image, box, size, interpolation) for box in boxes])
    image = _middle(image)
    height, width = image.shape[:2]
    height, width = _shorter_to(height, width, size + expand)
    resized = resize(image, height, width, interpolation)
    images = [resized, resized.flip(-1)] if kind == "tencrop" else [resized]
    corners = five_boxes(height, width, size)
    return torch.stack([x[:, i : i + size, j : j + size] for x in images for i, j in corners])


def _to_tensor(image: np.ndarray) -> torch.Tensor:
    # A copy: the image may be the user's own, or read-only. Channels last is fastest to resize.
    return torch.from_numpy(np.array(image, order="C")).permute(2, 0, 1)


def _shorter_to(height: int, width: int, short: int) -> tuple[int, int]:
    # Rounded as torchvision does.
    if width <= height:
        return int(short * height / width), short
    return short, int(short * width / height)


def _centre(height: int, width: int, size: int) -> Box:
    return height, width, int(round((height - size) / 2)), int(round((width - size) / 2))


def _random_resized_box(height: int, width: int, rng: np.random.Generator) -> Box:
    """Torchvision's RandomResizedCrop: area .08 to 1, log-uniform ratio 3/4 to 4/3, ten tries."""
    for _ in range(10):
        area = height * width * rng.uniform(0.08, 1.0)
        ratio = math.exp(rng.uniform(math.log(_RATIO[0]), math.log(_RATIO[1])))
        w, h = int(round(math.sqrt(area * ratio))), int(round(math.sqrt(area / ratio)))
        if 0 < w <= width and 0 < h <= height:
            top, left = rng.integers(0, [height - h + 1, width - w + 1])
            return int(top), int(left), h, w
    h = min(height, int(round(width / _RATIO[0])))
    w = min(width, int(round(height * _RATIO[1])))
    return (height - h) // 2, (width - w) // 2, h, w


def _crop(image: np.ndarray, box: tuple, size: int, interpolation: str) -> torch.Tensor:
    top, left, height, width, flip = box
    view = resize(image[top : top + height, left : left + width], size, size, interpolation)
    return view.flip(-1) if flip else view


def _middle(image: np.ndarray) -> np.ndarray:
    """The middle of a very long picture, eight times as long as wide.

    Nothing else is seen of it, and all of it, resized, would take any amount of memory.
    """
    height, width = image.shape[:2]
    most = 8 * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return image[top : top + min(height, most), left : left + min(width, most)]


def _crop_centre(image: np.ndarray, box: Box, size: int, interpolation: str) -> torch.Tensor:
    height, width, top, left = box
    resized = resize(image, height, width, interpolation)
    return resized[:, top : top + size, left : left + size].contiguous()


def _call(transform: Callable, image: torch.Tensor, size: int, rng) -> torch.Tensor:
    with drawing_alone(int(rng.integers(2**63))):
        view = transform(image)
    if not isinstance(view, torch.Tensor) or view.shape != (3, size, size):
        got = tuple(view.shape) if isinstance(view, torch.Tensor) else type(view).__name__
        raise ValueError(
            f"augmentation must return a tensor of shape (3, {size}, {size}), got {got}"
        )
    view = view.as_subclass(torch.Tensor)
    # bicubic resizing of floats goes beyond the range a little, Normalize far
    if view.is_floating_point() and view.min() >= -0.3 and view.max() <= 1.3:
        view = (view.clamp(0, 1) * 255).round().to(torch.uint8)
    if view.dtype != torch.uint8:
        raise ValueError(
            f"augmentation must return uint8 or floats in [0, 1], got {view.dtype} from "
            f"{view.min():.4g} to {view.max():.4g}; leave out Normalize: the model applies its own"
        )
    return view.contiguous()
