"""Endings of the files that can be read as pictures."""

from __future__ import annotations

from PIL import Image

# Pillow knows these files and decodes none of them: it needs another program or library for that.
_KNOWN_ONLY = ("BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF")


def readable_endings() -> tuple[str, ...]:
    """Endings of files that can be read by now, with a point, in small letters, sorted.

    Those of Pillow and of the plugins that are registered with it.

    Examples
    --------
    >>> from sklift.images._endings import readable_endings
    >>> {".jpg", ".jfif", ".png", ".tiff", ".webp"} <= set(readable_endings())
    True
    """
    formats = Image.registered_extensions()
    return tuple(
        sorted(
            ending.lower()
            for ending, name in formats.items()
            if name in (*Image.OPEN, "MPO") and name not in _KNOWN_ONLY  # MPO opens as JPEG
        )
    )
