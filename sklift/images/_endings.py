"""Endings of the files that can be read as pictures."""

from __future__ import annotations

from PIL import Image

from ._formats import FORMATS, LAST_RESORTS

# Pillow knows these files and decodes none of them: it needs another program or library for that.
_KNOWN_ONLY = ("BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF")


def readable_endings() -> tuple[str, ...]:
    """Endings of files that can be read by now, with a point, in small letters, sorted.

    Those of Pillow, of the plugins that are registered with it, and of the formats whose packages
    are installed, but for raw files of cameras, which often lie beside JPEG files of the photo.

    Examples
    --------
    >>> from sklift.images._endings import readable_endings
    >>> {".jpg", ".jfif", ".png", ".tiff", ".webp"} <= set(readable_endings())
    True
    """
    endings = {
        ending.lower()
        for ending, name in Image.registered_extensions().items()
        if name in (*Image.OPEN, "MPO") and name not in _KNOWN_ONLY  # MPO opens as JPEG
    }
    for name, own in (FORMATS | LAST_RESORTS).items():
        if name != "raw" and own.is_installed():
            endings.update(own.suffixes)
    return tuple(sorted(endings))
