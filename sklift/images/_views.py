"""Views: the part of a picture that a model sees, as a box and as pixels."""

from __future__ import annotations

import numpy as np
import torch

from ._framing import middle

Box = tuple[int, int, int, int]


def test_box(height: int, width: int, size: int) -> Box:
    """Return the size after resizing and the top left corner of the test view.

    The shorter side goes to size + size // 7, then comes the centre crop of ``size``.

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
    # Here: it takes longer than torch, and features are fitted without it.
    from torchvision.transforms.v2 import InterpolationMode, functional

    mode = InterpolationMode(interpolation)
    resized = functional.resize(
        to_tensor(image), [height, width], interpolation=mode, antialias=True
    )
    return resized.contiguous()


def test_view(image: np.ndarray, size: int, interpolation: str = "bicubic") -> torch.Tensor:
    """Resize the shorter side to size + size // 7, cut the centre: -> (3, size, size) uint8."""
    image = middle(image)
    height, width = image.shape[:2]
    return _crop_centre(image, test_box(height, width, size), size, interpolation)


def plain_view(image: np.ndarray, size: int, interpolation: str = "bicubic") -> torch.Tensor:
    """Resize the shorter side to size, cut the centre: (h, w, 3) -> (3, size, size) uint8."""
    image = middle(image)
    height, width = image.shape[:2]
    box = _centre(*_shorter_to(height, width, size), size)
    return _crop_centre(image, box, size, interpolation)


def draw_view(
    recipe,
    image: np.ndarray,
    size: int,
    interpolation: str,
    progress: float,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Draw a training view: (h, w, 3) -> (3, size, size) uint8.

    Parameters
    ----------
    recipe : object or None
        The recipe of an augmentation of single pictures, see
        :class:`~sklift.images.MinimalistCrop`; None for the test view.
    image, size, interpolation, progress, rng
        The arguments of its method ``view``.

    Raises
    ------
    ValueError
        If it gives anything else than a view.
    """
    if recipe is None:
        return test_view(image, size, interpolation)
    return _checked_view(recipe.view(image, size, interpolation, progress, rng), size)


def draw_views(
    recipe, image: np.ndarray, size: int, interpolation: str, rng: np.random.Generator
) -> torch.Tensor:
    """Cut the views whose logits are averaged at test time: (h, w, 3) -> (v, 3, size, size) uint8.

    Parameters
    ----------
    recipe : object or None
        The recipe of test-time ensembling, see :class:`~sklift.images.FiveCrop`; None for the one
        test view.
    image, size, interpolation, rng
        The arguments of its method ``cut``.

    Raises
    ------
    ValueError
        If it gives anything else than views.
    """
    if recipe is None:
        return test_view(image, size, interpolation)[None]
    views = recipe.cut(image, size, interpolation, rng)
    is_tensor = isinstance(views, torch.Tensor)
    if not is_tensor or views.ndim != 4 or not len(views) or views.shape[1:] != (3, size, size):
        got = tuple(views.shape) if is_tensor else type(views).__name__
        raise ValueError(
            f"tta must cut a tensor of views of shape (n_views, 3, {size}, {size}), got {got}"
        )
    if views.dtype != torch.uint8:
        raise ValueError(f"tta must cut views of uint8, got {views.dtype}")
    return views


def corner_views(
    image: np.ndarray, size: int, expand: int, interpolation: str, mirrored: bool = False
) -> torch.Tensor:
    """Cut the corners and the centre of a picture whose shorter side becomes size + expand.

    With ``mirrored``, the crops of the mirrored picture follow.
    """
    image = middle(image)
    height, width = image.shape[:2]
    height, width = _shorter_to(height, width, size + expand)
    resized = resize(image, height, width, interpolation)
    images = [resized, resized.flip(-1)] if mirrored else [resized]
    corners = five_boxes(height, width, size)
    return torch.stack([x[:, i : i + size, j : j + size] for x in images for i, j in corners])


def crop(image: np.ndarray, box: Box, size: int, interpolation: str) -> torch.Tensor:
    """Resize a crop (top, left, height, width) of a picture: (h, w, 3) -> (3, size, size) uint8."""
    top, left, height, width = box
    return resize(image[top : top + height, left : left + width], size, size, interpolation)


def to_tensor(image: np.ndarray) -> torch.Tensor:
    """Copy a picture (h, w, 3) to a tensor (3, h, w) that is laid out channels last."""
    # A copy: the picture may be the user's own, or read-only. Channels last is fastest to resize.
    return torch.from_numpy(np.array(image, order="C")).permute(2, 0, 1)


def _shorter_to(height: int, width: int, short: int) -> tuple[int, int]:
    # Rounded as torchvision does.
    if width <= height:
        return int(short * height / width), short
    return short, int(short * width / height)


def _centre(height: int, width: int, size: int) -> Box:
    return height, width, int(round((height - size) / 2)), int(round((width - size) / 2))


def _crop_centre(image: np.ndarray, box: Box, size: int, interpolation: str) -> torch.Tensor:
    height, width, top, left = box
    resized = resize(image, height, width, interpolation)
    return resized[:, top : top + size, left : left + size].contiguous()


def _checked_view(view, size: int) -> torch.Tensor:
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
