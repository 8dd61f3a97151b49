"""A look at some pictures before they are used: do they use their range, is anything visible?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .._core._warn import warn
from ._arrays import is_tensor, tensor_to_array
from ._declared import declared, keeps_upper_bits
from ._levels import is_sixteen_bits
from ._opened import PilFile, opened, seen_of
from ._pil import at_frame, check_mode
from ._reading import PLAIN, Reading

_SAMPLE = 32  # pictures whose kind is looked at
_ENOUGH = 8  # of which so many are read
_DARK = 1 << 14  # numbers of 16 bits that stay below this have 14 bits or less
_CLEAR = 128  # opacity that no pixel of a picture reaches


@dataclass(frozen=True)
class Look:
    """What was seen of a picture.

    Parameters
    ----------
    top : int or None
        The largest number, where it has 16 bits and nothing says how many of them are used.
    opacity : int or None
        The largest opacity of 255, where it has a channel of it.
    upper_bits : bool
        Whether only the upper 8 of the 16 bits are read.
    """

    top: int | None = None
    opacity: int | None = None
    upper_bits: bool = False


NOTHING = Look()


def look_at(image, name: str, reading: Reading = PLAIN) -> Look:
    """Look at one image of any kind."""
    if is_tensor(image):
        if image.device.type != "cpu":
            return NOTHING
        image = tensor_to_array(image, name, 0, reading)
    if isinstance(image, np.ndarray):
        return _look_at_array(image, reading)
    if isinstance(image, Image.Image):
        with at_frame(image, name, reading.frame) as (image, _):
            return _look_at_pil(image, name, reading)
    return look_at_file(image, reading, name)


def look_at_file(item, reading: Reading = PLAIN, name: str | None = None) -> Look:
    """Look at a file, or at what can be read as one."""
    name = str(item) if name is None else name
    with opened(item, name, reading) as picture:
        if isinstance(picture, PilFile):
            return _look_at_pil(picture.image, name, reading)
        raster = picture.raster()
    if raster.bits is not None or raster.curve is not None:
        return NOTHING
    if raster.value_range not in (None, (0, 65535)):
        return NOTHING
    return _look_at_array(seen_of(raster, name, reading), reading)


def warn_of_surprises(source, reading: Reading) -> None:
    """Warn, once, where some pictures of a source come out nearly black, or white.

    A few are read, from all over the source. What can't be read is found where it is used.
    """
    if reading.value_range is not None and reading.channels is not None:
        return
    tops, opacities, upper = [], [], False
    for i in np.unique(np.linspace(0, len(source) - 1, _SAMPLE).astype(int)).tolist():
        try:
            seen = source.look(i)
        except Exception:
            continue
        if seen.top is not None:
            tops.append(seen.top)
            upper |= seen.upper_bits
        if seen.opacity is not None:
            opacities.append(seen.opacity)
        if max(len(tops), len(opacities)) >= _ENOUGH:
            break
    if tops and 0 < max(tops) < _DARK and reading.value_range is None:
        _warn_of_range(max(tops), upper)
    hidden = sum(opacity < _CLEAR for opacity in opacities)
    if hidden and 2 * hidden >= len(opacities):
        warn(
            f"The fourth channel of pictures in X, opacity, makes {hidden} of {len(opacities)} "
            f"that were looked at white, or nearly: its values reach {max(opacities)} of 255. "
            f"If it isn't opacity, give reader__channels=(0, 1, 2), or the channels that are to "
            f"be seen"
        )


def _warn_of_range(top: int, upper_bits: bool) -> None:
    bits = max(8, top.bit_length())
    if upper_bits:
        remedy = (
            "Pillow reads the upper 8 bits of such colours: read the files with imageio or "
            f"tifffile, and give arrays of uint16 and reader__value_range={bits}"
        )
    else:
        remedy = f"Give reader__value_range={bits} if they have {bits} bits"
    warn(
        f"Pictures in X come in 16 bits, but the largest of their values seen is {top}: they are "
        f"nearly black. {remedy}, (low, high) for other ends, or 16 if they are to be so dark"
    )


def _look_at_array(array: np.ndarray, reading: Reading) -> Look:
    opaque = array.ndim == 3 and array.shape[2] == 4 and reading.channels is None
    colours = array[..., :3] if opaque else array
    if reading.channels is not None and array.ndim == 3 and array.shape[2] > 1:
        colours = array[..., list(reading.channels)]
    opacity = None
    if opaque:
        value = float(array[..., 3].max())
        whole = {"f": 1.0, "b": 1.0}.get(
            array.dtype.kind, 65535.0 if is_sixteen_bits(array) else 255.0
        )
        opacity = None if reading.value_range is not None else round(255 * value / whole)
    return Look(int(colours.max()) if is_sixteen_bits(array) else None, opacity)


def _look_at_pil(image: Image.Image, name: str, reading: Reading) -> Look:
    check_mode(image, name, reading)
    if image.mode.startswith("I"):
        said = declared(image, name, reading)
        if reading.value_range is not None or said.bits is not None or said.stretched:
            return NOTHING
        pixels = np.asarray(image)
        return NOTHING if said.depth_of(pixels) else Look(int(pixels.max()))
    if keeps_upper_bits(image):
        pixels = np.asarray(image)
        top = int(pixels[..., :3].max()) * 257
        opacity = int(pixels[..., 3].max()) if image.mode == "RGBA" else None
        return Look(top, opacity, upper_bits=True)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") and reading.channels is None:
        return Look(opacity=image.getchannel("A" if image.mode[-1] == "A" else "a").getextrema()[1])
    return NOTHING
