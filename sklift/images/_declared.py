"""Facts that a file states of its numbers: how many bits they have, and which end is black."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ._headers import decoder_of, head_of, j2k_bits, png_significant_bits, raw_mode
from ._reading import Reading

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR, _SAMPLE_FORMAT = 258, 262, 284, 339
_SAMPLES_PER_PIXEL, _DNG, _SUBFILE_TYPE, _SUBFILES, _PREVIEW = 277, 50706, 254, 330, 1
_DESCRIPTION = 270
_IMAGEJ_CHANNELS = re.compile(r"^channels=(\d+)\s*$", re.MULTILINE)
_OME_CHANNELS = re.compile(r'\bSizeC="(\d+)"')
_TIFFFILE = 'give its path, and tifffile reads it: pip install "scikit-lift[microscopy]"'
_SIGNED = 2
_SWAPPED_TWICE = ("BS", "BF")  # libtiff has set the bytes in order already
_FEW_BITS = {"L;2": 85, "L;4": 17}  # grey of less than 8 bits, and the step between its levels


class Misread(ValueError):
    """Error of a file of which Pillow gives other numbers, and another library the right ones."""


class ChannelsApart(Misread):
    """Error of a file whose channels are pages apart."""


@dataclass(frozen=True)
class Declared:
    """What a file says of its numbers.

    Parameters
    ----------
    bits : int or None
        Their depth, where it is less than that of the type they come in.
    significant : int or None
        How many of 16 bits a PNG calls significant; see :meth:`depth_of`.
    white_is_zero : bool
        Whether 0 is white, and Pillow leaves it so.
    shift : int
        By how many bits Pillow has moved the numbers up, so that the uppermost is in use.
    stretched : bool
        Whether Pillow makes the largest number of the declared depth the largest of its own type.
    """

    bits: int | None = None
    significant: int | None = None
    white_is_zero: bool = False
    shift: int = 0
    stretched: bool = False

    def depth_of(self, pixels: np.ndarray) -> int | None:
        """Return the declared depth of these numbers, None for all bits of their type.

        Numbers with fewer significant bits are stretched to 16 in a PNG that follows its standard:
        the lowest bits repeat the highest. Many writers leave them as they are, below 2**bits.
        """
        n = self.significant
        if n is None or int(pixels.max()) >= 1 << n:
            return self.bits
        rest = pixels.astype(np.uint16) & ((1 << (16 - n)) - 1)
        # so dark a picture, stretched, has nothing but zeros there
        return n if rest.any() else self.bits


_NOTHING = Declared()
_STRETCHED = Declared(stretched=True)


def declared(image: Image.Image, name: str, reading: Reading) -> Declared:
    """Read what the file of an opened image says, before it is decoded.

    Raises
    ------
    ValueError
        If Pillow would give other numbers than the file holds.
    """
    if image.format == "TIFF":
        return _of_tiff(image, name, reading)
    if image.format == "PNG":
        if image.mode.startswith("I;16"):
            return Declared(significant=png_significant_bits(head_of(image)))
        if reading.value_range is not None and raw_mode(image).endswith(";16B"):
            _check_full_range(name, reading)
        if raw_mode(image) in _FEW_BITS:
            return _STRETCHED
    elif image.format == "PPM" and decoder_of(image).startswith("ppm"):
        return _STRETCHED
    elif image.format == "JPEG2000":
        bits = j2k_bits(head_of(image))
        if image.mode.startswith("I"):
            return Declared(bits=bits, shift=16 - bits) if 8 < bits < 16 else _NOTHING
        if bits > 8:
            raise ValueError(
                f"{name} is a JPEG 2000 image of {bits} bits in colour, of which Pillow makes 8 in "
                f"ways that differ between versions: read it with imagecodecs, and give arrays"
            )
    elif image.format == "FITS" and image.mode != "L":
        raise ValueError(
            f"{name} is a FITS image of more than 8 bits, whose offset and scale Pillow doesn't "
            f"apply: read it with astropy, and give arrays and reader__value_range=(low, high)"
        )
    return _NOTHING


def keeps_upper_bits(image: Image.Image) -> bool:
    """Whether Pillow reads the upper 8 of 16 bits of a colour image that is not loaded yet."""
    raw = raw_mode(image)
    return image.mode in ("RGB", "RGBA", "LA", "L") and ";16" in raw


def _of_tiff(image, name: str, reading: Reading) -> Declared:
    tags = image.tag_v2
    if _DNG in tags or (tags.get(_SUBFILE_TYPE) == _PREVIEW and _SUBFILES in tags):
        raise ValueError(
            f"{name} looks like a camera's raw file, whose first picture is a small preview: give "
            f"its path, with the ending that the camera gave it, such as .dng"
        )
    bits = max(_numbers(tags.get(_BITS_PER_SAMPLE, 1)))
    wanted = max(reading.channels or (0,))
    seen = 3 if image.mode == "RGBX" else len(image.getbands())
    if seen <= wanted < tags.get(_SAMPLES_PER_PIXEL, 1):
        raise Misread(f"{name} is a TIFF of more channels than Pillow reads: {_TIFFFILE}")
    if tags.get(_PLANAR) == 2 and len(image.getbands()) == 2:
        raise Misread(
            f"{name} is a TIFF of grey and opacity in planes apart, of which Pillow loses the "
            f"second: {_TIFFFILE}"
        )
    if decoder_of(image) == "libtiff" and raw_mode(image).endswith(_SWAPPED_TWICE):
        raise Misread(
            f"{name} is a compressed TIFF of signed integers or floats with the highest byte "
            f"first, whose bytes Pillow mixes up: {_TIFFFILE}"
        )
    if _SIGNED in _numbers(tags.get(_SAMPLE_FORMAT, 1)):
        if bits == 8:
            raise Misread(
                f"{name} is a TIFF of signed 8-bit integers, which Pillow takes for unsigned: "
                f"{_TIFFFILE}"
            )
        if reading.value_range is None:
            raise ValueError(
                f"{name} is a TIFF of signed integers: say which values are black and white with "
                f"reader__value_range=(low, high)"
            )
    elif bits == 32 and image.mode == "I" and reading.value_range is not None:
        raise Misread(
            f"{name} is a TIFF of unsigned 32-bit integers, the larger of which Pillow takes for "
            f"negative ones: {_TIFFFILE}"
        )
    if bits <= 8:
        return _STRETCHED if bits < 8 else _NOTHING
    if not image.mode.startswith(("I", "F")):  # colour
        if tags.get(_PLANAR) == 2:
            raise Misread(
                f"{name} is a TIFF of {bits} bits with its colours in planes apart, which Pillow "
                f"mixes up: {_TIFFFILE}"
            )
        if reading.value_range is not None:
            _check_full_range(name, reading, Misread, _TIFFFILE)
        return _NOTHING
    return Declared(bits=bits if bits < 16 else None, white_is_zero=tags.get(_PHOTOMETRIC) == 0)


def check_pages(image: Image.Image, name: str, reading: Reading) -> None:
    """Refuse to take a grey page of a TIFF for all of its channels.

    Raises
    ------
    ValueError
        If channels are asked for, and pages hold one each; :class:`ChannelsApart` if they are said
        to be channels.
    """
    if image.format != "TIFF" or reading.channels is None or len(image.getbands()) > 1:
        return
    told = str(image.tag_v2.get(_DESCRIPTION, ""))
    found = _OME_CHANNELS.search(told) if "<OME" in told else None
    if told.startswith("ImageJ="):
        found = _IMAGEJ_CHANNELS.search(told)
    if found and int(found[1]) > 1:
        raise ChannelsApart(f"{name} is a TIFF of {found[1]} channels, pages apart: {_TIFFFILE}")
    n_pages = getattr(image, "n_frames", 1) if reading.channels != (0,) else 1
    if n_pages > 1 and image.tag_v2.get(_SAMPLES_PER_PIXEL, 1) == 1:
        raise ValueError(
            f"{name} has {n_pages} pages of one channel each, of which reader__frame chooses one: "
            f"if the pages are channels, give arrays (height, width, channels)"
        )


def _check_full_range(
    name: str,
    reading: Reading,
    error: type[ValueError] = ValueError,
    remedy: str = "read it with imagecodecs.imread, and give arrays of uint16",
) -> None:
    if reading.value_range not in (16, (0.0, 65535.0)):
        raise error(
            f"{name} has colours of 16 bits, of which Pillow reads the upper 8, too few for "
            f"reader__value_range={reading.value_range!r}: {remedy}"
        )


def _numbers(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def step_of_key(image: Image.Image) -> int:
    """Factor for the number that a PNG calls clear: Pillow stretches only the others."""
    return _FEW_BITS.get(raw_mode(image), 1) if image.format == "PNG" else 1
