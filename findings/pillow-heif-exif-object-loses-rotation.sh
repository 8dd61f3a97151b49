#!/usr/bin/env bash
# pillow-heif 1.8.1: is Exif that is given to save as Pillow's object written as its bytes are?
#
# One would guess: yes. Pillow's own plug-ins take both, and the object is what Image.getexif()
# returns, so that save(..., exif=image.getexif()) is the usual way to keep it.
# Seen: with the object the orientation is reset to 1 and the picture is not turned either: it lies
# on its side for good. With exif=object.tobytes() the file says how to turn it, and reading does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow-heif==1.8.1" "pillow==12.0.0"
"$folder/venv/bin/python" - <<'PY'
import io

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
exif = Image.Exif()
exif[0x112] = 6  # to be turned by a quarter


def size_after(value):
    file = io.BytesIO()
    Image.new("L", (64, 48)).save(file, "HEIF", exif=value)
    return Image.open(io.BytesIO(file.getvalue())).size


print("Exif as bytes:    ", size_after(exif.tobytes()))
print("Exif as an object:", size_after(exif))
assert size_after(exif.tobytes()) == (48, 64), "changed"
assert size_after(exif) == (64, 48), "changed"
PY
