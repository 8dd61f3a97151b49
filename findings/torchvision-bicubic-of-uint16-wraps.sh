#!/usr/bin/env bash
# torchvision 0.29.1, torch 2.14.1: is a picture of uint16 resized like the same picture in uint8?
#
# One would guess: yes; bilinear and nearest do it. Bicubic goes beyond the ends beside an edge, and for
# uint8, which is held at 0 and 255, one never sees it (for floats it is documented to overshoot).
# Seen: for uint16, what is below 0 or above 65535 wraps: along an edge of black and white there are white
# pixels in the black and black ones in the white. It is the same for resized_crop.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "torchvision==0.29.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

byte = torch.tensor([0] * 4 + [255] * 4, dtype=torch.uint8).expand(1, 8, 8)
deep = (byte.to(torch.int32) * 257).to(torch.uint16)
for mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
    of_byte = F.resize(byte, [16, 16], interpolation=mode)[0, 8].to(torch.float64)
    of_deep = F.resize(deep, [16, 16], interpolation=mode)[0, 8].to(torch.float64)
    print(f"{mode.value}:\n uint8  {of_byte.int().tolist()}\n uint16 {of_deep.int().tolist()}")
    far = (of_byte - of_deep / 257).abs().max().item()
    assert (far > 200) == (mode is InterpolationMode.BICUBIC), "changed"
PY
