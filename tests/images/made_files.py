"""Small files of kinds that Pillow reads and doesn't write."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def tiff(pixels, bits=None, *, photometric=None, sample_format=1, planar=False, order="<", extra=0):
    """An uncompressed TIFF of (height, width[, channels]); 4 and 12 bits are packed.

    Channels beyond grey or three colours are of the kind `extra`: 2 is opacity.
    """
    height, width = pixels.shape[:2]
    n = 1 if pixels.ndim == 2 else pixels.shape[2]
    bits = 8 * pixels.itemsize if bits is None else bits
    if photometric is None:
        photometric = 1 if n == 1 else 2
    strips = [pixels[..., c] for c in range(n)] if planar else [pixels]
    strips = [
        _packed(strip, bits)
        if bits in (4, 12)
        else strip.astype(strip.dtype.newbyteorder(order)).tobytes()
        for strip in strips
    ]
    tags = {256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * n), 259: ("H", [1])}
    tags |= {262: ("H", [photometric]), 277: ("H", [n]), 278: ("I", [height])}
    tags |= {279: ("I", [len(strip) for strip in strips]), 284: ("H", [2 if planar else 1])}
    tags[339] = ("H", [sample_format] * n)
    if n not in (1, 3):
        tags[338] = ("H", [extra] * (n - (3 if n > 3 else 1)))
    offsets, data = [], b""
    for strip in strips:
        offsets.append(8 + len(data))
        data += strip + b"\0" * (len(strip) % 2)
    tags[273] = ("I", offsets)
    entries, beyond, place = b"", b"", 8 + len(data)
    for tag, (kind, values) in sorted(tags.items()):
        content = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(content) > 4:
            where = struct.pack(order + "I", place + len(beyond))
            beyond += content + b"\0" * (len(content) % 2)
            content = where
        head = struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(values))
        entries += head + content.ljust(4, b"\0")
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, place + len(beyond))
    return start + data + beyond + struct.pack(order + "H", len(tags)) + entries + b"\0" * 4


def png16(pixels, *, significant=None, clear=None):
    """A PNG of 16 bits, grey or of three channels, with its chunks sBIT and tRNS."""
    rows = [row.astype(">u2").tobytes() for row in pixels]
    return _png(pixels, 16, rows, significant, clear)


def png_of_few_bits(pixels, bits, *, clear=None):
    """A grey PNG of 1, 2 or 4 bits."""
    each = np.unpackbits(pixels.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
    rows = np.packbits(each.reshape(len(pixels), -1), axis=1)
    return _png(pixels, bits, [row.tobytes() for row in rows], None, clear)


def _png(pixels, bits, rows, significant, clear):
    n = 1 if pixels.ndim == 2 else pixels.shape[2]
    size = (pixels.shape[1], pixels.shape[0])
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, bits, {1: 0, 3: 2}[n], 0, 0, 0))]
    if significant is not None:
        chunks.append((b"sBIT", bytes([significant] * n)))
    if clear is not None:
        chunks.append((b"tRNS", struct.pack(">H", clear)))
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks += [(b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def pgm(pixels, top):
    """A grey map with a maximum of its own."""
    kind = ">u2" if top > 255 else "u1"
    return b"P5 %d %d %d\n" % (*pixels.shape[::-1], top) + pixels.astype(kind).tobytes()


def fits(pixels):
    """A FITS image of signed 16 bits that are to be read with an offset of 32768."""
    cards = {"SIMPLE": "T", "BITPIX": 16, "NAXIS": 2, "NAXIS1": pixels.shape[1]}
    cards |= {"NAXIS2": pixels.shape[0], "BZERO": 32768}
    head = "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards.items())
    signed = (pixels.astype(np.int64) - 32768).astype(">i2").tobytes()
    return (head + "END").ljust(2880).encode() + signed.ljust(2880, b"\0")


def _packed(pixels, bits) -> bytes:
    """Two numbers of 4 bits in a byte, or of 12 bits in three bytes."""
    first, second = pixels.astype(np.uint16).reshape(-1, 2).T
    if bits == 4:
        return (first << 4 | second).astype(np.uint8).tobytes()
    three = [first >> 4, (first & 15) << 4 | second >> 8, second & 255]
    return np.stack(three, axis=1).astype(np.uint8).tobytes()
