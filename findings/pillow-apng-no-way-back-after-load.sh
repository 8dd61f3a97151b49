#!/usr/bin/env bash
# pillow 13.0.0: can one go back by a frame in an animated PNG, after looking at one?
#
# One would guess: yes. Image.seek takes any frame, GIF, WebP and TIFF do it, and for PNG it works from
# the last frame, or if no pixels were asked for.
# Seen: SyntaxError: APNG contains frame sequence errors, in a file that Pillow has written itself.
# When a frame is loaded, the head of the next one is read and put aside, and stays there when seek
# begins anew. After the last frame there is none, so that loops over all frames never see it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0"
"$folder/venv/bin/python" - <<'PY'
import io

from PIL import Image

frames = [Image.new("RGB", (4, 4), (60 * i, 0, 0)) for i in range(4)]


def reds(format, visits, load=True):
    """The red of the frames that are visited, one after the other; or an error."""
    file = io.BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:], lossless=True)
    image, found = Image.open(file), []
    try:
        for i in visits:
            image.seek(i)
            if load or i == visits[-1]:
                found.append(image.convert("RGB").getpixel((0, 0))[0])
    except SyntaxError as error:
        found.append(str(error))
    return found


for format in ("PNG", "WEBP", "TIFF"):
    print(format, "frames 2, 1:", reds(format, [2, 1]))
print("PNG frames 3, 1:", reds("PNG", [3, 1]), "; 2, 1 without pixels of 2:", reds("PNG", [2, 1], False))
assert reds("WEBP", [2, 1]) == reds("TIFF", [2, 1]) == [120, 60]
assert reds("PNG", [3, 1]) == [180, 60] and reds("PNG", [2, 1], False) == [60]
assert reds("PNG", [2, 1]) == [120, "APNG contains frame sequence errors"], "changed"
PY
