"""Formats of phones and the web that Pillow reads with a plug-in: HEIC and JPEG XL."""

from __future__ import annotations

from importlib import import_module

from ._base import PillowPlugin

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class Heic(PillowPlugin):
    """HEIC and HEIF pictures, with pillow-heif.

    Examples
    --------
    >>> from sklift.images._formats import FORMATS
    >>> FORMATS["heic"].recognizes(b"....ftypheic", "")
    True
    """

    title = "HEIC"
    extra = "phone"
    module = "pillow_heif"
    suffixes = (".heic", ".heif", ".hif")
    packages = ("pillow-heif",)

    def recognizes(self, head: bytes, suffix: str) -> bool:
        """Whether the main brand of the file is one of HEIF that is not AVIF."""
        return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and b"avif" not in head[8:64]

    def register(self) -> None:
        """Register pillow-heif."""
        from pillow_heif import register_heif_opener

        register_heif_opener()


class JpegXl(PillowPlugin):
    """JPEG XL pictures, with pillow-jxl-plugin.

    Examples
    --------
    >>> from sklift.images._formats import FORMATS
    >>> FORMATS["jxl"].recognizes(bytes([255, 10]), "")
    True
    """

    title = "JPEG XL"
    extra = "phone"
    module = "pillow_jxl"
    suffixes = (".jxl",)
    packages = ("pillow-jxl-plugin",)

    def recognizes(self, head: bytes, suffix: str) -> bool:
        """Whether the file is a bare code stream or a container."""
        return head[:2] == b"\xff\x0a" or head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n"

    def register(self) -> None:
        """Register pillow-jxl-plugin, which its import does."""
        import_module("pillow_jxl")
