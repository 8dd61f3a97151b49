#!/usr/bin/env bash
# pillow 13.0.0: does it matter whether a TIFF's channels lie pixel by pixel or in planes apart?
#
# One would guess: no. For RGB, RGBA and CMYK of 8 bits it does not.
# Seen: of grey with opacity, compressed, in planes, the second plane is lost: every pixel is clear, and
# on any background the picture is gone. Not compressed, the same file is an error. Of L*a*b*, a* and b*
# in planes are 128 off from those pixel by pixel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "tifffile==2026.3.3" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import io

import numpy as np
import tifffile
from PIL import Image

rng = np.random.default_rng(0)


def opened(pixels, planes, **options):
    file = io.BytesIO()
    stored = np.moveaxis(pixels, 2, 0) if planes else pixels
    layout = "separate" if planes else "contig"
    tifffile.imwrite(file, stored, planarconfig=layout, metadata=None, **options)
    file.seek(0)
    return Image.open(file)


kinds = {
    "RGB": {"photometric": "rgb"},
    "RGBA": {"photometric": "rgb", "extrasamples": ["unassalpha"]},
    "CMYK": {"photometric": "separated"},
    "LA": {"photometric": "minisblack", "extrasamples": ["unassalpha"]},
    "LAB": {"photometric": "cielab"},
}
for mode, options in kinds.items():
    pixels = rng.integers(1, 255, (5, 7, len(mode)), dtype=np.uint8)
    images = [opened(pixels, planes, compression="zlib", **options) for planes in (False, True)]
    assert [image.mode for image in images] == [mode, mode]
    pixelwise, planewise = (np.asarray(image) for image in images)
    same = [np.array_equal(pixelwise[..., i], planewise[..., i]) for i in range(len(mode))]
    print(f"{mode}: channels that are the same: {same}")
    assert all(same) == (mode not in ("LA", "LAB")), "changed"
    if mode == "LA":
        assert np.array_equal(pixelwise, pixels) and same[0] and not planewise[..., 1].any(), "changed"
        try:
            opened(pixels, True, **options).load()
        except ValueError as error:
            print("LA, not compressed:", error)
        else:
            raise SystemExit("changed: it is read without compression")
    if mode == "LAB":
        assert np.array_equal(pixelwise[..., 1:] ^ 128, planewise[..., 1:]), "changed"
PY
