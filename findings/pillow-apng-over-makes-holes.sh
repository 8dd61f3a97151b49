#!/usr/bin/env bash
# pillow 13.0.0: is an animated PNG's opaque canvas still opaque after a half-clear frame is drawn over it?
#
# One would guess: yes. The frame's blend is Blend.OP_OVER, alpha compositing, as Image.alpha_composite
# does it: over an opaque pixel the result is opaque, over an empty one it is the frame's own.
# Seen: opacities are mixed like colours. Opaque becomes 191 of 255, so that the picture shows the
# background of the page; over an empty canvas a frame's colour is halved and its opacity is 64 instead
# of 128. Pillow writes such files right, and OpenCV 5.0.0 reads them right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "opencv-python-headless==5.0.0.93" "numpy==2.4.0"
FOLDER="$folder" "$folder/venv/bin/python" - <<'PY'
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import Blend

path = Path(os.environ["FOLDER"]) / "x.png"
frame = Image.new("RGBA", (4, 4), (200, 100, 0, 128))
for name, colour, seen in (
    ("opaque", (0, 0, 200, 255), (100, 50, 100, 191)),
    ("half clear", (0, 0, 200, 128), (100, 50, 100, 128)),
    ("empty", (0, 0, 0, 0), (100, 50, 0, 64)),
):
    canvas = Image.new("RGBA", (4, 4), colour)
    canvas.save(path, save_all=True, append_images=[frame], blend=[Blend.OP_SOURCE, Blend.OP_OVER])
    with Image.open(path) as image:
        image.seek(1)
        found = image.convert("RGBA").getpixel((0, 0))
    right = Image.alpha_composite(canvas, frame).getpixel((0, 0))
    opencv = cv2.imreadanimation(str(path))[1].frames[1][0, 0, [2, 1, 0, 3]].tolist()
    print(f"over {name}: {found}; Image.alpha_composite: {right}; OpenCV: {tuple(opencv)}")
    assert np.abs(np.subtract(opencv, right)).max() <= 2
    assert np.abs(np.subtract(found, seen)).max() <= 1, "changed"
PY
