"""What the first bytes of a file, and what Pillow has made of them, say of its numbers."""

from __future__ import annotations

import struct

_J2K_SIZE = b"\xff\x4f\xff\x51"  # start of the code stream and of its segment of sizes
_HEAD = 1 << 14  # of a file, in which these statements stand


def decoder_of(image) -> str:
    """Name of the decoder of an image of Pillow that is not loaded yet; empty for others."""
    tiles = getattr(image, "tile", None)
    return tiles[0][0] if tiles else ""


def raw_mode(image) -> str:
    """How an image of Pillow that is not loaded yet lies in its file; empty for others."""
    tiles = getattr(image, "tile", None)
    args = tiles[0][3] if tiles else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def head_of(image) -> bytes:
    """The first bytes of the file that an image was opened from."""
    if getattr(image, "filename", None):
        try:
            with open(image.filename, "rb") as file:
                return file.read(_HEAD)
        except OSError:
            return b""
    file = getattr(image, "fp", None)
    if file is None:
        return b""
    place = file.tell()
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(place)
    return head


def png_significant_bits(head: bytes) -> int | None:
    """Significant bits of the first channel of a PNG, where they are fewer than 16."""
    place = 8
    while place + 9 <= len(head):
        size, kind = struct.unpack(">I4s", head[place : place + 8])
        if kind == b"sBIT":
            bits = head[place + 8]
            return bits if 0 < bits < 16 else None
        if kind == b"IDAT":
            return None
        place += 12 + size
    return None


def j2k_bits(head: bytes) -> int:
    """Largest depth of the channels of a JPEG 2000."""
    start = head.find(_J2K_SIZE)
    if start < 0 or len(head) < start + 43:
        return 8
    n = struct.unpack(">H", head[start + 40 : start + 42])[0]
    return max(((part & 0x7F) + 1 for part in head[start + 42 : start + 42 + 3 * n : 3]), default=8)
