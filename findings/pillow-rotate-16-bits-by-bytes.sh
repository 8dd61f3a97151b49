#!/usr/bin/env bash
# pillow 13.0.0: what becomes of a grey picture of 16 bits in rotate and transform with BILINEAR or BICUBIC?
#
# One would guess: what becomes of the same numbers in mode "I" or "F"; Image.resize takes mode "I;16" with
# every filter and is right, and rotate with NEAREST is, or an error, as filters and blend give it.
# Seen: noise. The bytes of the numbers are taken for pixels of 8 bits: a picture that is 1000 everywhere
# comes out below 256, with stripes, and the transform that moves nothing changes nearly all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0" "numpy==2.4.0"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from PIL import Image

BICUBIC, BILINEAR, NEAREST = (getattr(Image.Resampling, n) for n in ("BICUBIC", "BILINEAR", "NEAREST"))
flat = np.full((32, 32), 1000)


def middle(kind, action):
    """The numbers in the middle of what becomes of a flat picture."""
    return np.unique(np.asarray(action(Image.fromarray(flat.astype(kind))))[12:20, 12:20].round()).tolist()


for name, filter in (("NEAREST", NEAREST), ("BILINEAR", BILINEAR), ("BICUBIC", BICUBIC)):
    for kind in ("uint16", "int32", "float32"):
        turned = middle(kind, lambda image: image.rotate(30, filter))
        larger = middle(kind, lambda image: image.resize((40, 40), filter))
        print(f"{name}, {kind}: turned {turned[:6]}, resized {larger}")
        wrong = kind == "uint16" and filter is not NEAREST
        assert larger == [1000]
        assert (max(turned) < 256 and len(turned) > 1) if wrong else turned == [1000], "changed"

steps = Image.fromarray((np.arange(64).reshape(8, 8) * 1000).astype(np.uint16))
still = np.asarray(steps.transform(steps.size, Image.Transform.AFFINE, (1, 0, 0, 0, 1, 0), BILINEAR))
print("a row that is left where it is:", np.asarray(steps)[1].tolist(), "becomes", still[1].tolist())
assert still.max() < 256, "changed"
PY
