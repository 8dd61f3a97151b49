"""The processor: its name, and how it computes products in bfloat16."""

from __future__ import annotations

import platform
from typing import Literal

_CPUINFO = "/proc/cpuinfo"
# x86 and Arm; processors of one name may differ in the rest, as virtual ones do
_NAMES = ("model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part")


def bfloat16_of_processor() -> Literal["none", "instructions", "matrix unit"]:
    """How the processor, and torch's library for it, compute products in bfloat16.

    Returns
    -------
    way : {"none", "instructions", "matrix unit"}
        ``"none"``: not at all, or by conversion to float32. ``"matrix unit"`` (AMX): always faster
        than float32. ``"instructions"`` (AVX512-BF16, Arm BF16): twice as fast as float32 on one
        processor and half as fast on another, which no flag tells.
    """
    from ._torch import cpu_library_has_bfloat16

    flags = _flags()
    if not cpu_library_has_bfloat16() or flags.isdisjoint(("avx512_bf16", "amx_bf16", "bf16")):
        return "none"
    return "matrix unit" if "amx_bf16" in flags else "instructions"


def processor_name() -> str:
    """Name and model numbers of the processor."""
    fields = _cpuinfo()
    named = [fields[name] for name in _NAMES if fields.get(name)]
    return " ".join(named) or platform.processor() or platform.machine()


def _flags() -> set[str]:
    """Names of the instruction sets that the processor has."""
    import torch

    if hasattr(torch.cpu, "get_capabilities"):  # not in torch 2.6
        return {name for name, value in torch.cpu.get_capabilities().items() if value is True}
    fields = _cpuinfo()
    return {*fields.get("flags", "").split(), *fields.get("Features", "").split()}


def _cpuinfo() -> dict[str, str]:
    """What Linux tells of the first core, by name; elsewhere nothing."""
    fields: dict[str, str] = {}
    try:
        with open(_CPUINFO, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if not value and fields:  # the next core
                    break
                fields[name.strip()] = value.strip()
    except OSError:
        pass
    return fields
