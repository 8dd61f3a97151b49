#!/usr/bin/env bash
# tifffile 2026.3.3: does it read back the boolean arrays that it writes?
#
# One would guess: yes; TIFF has bilevel pictures, and (height, width) of bool are written with one bit
# per pixel and read back.
# Seen: for (height, width, 3), a sample per colour, the bits are packed plane by plane within each
# row, while the file says that they lie pixel by pixel, and that is how tifffile itself reads them:
# another array of the same shape and type, without an error. In planes apart all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "tifffile==2026.3.3" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import io

import numpy as np
import tifffile


def back(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    file.seek(0)
    return tifffile.imread(file)


red = np.zeros((2, 8, 3), bool)
red[..., 0] = True
found = back(red, photometric="rgb", planarconfig="contig")
print("one row of a red picture, as it is read back:", found[0].astype(int).tolist())
assert found.shape == red.shape and found.dtype == bool
assert not np.array_equal(found, red), "changed"
assert np.array_equal(found[0].ravel(), red[0].T.ravel()), "changed: otherwise in disorder"

assert np.array_equal(back(red[..., 0], photometric="minisblack"), red[..., 0])
planes = np.moveaxis(red, 2, 0)
assert np.array_equal(back(planes, photometric="rgb", planarconfig="separate"), planes)
print("grey, and planes apart: as they were")
PY
