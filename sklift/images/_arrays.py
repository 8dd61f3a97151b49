"""Arrays and tensors -> (height, width, 3) uint8."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ._levels import check_type, opacity_levels, to_levels
from ._reading import PLAIN, Reading

_CHANNELS = (1, 3, 4)
_BANDS = 16  # an axis of at most so many, beside two of at least so many pixels, counts channels
_PIXELS = 24


def array_to_rgb(
    array: np.ndarray, name: str, reading: Reading = PLAIN, bits: int | None = None
) -> np.ndarray:
    """Convert one image with channels last; `bits` is the depth that its file declares."""
    check_format(array, name, reading=reading)
    array = _chosen(array, reading)
    if array.ndim == 2:
        array = array[..., None]
    if array.shape[2] == 4:
        colours = to_levels(array[..., :3], name, reading, bits)
        opacity = opacity_levels(array[..., 3:], name, reading)
        return on_white(Image.fromarray(np.concatenate([colours, opacity], axis=2)))
    array = to_levels(array, name, reading, bits)
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    elif array.shape[2] == 2:
        array = np.concatenate([array, np.zeros_like(array[..., :1])], axis=2)
    return np.ascontiguousarray(array)


def on_white(image: Image.Image) -> np.ndarray:
    """Lay an image with opacity on white."""
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


def check_format(
    array: np.ndarray,
    name: str,
    shape: tuple[int, ...] | None = None,
    reading: Reading = PLAIN,
) -> None:
    """Check dtype and shape; `shape` is that of one image when `array` holds many."""
    shape = array.shape if shape is None else shape
    check_mask(array, name)
    check_type(array, name, reading)
    if len(shape) == 1:
        content = f"; the content of a file as {name}.tobytes()" if array.dtype == np.uint8 else ""
        raise ValueError(
            f"{name} is one-dimensional, which is no picture: for flattened pictures, give "
            f"reader__image_shape=(height, width) or (height, width, channels){content}"
        )
    if len(shape) not in (2, 3) or (
        len(shape) == 3 and reading.channels is None and shape[2] not in _CHANNELS
    ):
        hint = ""
        if len(shape) == 3 and shape[0] in _CHANNELS:
            hint = f"; move the channels last: np.moveaxis({name}, -3, -1)"
        elif len(shape) == 3:
            hint = f"; {_choose(shape[2])}"
        raise ValueError(
            f"{name}: a picture in an array has shape (height, width) or (height, width, c) with c "
            f"in 1, 3, 4, got {shape}{hint}"
        )
    if 0 in shape:
        raise ValueError(f"{name}: the picture is empty, its shape is {shape}")
    if len(shape) == 3 and shape[0] <= _BANDS < _PIXELS <= min(shape[1:]):
        raise ValueError(
            f"{name}: a picture of shape {shape} has its channels first: move them last, "
            f"np.moveaxis({name}, -3, -1)"
        )
    check_channels(1 if len(shape) == 2 else shape[2], name, reading)


def check_mask(array, name: str) -> None:
    """Refuse masked values, behind which any number may stand."""
    if np.ma.is_masked(array):
        raise ValueError(
            f"{name} is a masked array, and some of its values are masked: fill them with what is "
            f"to be seen there, {name}.filled(0) for black"
        )


def check_channels(n_channels: int, name: str, reading: Reading) -> None:
    """Check that the channels to be seen are there; a grey image counts as three equal ones."""
    there = 3 if n_channels == 1 else n_channels
    if reading.channels is not None and max(reading.channels) >= there:
        raise ValueError(
            f"{name} has {n_channels} channel{'s' * (n_channels > 1)}, reader__channels="
            f"{reading.channels} asks for channel {max(reading.channels)} (counted from 0)"
        )


def is_tensor(x) -> bool:
    """Whether x is a torch tensor; doesn't import torch."""
    return any(c.__module__ == "torch" and c.__name__ == "Tensor" for c in type(x).__mro__)


def tensor_to_array(tensor, name: str, channel_axis: int, reading: Reading = PLAIN) -> np.ndarray:
    """View a tensor as an array with the channels last.

    An image, or a batch of images, that has channels has them on `channel_axis`.
    """
    shape = tuple(tensor.shape)
    tensor = tensor.detach().cpu()
    array = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    if array.ndim != channel_axis + 3:
        return array
    if reading.channels is None and shape[channel_axis] not in _CHANNELS:
        hint = _choose(shape[channel_axis])
        if shape[-1] in _CHANNELS:
            hint = "move the channels first: .movedim(-1, -3)"
        raise ValueError(
            f"{name}: a picture in a tensor has shape (height, width) or (c, height, width) with c "
            f"in 1, 3, 4, got {shape[channel_axis:]}; {hint}"
        )
    if shape[-1] <= _BANDS < _PIXELS <= min(shape[-3:-1]):
        raise ValueError(
            f"{name}: a picture of shape {shape[channel_axis:]} in a tensor has its channels last: "
            f"move them first, .movedim(-1, -3)"
        )
    return np.moveaxis(array, channel_axis, -1)


def _choose(n_channels: int) -> str:
    some = tuple(range(min(n_channels, 3)))
    return f"choose one, two or three of the channels, such as reader__channels={some}"


def _chosen(array: np.ndarray, reading: Reading) -> np.ndarray:
    if reading.channels is None or array.ndim == 2 or array.shape[2] == 1:
        return array
    return array[..., list(reading.channels)]
