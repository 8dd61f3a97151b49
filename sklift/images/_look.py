"""A look at some pictures before they are used: do they use their range, is anything visible?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .._core._warn import warn
from ._arrays import is_tensor, tensor_to_array
from ._declared import declared, keeps_upper_bits
from ._levels import concerns_bytes, is_sixteen_bits, opacity_levels
from ._opened import PilFile, opened
from ._pil import at_frame, check_mode
from ._rasters import seen_of
from ._reading import PLAIN, Reading

_SAMPLE = 32  # pictures whose kind is looked at
_ENOUGH = 8  # of which so many are read
# the largest number of a type -> what all of some pictures stay below that hold fewer bits
_DARK = {65535.0: 1 << 14, 1.0: 0.25, 255.0: 1 << 5}
_CLEAR = 128  # opacity that no pixel of a picture reaches
_LEVELS = 32  # of those between clear and opaque, so many in most pixels are no opacity
_NEARLY_ALL = 0.95


@dataclass(frozen=True)
class Look:
    """What was seen of a picture.

    Parameters
    ----------
    top : float or None
        The largest number, where nothing says how much of the range of its type is used.
    whole : float
        The largest number of the type, 1 for floats.
    opacity : int or None
        The largest opacity of 255, where it has a channel of it.
    varied : bool
        Whether what counts as opacity varies as numbers of a picture do.
    upper_bits : bool
        Whether only the upper 8 of the 16 bits are read.
    beyond : float
        The share of the numbers that are outside of the range that the user has given.
    ends : tuple (least, largest) or None
        The numbers, where the user has given the ends of a range.
    """

    top: float | None = None
    whole: float = 65535.0
    opacity: int | None = None
    varied: bool = False
    upper_bits: bool = False
    beyond: float = 0.0
    ends: tuple[float, float] | None = None


NOTHING = Look()


def look_at(image, name: str, reading: Reading = PLAIN) -> Look:
    """Look at one image of any kind."""
    if is_tensor(image):
        if image.device.type != "cpu":
            return NOTHING
        image = tensor_to_array(image, name, 0, reading)
    if isinstance(image, np.ndarray):
        return _look_at_array(image, name, reading)
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
    told = raster.curve is not None or raster.value_range not in (None, (0, 65535))
    if raster.bits is not None or (reading.value_range is None and told):
        return NOTHING
    return _look_at_array(seen_of(raster, name, reading), name, reading)


def warn_of_surprises(source, reading: Reading) -> None:
    """Warn, once, where some pictures of a source come out nearly black, or white.

    A few are read, from all over the source. What can't be read is found where it is used.
    """
    looks: list[Look] = []
    for i in np.unique(np.linspace(0, len(source) - 1, _SAMPLE).astype(int)).tolist():
        try:
            looks.append(source.look(i))
        except Exception:
            continue
        wide = sum(look.top is not None and look.whole != 255 for look in looks)
        if max(wide, sum(look.opacity is not None for look in looks)) >= _ENOUGH:
            break
    if reading.value_range is None:
        _warn_of_dark(looks)
    _warn_of_range([look for look in looks if look.ends is not None], reading)
    _warn_of_opacity([look for look in looks if look.opacity is not None])


def _warn_of_dark(looks: list[Look]) -> None:
    for whole, dark in _DARK.items():
        some = [look for look in looks if look.top is not None and look.whole == whole]
        top = max((look.top for look in some if look.top is not None), default=0)
        if not 0 < top < dark:
            continue
        if whole == 1:
            come, remedy = "as floats", f"Give reader__value_range=(0, {top:.4g})"
            most, rest = "(0, 1)", "or the largest number that a pixel can take"
        else:
            depth = 16 if whole == 65535 else 8
            bits = max(8 if depth == 16 else 1, int(top).bit_length())
            come, most = f"in {depth} bits", str(depth)
            remedy = f"Give reader__value_range={bits} if they have {bits} bits"
            rest = "(low, high) for other ends"
            if any(look.upper_bits for look in some):
                remedy = (
                    "Pillow reads the upper 8 bits of such colours: read the files with tifffile "
                    f"or imagecodecs, and give arrays of uint16 and reader__value_range={bits}"
                )
        warn(
            f"Pictures in X come {come}, but the largest of their values seen is {top:.6g}: they "
            f"are nearly black. {remedy}, {rest}, or {most} if they are to be so dark"
        )
        return


def _warn_of_range(looks: list[Look], reading: Reading) -> None:
    if not looks or any(look.beyond < _NEARLY_ALL for look in looks):
        return
    least, largest = np.array([look.ends for look in looks]).T
    warn(
        f"reader__value_range={reading.value_range} leaves nearly nothing but black and white of "
        f"the pictures in X that were looked at: their values are {least.min():.6g} to "
        f"{largest.max():.6g}"
    )


def _warn_of_opacity(looks: list[Look]) -> None:
    opacities = [look.opacity for look in looks if look.opacity is not None]
    n, varied = len(opacities), sum(look.varied for look in looks)
    hidden = sum(opacity < _CLEAR for opacity in opacities)
    if hidden and 2 * hidden >= n:
        seen = f"white, or nearly: its values reach {max(opacities)} of 255"
    elif varied and 2 * varied >= n:
        hidden = varied
        seen = "paler: most of its values are between clear and opaque, and vary"
    else:
        return
    warn(
        f"The fourth channel of pictures in X, opacity, makes {hidden} of {n} that were looked at "
        f"{seen}. If it isn't opacity, give reader__channels=(0, 1, 2), or the channels that are "
        f"to be seen"
    )


def _of_opacity(histogram: np.ndarray) -> dict:
    """What is seen of a channel of opacity, from the numbers of its pixels at 0, ..., 255."""
    between = histogram[1:-1]
    most = 2 * between.sum() > histogram.sum()
    varied = bool(most and np.count_nonzero(between) > _LEVELS)
    return {"opacity": int(np.flatnonzero(histogram)[-1]), "varied": varied}


def _look_at_array(array: np.ndarray, name: str, reading: Reading) -> Look:
    opaque = array.ndim == 3 and array.shape[2] == 4 and reading.channels is None
    colours = array[..., :3] if opaque else array
    if reading.channels is not None and array.ndim == 3 and array.shape[2] > 1:
        colours = array[..., list(reading.channels)]
    told = {}
    if opaque:
        levels = opacity_levels(array[..., 3], name, reading)
        told = _of_opacity(np.bincount(levels.ravel(), minlength=256))
    asked = reading.value_range
    if isinstance(asked, tuple) and (array.dtype != np.uint8 or concerns_bytes(asked)):
        beyond = float(np.mean((colours < asked[0]) | (colours > asked[1])))
        ends = float(colours.min()), float(colours.max())
        return Look(beyond=beyond, ends=ends, **told)
    whole = 1.0 if array.dtype.kind == "f" else 65535.0 if is_sixteen_bits(array) else 255.0
    known = whole != 255 or array.dtype == np.uint8
    return Look(float(colours.max()) if known else None, whole, **told)


def _look_at_pil(image: Image.Image, name: str, reading: Reading) -> Look:
    check_mode(image, name, reading)
    asked = reading.value_range
    if image.mode.startswith(("I", "F")):
        said = declared(image, name, reading)
        if said.bits is not None or said.stretched or (image.mode == "F" and asked is None):
            return NOTHING
        pixels = np.asarray(image)
        if asked is None:
            return NOTHING if said.depth_of(pixels) else Look(float(pixels.max()))
        return _look_at_array(pixels, name, reading)
    told = {}
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") and reading.channels is None:
        histogram = image.getchannel("A" if image.mode[-1] == "A" else "a").histogram()
        told = _of_opacity(np.array(histogram))
    if keeps_upper_bits(image):
        pixels = np.asarray(image)
        colours = pixels[..., :-1] if image.mode in ("RGBA", "LA") else pixels
        return Look(int(colours.max()) * 257, upper_bits=True, **told)
    if isinstance(asked, tuple) and concerns_bytes(asked) and image.mode in ("L", "RGB", "RGBA"):
        return _look_at_array(np.asarray(image), name, reading)
    top = None
    if image.format is None and image.mode in ("L", "RGB"):  # a file of 8 bits declares them
        top = np.max(image.getextrema())
    return Look(top, 255.0, **told)
