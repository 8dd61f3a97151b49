from __future__ import annotations

import platform

import pytest
import torch

from sklift._compute import _processor
from sklift._compute._processor import bfloat16_of_processor, processor_name

INTEL = """\
processor\t: 0
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
stepping\t: 2
flags\t\t: fpu avx512f {flags}

processor\t: 1
model name\t: another core
flags\t\t: fpu
"""
ARM = """\
processor\t: 0
Features\t: fp asimd {flags}
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""
CASES = [
    (INTEL, "", "none"),
    (INTEL, "avx512_bf16", "instructions"),
    (INTEL, "avx512_bf16 amx_bf16", "matrix unit"),
    (ARM, "", "none"),
    (ARM, "bf16", "instructions"),
]


@pytest.fixture
def linux(tmp_path, monkeypatch):
    """A function that sets what Linux tells of the processor, where torch tells nothing."""
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr("sklift._compute._torch.cpu_library_has_bfloat16", lambda: True)
    monkeypatch.setattr(_processor, "_CPUINFO", str(tmp_path / "cpuinfo"))
    return (tmp_path / "cpuinfo").write_text


@pytest.mark.parametrize(("text", "flags", "way"), CASES)
def test_the_way_by_the_flags_of_linux(linux, text, flags, way):
    linux(text.format(flags=flags))
    assert bfloat16_of_processor() == way


@pytest.mark.parametrize(("text", "flags", "way"), CASES)
def test_the_way_by_the_flags_of_torch(linux, monkeypatch, text, flags, way):
    told = dict.fromkeys(("avx512_bf16", "amx_bf16", "bf16"), False)
    told |= dict.fromkeys(flags.split(), True)
    told |= {"architecture": "x86_64", "l1d_cache_size": 1}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert bfloat16_of_processor() == way


def test_a_library_without_products_counts_more_than_flags(linux, monkeypatch):
    linux(INTEL.format(flags="avx512_bf16 amx_bf16"))
    monkeypatch.setattr("sklift._compute._torch.cpu_library_has_bfloat16", lambda: False)
    assert bfloat16_of_processor() == "none"


def test_names(linux):
    assert processor_name() == (platform.processor() or platform.machine())
    linux(INTEL)
    assert processor_name() == "Intel(R) Xeon(R) Processor 6 207 2"
    linux(ARM)
    assert processor_name() == "0x41 0xd40"
