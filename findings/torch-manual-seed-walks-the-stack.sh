#!/usr/bin/env bash
# torch 2.14.1: what does torch.manual_seed cost in a process that uses no GPU?
#
# One would guess: about a microsecond, as torch.default_generator.manual_seed, which sets the same
# numbers on the CPU; and the same wherever it is called.
# Seen: it also puts the seed aside for a CUDA that isn't initialised, together with a formatted
# traceback of the caller, in each call. So it takes a hundred times as long, more with every frame
# of the stack: 0.1 ms at the top of a script, 2 ms under 200 frames, as below a search or a test
# runner. A program that seeds per sample or per small fit pays more for it than for its work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import time

import torch

assert not torch.cuda.is_initialized()


def median(seed, n=201):
    """Microseconds of a call."""
    seconds = []
    for _ in range(n):
        start = time.perf_counter()
        seed(0)
        seconds.append(time.perf_counter() - start)
    return 1e6 * sorted(seconds)[n // 2]


def below(frames, function):
    """The result of a function that is called under so many frames more."""
    return function() if frames == 0 else below(frames - 1, function)


one = torch.manual_seed(5) and torch.rand(3)
torch.default_generator.manual_seed(5)
assert torch.equal(one, torch.rand(3))
cpu = median(torch.default_generator.manual_seed)
top, deep = (below(frames, lambda: median(torch.manual_seed)) for frames in (0, 200))
print(f"default_generator {cpu:.1f} us, manual_seed {top:.0f} us, under 200 frames {deep:.0f} us")
assert top > 20 * cpu and deep > 5 * top, "it has changed"
PY
echo "as described"
