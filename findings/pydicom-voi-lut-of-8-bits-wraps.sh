#!/usr/bin/env bash
# pydicom 3.0.2: does apply_voi hold values that a VOI LUT does not map at the LUT's ends?
#
# One would guess: always. PS3.3 C.11.2 says so (a value below the first mapped one gets the first
# entry, one above the last gets the last), and for LUTs of 16 bits it is what one sees.
# Seen: with a LUT whose entries have 8 bits, the index is computed in 8 bits as well: pixel values
# more than 255 beyond the first mapped one wrap, without a warning. A picture of 12 bits behind an
# 8-bit LUT of 4096 entries comes out as a sawtooth instead of a ramp.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pydicom==3.0.2" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi
from pydicom.sequence import Sequence


def shown(bits):
    """What a LUT makes of some values: value / 16, in a number of bits per entry."""
    lut = Dataset()
    lut.add_new((0x0028, 0x3002), "US", [4096, 0, bits])
    lut.add_new((0x0028, 0x3006), "US", (np.arange(4096) >> 4).tolist())
    picture = Dataset()
    picture.PixelRepresentation = 0
    picture.VOILUTSequence = Sequence([lut])
    pixels = np.array([0, 255, 256, 300, 4095], np.uint16)
    return apply_voi(pixels, picture).tolist()


right = [0, 15, 16, 18, 255]
print("entries of 16 bits:", shown(16))
print("entries of 8 bits: ", shown(8), "right:", right)
assert shown(16) == right, "changed: also wrong with entries of 16 bits"
assert shown(8) == [0, 15, 0, 2, 15], "changed"
PY
