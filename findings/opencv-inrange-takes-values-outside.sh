#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93: which pixels does cv2.inRange choose between 10.4 and 20.6?
#
# One would guess: those for which lower <= pixel <= upper, as documented: 11 to 20, whatever the type.
# Seen: for pictures of integers the bounds are rounded to the nearest integer, not inwards: 10 and 21 are
# chosen as well, and with 11.5 and 21.5, halves going to the even one, 12 to 22. For floats of the same
# values, and by cv2.compare with the same bounds, it is as documented.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "opencv-python-headless==5.0.0.93" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import cv2
import numpy as np


def ends(chosen):
    """Smallest and largest of the pixels 0, 1, ... that are chosen."""
    return int(np.flatnonzero(chosen[0])[0]), int(np.flatnonzero(chosen[0])[-1])


for low, high, right, seen in ((10.4, 20.6, (11, 20), (10, 21)), (11.5, 21.5, (12, 21), (12, 22))):
    for kind in ("uint8", "uint16", "int16", "int32", "float32"):
        pixels = np.arange(100, dtype=kind)[None]
        found = ends(cv2.inRange(pixels, low, high))
        twice = cv2.compare(pixels, low, cv2.CMP_GE) & cv2.compare(pixels, high, cv2.CMP_LE)
        print(f"{kind}, {low} to {high}: inRange {found}, compare {ends(twice)}")
        assert ends(twice) == right
        assert found == (right if kind == "float32" else seen), "changed"
PY
