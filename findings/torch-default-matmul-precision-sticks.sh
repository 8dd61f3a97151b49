#!/usr/bin/env bash
# torch 2.14.1: does torch.set_float32_matmul_precision("highest"), the default, change nothing?
#
# One would guess: yes. It sets what get_float32_matmul_precision() has just said.
# Seen: it also sets torch.backends.mkldnn.matmul.fp32_precision from "none" to "ieee", and the same of
# cuda.matmul. These no longer follow torch.backends.fp32_precision: a later "bf16" there reaches
# convolutions but no products, without a word. So code that restores the precision it has found, as
# a context manager does, must leave it alone where it has changed nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch

backends = torch.backends
inherited = backends.mkldnn.matmul.fp32_precision
backends.fp32_precision = "bf16"
followed = backends.mkldnn.matmul.fp32_precision
backends.fp32_precision = "none"
print("before:", inherited, "and", followed, 'under backends.fp32_precision = "bf16"')
assert (inherited, followed) == ("none", "bf16"), "changed"

assert torch.get_float32_matmul_precision() == "highest"
torch.set_float32_matmul_precision(torch.get_float32_matmul_precision())
own = backends.mkldnn.matmul.fp32_precision
backends.fp32_precision = "bf16"
product, convolution = backends.mkldnn.matmul.fp32_precision, backends.mkldnn.conv.fp32_precision
print("after: ", own, "and", product, "; of convolutions", convolution)
assert (own, product, convolution) == ("ieee", "ieee", "bf16"), "changed"
PY
