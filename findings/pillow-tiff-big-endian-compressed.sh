#!/usr/bin/env bash
# pillow 13.0.0: are a grey TIFF's numbers the same, whatever its byte order and compression?
#
# One would guess: yes. Big-endian files of float32, int16 and int32 are right without compression, and
# big-endian uint16 is right with it.
# Seen: compressed big-endian float32, int16 and int32 come out with the bytes of each number turned
# round: 1.0 is 4.6e-41, -3 is -513. libtiff sets bytes in order when it unpacks them, and Pillow swaps
# them once more; only for unsigned 16 bits it knows. No warning, and -1 and 0 stay as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "tifffile==2026.3.3" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import io

import numpy as np
import tifffile
from PIL import Image

values = np.array([[-3, -2, -1], [0, 1, 2]])
for kind in ("float32", "int16", "int32", "uint16"):
    stored = abs(values).astype(kind) if kind == "uint16" else values.astype(kind)
    for compression in (None, "zlib"):
        file = io.BytesIO()
        tifffile.imwrite(file, stored, byteorder=">", compression=compression, metadata=None)
        file.seek(0)
        assert np.array_equal(tifffile.imread(file), stored)
        file.seek(0)
        found = np.asarray(Image.open(file))
        print(f"{kind}, compression {compression}: {found.tolist()}")
        if compression is None or kind == "uint16":
            assert np.array_equal(found, stored), "changed"
        else:
            assert np.array_equal(found, stored.byteswap()), "changed"
PY
