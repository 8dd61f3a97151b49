#!/usr/bin/env bash
# libvips 8.18.7 (pyvips 3.2.0): does it read TIFF whose channels are planes apart?
#
# One would guess: yes, where they are in strips; only planes in tiles are said not to be supported, with
# an error. And RGB in planes, also with more channels, is right.
# Seen: where the photometric interpretation is grey (MinIsBlack), as of microscopy, radar or depth with
# several channels, rows of a strip after its first are wrong: row r is taken from r / n rows into the
# plane, for n channels, so that rows repeat most of those before. No warning, no error. With one row per
# strip all is well; so is RGB with any number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyvips-binary==8.18.7" "pyvips==3.2.0" "tifffile==2026.3.3" "numpy==2.4.0"
FOLDER="$folder" "$folder/venv/bin/python" - <<'PY'
import os
from pathlib import Path

import numpy as np
import pyvips
import tifffile

folder = Path(os.environ["FOLDER"])


def read(pixels, rows, name, **options):
    """What libvips makes of pixels that are stored in planes, with so many rows in a strip."""
    path = folder / name
    planes = np.moveaxis(pixels, 2, 0)
    options |= {"planarconfig": "separate", "rowsperstrip": rows, "metadata": None}
    tifffile.imwrite(path, planes, **options)
    assert np.array_equal(tifffile.imread(path), planes)
    return pyvips.Image.new_from_file(str(path)).numpy()


for n in (2, 3):
    pixels = np.arange(4 * 6 * n, dtype=np.uint16).reshape(4, 6, n)
    grey = {"photometric": "minisblack", "extrasamples": [0] * (n - 1)}
    by_one = read(pixels, 1, f"{n}-1.tif", **grey)
    by_four = read(pixels, 4, f"{n}-4.tif", **grey)
    assert np.array_equal(by_one, pixels), "changed: also wrong with one row per strip"
    print(f"{n} channels, the first one:\n{pixels[..., 0]}\nread:\n{by_four[..., 0]}")
    assert np.array_equal(by_four[0], pixels[0]) and not np.array_equal(by_four, pixels), "changed"
    flat = pixels.reshape(-1, n)
    for row in range(4):
        assert np.array_equal(by_four[row], flat[row * 6 // n :][:6]), "changed"
assert np.array_equal(read(pixels, 4, "rgb.tif", photometric="rgb"), pixels), "changed"
print("the same numbers as RGB: right")
PY
