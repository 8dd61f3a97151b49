"""Decoding of one picture of any kind to (height, width, 3) uint8."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from .._core._text import visible

# EXIF orientation -> what sets the picture upright. Pillow's `exif_transpose` does the same, but
# rewrites the EXIF block as well, which fails on the damaged blocks that real collections hold.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_CHANNELS = (1, 3, 4)
_CHUNK = 1 << 22  # values looked at together when the range of a large array is checked


def to_rgb(image, name: str = "image") -> np.ndarray:
    """Convert one picture to 8-bit RGB.

    Parameters
    ----------
    image : PIL.Image.Image, ndarray or torch.Tensor
        A PIL image of any mode but "F": the EXIF orientation is applied, transparency is composited
        on white, 16 bits become 8. An array (height, width) or (height, width, c), or a tensor
        (height, width) or (c, height, width), with c in 1, 3, 4 and values of type uint8, uint16
        (divided by 257) or float in [0, 1].
    name : str
        Name of the picture in error messages, such as "X[3]".

    Returns
    -------
    ndarray of shape (height, width, 3), uint8, C-contiguous
        It may share memory with ``image``.

    Raises
    ------
    TypeError
        The object is no picture.
    ValueError
        The shape, type or range of the values is none of the above, or the picture is damaged.
    """
    if isinstance(image, Image.Image):
        return _from_pil(image, name)
    if is_tensor(image):
        image = tensor_to_array(image, name, channel_axis=0)
    if isinstance(image, np.ndarray):
        return _from_array(np.asarray(image), name)
    raise TypeError(_no_image(image, name))


def read(path) -> np.ndarray:
    """Decode a picture file to (height, width, 3) uint8.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is a directory, empty, truncated, far too large, or no picture; the message names
        it.
    """
    with _open(path) as image:
        return _from_pil(image, visible(path))


def read_reduced(path, factor: int) -> np.ndarray:
    """Decode a picture file as ``read`` does, but at a half, quarter or eighth of its size.

    JPEG files are decoded at that size, which is faster; others are averaged over
    squares of pixels afterwards. ``factor`` is 2, 4 or 8 and divides both sides.
    """
    with _open(path) as image:
        width, height = image.size[0] // factor, image.size[1] // factor
        image.draft(None, (width, height))  # leaves all but JPEG as they are
        left = image.size[0] // width
        pixels = _from_pil(image, visible(path))
    return pixels if left == 1 else np.asarray(Image.fromarray(pixels).reduce(left))


def check_file(path) -> tuple[int, int]:
    """Raise the errors of ``read`` that the first bytes of the file show.

    Returns
    -------
    tuple (width, height)
        The size as it is stored: ``read`` may turn the picture upright.
    """
    with _open(path) as image:
        _check_mode(image, visible(path))
        return image.size


def check_image(image, name: str) -> None:
    """Raise the errors of ``to_rgb`` about the kind, shape, dtype and range of a picture."""
    if isinstance(image, Image.Image):
        _check_mode(image, name)
    elif is_tensor(image):
        if image.device.type == "cpu":  # elsewhere the look would cost a transfer
            check_image(tensor_to_array(image, name, channel_axis=0), name)
    elif isinstance(image, np.ndarray):
        check_format(image, name)
        check_range(image, name)
    else:
        raise TypeError(_no_image(image, name))


def check_format(array: np.ndarray, name: str, shape: tuple[int, ...] | None = None) -> None:
    """Check dtype and shape; ``shape`` is that of one picture when ``array`` holds many."""
    shape = array.shape if shape is None else shape
    if not (array.dtype.kind == "f" or array.dtype in (np.uint8, np.uint16)):
        raise ValueError(
            f"{name} has dtype {array.dtype}; images are uint8, uint16 or floats in [0, 1]: use "
            f"uint8 (.astype('uint8') if the values are between 0 and 255)"
        )
    if len(shape) == 1:
        raise ValueError(
            f"{name} is one-dimensional, which is no image: give "
            f"reader__image_shape=(height, width) or (height, width, channels) for flattened images"
        )
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in _CHANNELS):
        hint = ""
        if len(shape) == 3 and shape[0] in _CHANNELS:
            hint = f"; move the channels last: np.moveaxis({name}, -3, -1)"
        raise ValueError(
            f"{name}: an image in an array has shape (height, width) or (height, width, c) with c "
            f"in 1, 3, 4, got {shape}{hint}"
        )
    if 0 in shape:
        raise ValueError(f"{name}: the image is empty, its shape is {shape}")


def check_range(array: np.ndarray, name: str, many: bool = False) -> None:
    """Check that floats are finite and in [0, 1], a slab of the first axis at a time.

    ``many``: the first axis counts pictures.
    """
    if array.dtype.kind != "f":
        return
    step = max(1, _CHUNK // array[0].size)
    for start in range(0, len(array), step):
        part = array[start : start + step]
        low, high = float(part.min()), float(part.max())
        if not np.isfinite(low + high):
            bad = start + int((~np.isfinite(part)).any(axis=tuple(range(1, part.ndim))).argmax())
            where = f", the first in {name}[{bad}]" if many else ""
            raise ValueError(f"{name} holds NaN or infinite values{where}")
        if low < -1e-6:
            raise ValueError(
                f"{name}: float images are in [0, 1], found {low:.4g}; undo any normalisation "
                f"(x * std + mean): the model applies its own"
            )
        if high > 1 + 1e-6:
            top = 255 if high <= 255 else 65535
            raise ValueError(
                f"{name}: float images are in [0, 1], found {high:.4g}; divide by {top} (or by the "
                f"largest value that a pixel can take, if that isn't {top})"
            )


def is_tensor(x) -> bool:
    """Tell whether x is a torch tensor, without importing torch."""
    return any(c.__module__ == "torch" and c.__name__ == "Tensor" for c in type(x).__mro__)


def tensor_to_array(tensor, name: str, channel_axis: int) -> np.ndarray:
    """View a tensor as an array with the channels last.

    A picture, or a batch of pictures, that has channels has them on ``channel_axis``.
    """
    shape = tuple(tensor.shape)
    tensor = tensor.detach().cpu()
    array = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    if array.ndim != channel_axis + 3:
        return array
    if shape[channel_axis] not in _CHANNELS:
        hint = "; move the channels first: .movedim(-1, -3)" if shape[-1] in _CHANNELS else ""
        raise ValueError(
            f"{name}: an image in a tensor has shape (height, width) or (c, height, width) with c "
            f"in 1, 3, 4, got {shape[channel_axis:]}{hint}"
        )
    return np.moveaxis(array, channel_axis, -1)


def _from_array(array: np.ndarray, name: str) -> np.ndarray:
    check_format(array, name)
    check_range(array, name)
    if array.dtype.kind == "f":
        # Half floats can't hold 255 x exactly.
        array = np.clip(np.rint(array.astype(np.float32) * 255), 0, 255).astype(np.uint8)
    elif array.dtype == np.uint16:
        array = np.rint(array / 257).astype(np.uint8)
    if array.ndim == 2:
        array = array[..., None]
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    elif array.shape[2] == 4:
        array = _on_white(Image.fromarray(np.ascontiguousarray(array)))
    return np.ascontiguousarray(array)


def _from_pil(image: Image.Image, name: str) -> np.ndarray:
    _check_mode(image, name)
    try:
        image.load()  # before the orientation is looked up: the TIFF reader turns pictures itself
        image = _set_upright(image)
        if image.mode.startswith("I"):
            return _from_array(_sixteen_bits(image), name)
        if image.has_transparency_data:
            return _on_white(image)
        return np.asarray(image.convert("RGB"))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise ValueError(f"{name}: the image can't be decoded ({error})") from error


def _check_mode(image: Image.Image, name: str) -> None:
    if image.mode == "F":
        raise ValueError(
            f"{name} is an image of mode 'F' (floats of no fixed range): give it as an array of "
            f"floats in [0, 1]"
        )
    if 0 in image.size:
        raise ValueError(f"{name}: the image is empty, its size is {image.size}")


def _set_upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a damaged EXIF block says nothing about the orientation
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _sixteen_bits(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError(
            f"integers of mode {image.mode!r} are in 0..65535, found {pixels.min()} to "
            f"{pixels.max()}"
        )
    return pixels.astype(np.uint16)


def _on_white(image: Image.Image) -> np.ndarray:
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


def _no_image(image, name: str) -> str:
    return (
        f"{name} is of type {type(image).__name__}: an image is a PIL image, an array "
        f"(height, width) or (height, width, c), or a torch tensor (c, height, width)"
    )


@cache
def _formats() -> list[str]:
    """Formats that Pillow reads, but for PostScript, for which it would start another program."""
    Image.init()
    return [name for name in Image.OPEN if name != "EPS"]


def _open(path) -> Image.Image:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        what = "a directory" if os.path.isdir(path) else "no regular file"
        raise ValueError(f"{visible(path)}: this is {what}, not an image file")
    try:
        return Image.open(path, formats=_formats())
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise ValueError(f"{visible(path)}: {visible(_why_unreadable(path, error))}") from error


def _why_unreadable(path, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "the file is empty" if os.path.getsize(path) == 0 else "no image that Pillow reads"
    remedy = ""
    if isinstance(error, Image.DecompressionBombError):
        remedy = "; if you trust it, raise PIL.Image.MAX_IMAGE_PIXELS"
    return f"the file can't be read as an image ({error}){remedy}"
