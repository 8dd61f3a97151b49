#!/usr/bin/env bash
# pillow 13.0.0: what does Image.composite give halfway between 1000.0 and 3000.0?
#
# One would guess: about 2000 in mode "F", as it gives 150 between 100 and 200 in mode "L" (or an error, as
# Image.blend raises for these modes: "image has wrong mode").
# Seen: 877, less than both. A mask of mode "L" mixes the bytes of the numbers one by one, without a carry,
# exponent and all; of 255 and 256 in mode "I" it makes 128. In mode "I;16" two flat pictures give columns
# of 2000 and 3000 by turns. Image.paste with such a mask does the same; masks of mode "1" are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from PIL import Image

half = Image.new("L", (4, 2), 128)
for kind, low, high, seen in (
    ("uint8", 100, 200, {150}),
    ("float32", 1000, 3000, {877}),
    ("uint16", 1000, 3000, {2000, 3000}),
    ("int32", 255, 256, {128}),
):
    one, other = (Image.fromarray(np.full((2, 4), value, kind)) for value in (low, high))
    mixed = np.asarray(Image.composite(one, other, half))
    pasted = other.copy()
    pasted.paste(one, (0, 0), half)
    print(f"{one.mode}: halfway between {low} and {high} is {np.unique(mixed).tolist()}")
    assert np.array_equal(mixed, np.asarray(pasted))
    assert set(np.unique(mixed.round()).tolist()) == seen, "changed"
    whole = other.copy()
    whole.paste(one, (0, 0), Image.new("1", (4, 2), 1))
    assert np.unique(np.asarray(whole)).tolist() == [low]
PY
