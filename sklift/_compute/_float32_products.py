"""Products of float32 that are rounded as float32, whatever torch was told elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_PLAIN = ("none", "ieee")  # nothing said, and the full precision


def round_as_float32() -> Callable[[], None]:
    """Let torch compute products of float32 in full; return what sets the switches back.

    ``torch.set_float32_matmul_precision("medium")``, and since torch 2.9 switches of each library,
    would compute them in bfloat16 or TF32, on CPUs too.
    """
    try:
        named = torch.get_float32_matmul_precision()
    except RuntimeError:  # a switch of one library differs from it
        named = None
    # from the general to the special ones, which take over what those say
    backends = torch.backends
    places = [(backends, ""), (backends, "mkldnn"), (backends.mkldnn, "matmul")]
    places += [(backends.mkldnn, "conv"), (backends.cuda, "matmul")]
    found = [getattr(owner, name, None) if name else owner for owner, name in places]
    switches: list[Any] = [one for one in found if hasattr(one, "fp32_precision")]
    if named == "highest" and all(one.fp32_precision in _PLAIN for one in switches):
        return lambda: None
    before = []
    if named not in ("highest", None):  # it sets switches of libraries as well
        torch.set_float32_matmul_precision("highest")
    for switch in switches:
        before.append((switch, switch.fp32_precision))
        if before[-1][1] not in _PLAIN:
            switch.fp32_precision = "ieee"

    def restore() -> None:
        for switch, precision in reversed(before):
            if switch.fp32_precision != precision:
                switch.fp32_precision = precision
        if named not in ("highest", None):
            torch.set_float32_matmul_precision(named)

    return restore
