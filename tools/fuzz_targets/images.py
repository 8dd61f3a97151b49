"""Picture files of all formats that Pillow writes, and the look at their headers."""

from __future__ import annotations

import contextlib
import io
import random
import zlib

import numpy as np
from PIL import Image

from fuzz_targets._bytes import Plain, damage
from sklift.images._decode import check_file, read, read_reduced
from sklift.images._look import look_at_file

READERS = ["PIL"]
_PIXELS = 4_000_000  # damage to a header can ask for any size, up to Pillow's own bound


class Target(Plain):
    def __init__(self, folder):
        super().__init__(folder)
        Image.init()
        Image.MAX_IMAGE_PIXELS = _PIXELS // 2  # Pillow refuses twice as many

    def seeds(self) -> list[bytes]:
        return [content for content in _pictures() if self.attempt(content) == "works"]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        changed = damage(data, draw)
        return _mended(changed) if data[:4] == b"\x89PNG" and draw.random() < 0.5 else changed

    def attempt(self, data: bytes) -> str:
        path = self.folder / "picture"
        path.write_bytes(data)
        refused_at_once = refused(check_file, path)
        with contextlib.suppress(Exception):  # as ``fit`` does: its reading tells what is wrong
            look_at_file(path)
        in_full = refused(read, path) or refused(_read_half, path)
        if refused_at_once and not in_full:
            return "CONTRADICTS: refused at the first bytes, but it can be decoded"
        found = {refused_at_once, in_full} - {"", "refused"}
        return sorted(found)[0] if found else in_full or "works"


def _pictures() -> list[bytes]:
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint8) * 4
    rgb = Image.fromarray(np.stack([smooth, smooth.T.reshape(24, 32), smooth], -1))
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(rng.integers(0, 256, (24, 32), np.uint8)))
    deep = Image.fromarray(rng.integers(0, 65536, (24, 32), np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    made = [
        (rgb.convert("P"), "PNG", {"transparency": 3}),
        (rgb, "JPEG", {"exif": exif}),
        (rgb, "JPEG", {"progressive": True, "subsampling": 0}),
        (rgb, "GIF", {"save_all": True, "append_images": [rgba.convert("RGB")]}),
        (rgb, "TIFF", {"compression": "tiff_lzw"}),
        (rgb, "TIFF", {"compression": "jpeg"}),
        (rgb, "TIFF", {"save_all": True, "append_images": [rgba]}),
        (deep, "TIFF", {"compression": "tiff_deflate"}),
        (rgba, "WEBP", {"lossless": True}),
    ]
    modes = [rgb, rgba, deep, rgb.convert("L"), rgb.convert("P"), rgb.convert("1")]
    modes += [rgb.convert("CMYK"), rgb.convert("LA"), rgb.convert("F"), rgb.convert("I")]
    made += [(image, format, {}) for format in sorted(Image.SAVE) for image in modes]
    found = []
    for image, format, settings in made:
        content = io.BytesIO()
        try:
            image.save(content, format, **settings)
        except Exception:  # a format that has not this mode, or needs another library
            continue
        found.append(content.getvalue())
    return found


def _mended(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums that belong to them, so that they are looked into."""
    mended, i = bytearray(data), 8
    while i + 12 <= len(data):
        end = i + 8 + int.from_bytes(data[i : i + 4], "big")
        if end + 4 <= len(data):
            mended[end : end + 4] = zlib.crc32(data[i + 4 : end]).to_bytes(4, "big")
        i = end + 4
    return bytes(mended)


def _read_half(path) -> np.ndarray:
    """The picture at half its size, where that is a whole number."""
    return read(path) if any(side % 2 for side in check_file(path).size) else read_reduced(path, 2)


def refused(look, path) -> str:
    """An empty text if the file is taken, else a word that says why not."""
    try:
        image = look(path)
    except (ValueError, FileNotFoundError) as error:
        return "refused" if str(path) in str(error) else f"UNNAMED: {look.__name__}: {error}"
    if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.shape[2:] != (3,)):
        return f"WRONG: {image.dtype} {image.shape}"
    return ""
