#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93: what is cv2.mean of a picture of uint32 that has one value?
#
# One would guess: that value. Means and sums come as floats of 64 bits, and uint32 is new in OpenCV 5.
# Seen: 0, for a picture of 2 ** 30. Four neighbours are added in 32 bits, where they wrap, before they
# become a float. So cv2.mean and cv2.sumElems are wrong from a quarter of the type's range on;
# cv2.meanStdDev is right, and so are they for three channels. Of int32, small pictures are wrong as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "opencv-python-headless==5.0.0.93" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import cv2
import numpy as np

for kind, shape in (("uint32", (64, 64)), ("int32", (1, 4))):
    picture = np.full(shape, 2**30, kind)
    found = {
        "mean": cv2.mean(picture)[0],
        "sumElems / n": cv2.sumElems(picture)[0] / picture.size,
        "meanStdDev": cv2.meanStdDev(picture)[0][0, 0],
        "mean of three channels": cv2.mean(np.dstack([picture] * 3))[0],
    }
    print(kind, {name: float(value) for name, value in found.items()})
    assert found["meanStdDev"] == found["mean of three channels"] == 2**30
    assert found["mean"] == found["sumElems / n"] == 0, "changed"
    assert cv2.mean(picture >> 3)[0] == 2**27
PY
