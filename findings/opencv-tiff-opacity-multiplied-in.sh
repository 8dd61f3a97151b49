#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93: are the colours of an RGBA TIFF those that are stored, with IMREAD_UNCHANGED?
#
# One would guess: yes, "as is". They are for 16 bits, and for a PNG of the same pixels.
# Seen: of 8 bits, with ExtraSamples 2 (colours not multiplied by opacity), they are multiplied by it while
# they are read: (200, 100, 50) of opacity 128 is (100, 50, 25), and clear pixels are black. Where
# the file says that colours are multiplied already, they come as stored: nothing tells the two apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "opencv-python-headless==5.0.0.93" "tifffile==2026.3.3" "numpy==2.4.0"
FOLDER="$folder" "$folder/venv/bin/python" - <<'PY'
import os
from pathlib import Path

import cv2
import numpy as np
import tifffile

folder = Path(os.environ["FOLDER"])
pixels = np.array([[[200, 100, 50, 128], [200, 100, 50, 0]]], np.uint8)
multiplied = np.array([[[100, 50, 25, 128], [0, 0, 0, 0]]], np.uint8)


def read(stored, suffix, **options):
    path = str(folder / f"x{suffix}")
    if suffix == ".tif":
        tifffile.imwrite(path, stored, photometric="rgb", metadata=None, **options)
        assert np.array_equal(tifffile.imread(path), stored)
    else:
        cv2.imwrite(path, stored[..., [2, 1, 0, 3]])
    return cv2.imread(path, cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]


loose, tied = {"extrasamples": ["unassalpha"]}, {"extrasamples": ["assocalpha"]}
deep = pixels.astype(np.uint16) * 257
print("stored:", pixels.tolist())
print("PNG, 8 bits:", read(pixels, ".png").tolist())
print("TIFF, 8 bits:", read(pixels, ".tif", **loose).tolist())
print("TIFF, 8 bits, multiplied:", read(multiplied, ".tif", **tied).tolist())
print("TIFF, 16 bits / 257:", (read(deep, ".tif", **loose) // 257).tolist())
assert np.array_equal(read(pixels, ".png"), pixels)
assert np.array_equal(read(deep, ".tif", **loose), deep)
assert np.array_equal(read(multiplied, ".tif", **tied), multiplied)
assert np.array_equal(read(pixels, ".tif", **loose), multiplied), "changed"
PY
