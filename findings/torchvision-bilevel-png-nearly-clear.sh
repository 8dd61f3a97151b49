#!/usr/bin/env bash
# torchvision 0.29.1, torch 2.14.1: how opaque is a grey PNG without transparency, read with the mode "RGBA"?
#
# One would guess: opaque, alpha 255, as it is for grey of 8 bits and for RGB.
# Seen: for grey of 1, 2 and 4 bits the colours are stretched to 0..255 and alpha is not: it is 1, 3 and
# 15 everywhere. Put on any background, a scan in black and white is gone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "torchvision==0.29.1" "pillow==13.0.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import struct
import zlib

import torch
from torchvision.io import decode_png


def png(bits):
    """A grey PNG of one row, all its levels of so many bits from black to white."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    n = 1 << bits
    row = sum(level << bits * (n - 1 - level) for level in range(n))
    row = row.to_bytes(-(-n * bits // 8), "big") if n * bits % 8 == 0 else bytes([row << 8 - n * bits])
    head = struct.pack(">IIBBBBB", n, 1, bits, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


for bits in (1, 2, 4, 8):
    content = torch.frombuffer(bytearray(png(bits)), dtype=torch.uint8)
    red, _, _, alpha = decode_png(content, mode="RGBA")
    levels = torch.arange(1 << bits) * 255 // ((1 << bits) - 1)
    print(f"{bits} bits: from {red.min()} to {red.max()}, alpha {alpha.unique().tolist()}")
    assert torch.equal(red[0].long(), levels)
    assert alpha.unique().tolist() == [2**bits - 1], "changed"
PY
