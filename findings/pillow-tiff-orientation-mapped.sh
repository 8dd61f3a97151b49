#!/usr/bin/env bash
# pillow 13.0.0: are the pixels of a TIFF the same, whether it is opened by its path or from memory?
#
# One would guess: yes. And a TIFF whose Orientation says that it lies on its side is set upright by
# load() since long.
# Seen: not for grey TIFFs that are not compressed, in one strip, with Orientation 5 to 8. By path they
# are mapped into memory, with the size that they have when they stand upright: rows are cut in wrong
# places, and the scrambled picture is turned after that. From memory, or compressed, all is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "numpy==2.4.0"
FOLDER="$folder" "$folder/venv/bin/python" - <<'PY'
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

stored = np.arange(24, dtype=np.uint8).reshape(4, 6)
upright = np.rot90(stored, -1)
exif = Image.Exif()
exif[0x112] = 6  # to be turned by a quarter, clockwise
path = Path(os.environ["FOLDER"]) / "x.tif"
Image.fromarray(stored).save(path, exif=exif)
of_memory = np.asarray(Image.open(io.BytesIO(path.read_bytes())))
of_path = np.asarray(Image.open(path))
print("right:\n", upright, "\nfrom memory:\n", of_memory, "\nby path:\n", of_path, sep="")
assert np.array_equal(of_memory, upright), "changed"
assert of_path.shape == (4, 6) and not np.array_equal(of_path, stored), "changed"
PY
