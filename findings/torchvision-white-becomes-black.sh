#!/usr/bin/env bash
# torchvision 0.29.1, torch 2.14.1: what does v2.functional.to_dtype make of white, 1.0, in uint16?
#
# One would guess: 65535, as it makes 255 in uint8 and 32767 in int16. Where a type's numbers are too
# large for float32, as those of int32, it refuses ("cannot be performed safely").
# Seen: 0. It multiplies by a little less than 65536, which float32 rounds to 65536, and that wraps. So do
# adjust_gamma and adjust_hue of uint16: white pixels turn black. In halves (float16, bfloat16) the same
# happens to uint8: a picture that was made under autocast has black holes where it is white. (On x86; the
# processor decides what becomes of numbers that are too large.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "torchvision==0.29.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch
from torchvision.transforms.v2 import functional as F

grey_and_white = torch.tensor([0.5, 1.0])[None, None]
seen = {}
for one in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
    for other in (torch.uint8, torch.int16, torch.uint16):
        found = F.to_dtype(grey_and_white.to(one), other, scale=True).flatten().tolist()
        print(f"{one} to {other}: grey {found[0]}, white {found[1]}")
        seen[one, other] = found[1]
assert seen[torch.float64, torch.uint16] == 65535
assert seen[torch.float32, torch.uint8] == 255 and seen[torch.float32, torch.int16] == 32767
assert seen[torch.float32, torch.uint16] == 0, "changed"
assert seen[torch.bfloat16, torch.uint8] == seen[torch.float16, torch.uint8] == 0, "changed"
deep = torch.tensor([[[0, 30000, 65535]]]).to(torch.uint16)
same = F.adjust_gamma(deep, 1.0).flatten().tolist()
print("gamma 1 of 0, 30000 and 65535:", same)
assert same == [0, 30000, 0], "changed"
PY
