#!/usr/bin/env bash
# pillow 13.0.0: is a frame of an animated PNG the same, whether one jumps to it or looks at those before?
#
# One would guess: yes; Image.seek plays what lies between.
# Seen: not after a frame that is blended over the canvas (Blend.OP_OVER) and to be undone afterwards
# (Disposal.OP_PREVIOUS). By a jump it is undone. If its pixels have been read, as in any loop over the
# frames, it stays: it has been drawn upon what was kept to be restored as well. So Pillow does not give
# back the frames of a file that it has written; OpenCV 5.0.0 reads them right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "opencv-python-headless==5.0.0.93" "numpy==2.4.0"
FOLDER="$folder" "$folder/venv/bin/python" - <<'PY'
import os
from pathlib import Path

import cv2
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import Blend, Disposal

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
path = Path(os.environ["FOLDER"]) / "x.png"


def row(*pixels):
    image = Image.new("RGB", (len(pixels), 1))
    image.putdata(pixels)
    return image


def pixels_of(image):
    return tuple(image.convert("RGB").getpixel((x, 0)) for x in range(2))


frames = [(RED, RED), (GREEN, RED), (RED, BLUE)]
for blend, looked_at in ((Blend.OP_SOURCE, (RED, BLUE)), (Blend.OP_OVER, (GREEN, BLUE))):
    first, *others = [row(*frame) for frame in frames]
    disposals = [Disposal.OP_NONE, Disposal.OP_PREVIOUS, Disposal.OP_NONE]
    first.save(path, save_all=True, append_images=others, disposal=disposals, blend=blend)
    with Image.open(path) as image:
        image.seek(2)
        jumped = pixels_of(image)
    with Image.open(path) as image:
        played = [pixels_of(frame) for frame in ImageSequence.Iterator(image)]
    opencv = cv2.imreadanimation(str(path))[1].frames[2][0, :, 2::-1].tolist()
    print(f"{blend.name}: the third frame by a jump {jumped}, in a loop {played[2]}, in OpenCV {opencv}")
    assert played[:2] == frames[:2] and jumped == frames[2] == tuple(map(tuple, opencv))
    assert played[2] == looked_at, "changed"
PY
