#!/usr/bin/env bash
# pillow 13.0.0: which level of a grey PNG of 2 or 4 bits is clear, of those that tRNS names?
#
# One would guess: the one that tRNS names. Numbers of 2 and 4 bits are stretched to 0..255 when they are
# read (1 of 4 bits becomes 17), and for 1 bit Pillow stretches what tRNS names as well.
# Seen: for 2 and 4 bits it is left as it is stored, so that convert("RGBA") looks for another level:
# with tRNS 1, no pixel is clear; with tRNS 0 all is well, as 0 stays 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import io
import struct
import zlib

import numpy as np
from PIL import Image


def opacities(bits, clear):
    """Opacities of the levels 0, 1, ... of a PNG of one row, in which one level is clear."""
    levels = np.arange(2**bits, dtype=np.uint8)[:, None]
    row = np.packbits(np.unpackbits(levels, axis=1)[:, 8 - bits :]).tobytes()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 2**bits, 1, bits, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", clear)),
        (b"IDAT", zlib.compress(b"\0" + row)),
        (b"IEND", b""),
    )
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[0, :, 3].tolist()


for bits in (1, 2, 4):
    found = opacities(bits, 1)
    print(f"{bits} bits, level 1 is clear: opacities {found}")
    assert (found[1] == 0) == (bits == 1), "changed"
assert opacities(4, 0)[0] == 0, "changed"
PY
