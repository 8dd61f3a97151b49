#!/usr/bin/env bash
# pydicom 3.0.2: does apply_modality_lut map signed pixels by a LUT that begins at a negative value?
#
# One would guess: yes. For signed pixels the second number of LUTDescriptor, the first value that is
# mapped, is signed as well (PS3.3 C.11.1.1), and -32768 is what a LUT for all of them begins at.
# Seen: differences from the first value are taken in the 16 signed bits of the pixels, where they
# overflow: half of the values get the first entry, without a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pydicom==3.0.2" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence

lut = Dataset()
lut.add_new((0x0028, 0x3002), "SS", [0, -32768, 16])  # 0 stands for 65536 entries
lut.add_new((0x0028, 0x3006), "US", list(range(65536)))
picture = Dataset()
picture.PixelRepresentation = 1
picture.ModalityLUTSequence = Sequence([lut])
pixels = np.array([-32768, 0, 32767], np.int16)
found = apply_modality_lut(pixels, picture).tolist()
print("pixels", pixels.tolist(), "become", found, "right: [0, 32768, 65535]")
assert found == [0, 0, 0], "changed"
PY
