#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93: what is 50000 times 50000 in cv2.multiply of uint16 pictures?
#
# One would guess: 65535. Results are documented to saturate, and in 4.12 they did.
# Seen: 0. Products above 2 ** 31 - 1 come out black, smaller ones that are too large come out white: in
# a picture that is multiplied by itself or by a gain map, the brightest pixels turn black, from 46341
# on. It is the same with a number instead of a picture. (Of wide rows, some processors get all but
# the last pixels right.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 4.12.0.88 5.0.0.93; do
    "$folder/venv/bin/pip" install --quiet "opencv-python-headless==$version" "numpy==2.2.6"
    "$folder/venv/bin/python" - <<'PY'
import cv2
import numpy as np

pixels = np.array([[200, 300, 46340, 46341, 65535]], np.uint16)
square = cv2.multiply(pixels, pixels)
print(cv2.__version__, "squares of", pixels[0].tolist(), "are", square[0].tolist())
bright = np.full((3, 5), 50000, np.uint16)
if cv2.__version__.startswith("5."):
    assert square[0].tolist() == [40000, 65535, 65535, 0, 0], "changed"
    assert not cv2.multiply(bright, 50000.0).any(), "changed"
else:
    assert square[0].tolist() == [40000, 65535, 65535, 65535, 65535]
PY
done
