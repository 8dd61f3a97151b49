from __future__ import annotations

import pytest
import torch

from sklift._compute._device import resolve_device, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("device", ["cpu", CPU])
def test_a_named_device(device):
    assert resolve_device(device) == CPU


def test_auto_is_the_gpu_when_there_is_one():
    has_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (resolve_device("auto") != CPU) == has_gpu


@pytest.mark.parametrize("device", ["gpu", "cudaa", None, 1.5, ["cpu"]])
def test_an_unknown_device(device):
    with pytest.raises(ValueError, match="is not a device; try 'auto', 'cpu' or 'cuda'"):
        resolve_device(device)


def test_an_absent_cuda_device():
    n = torch.cuda.device_count()
    with pytest.raises(ValueError, match=f"this machine has {n} CUDA devices"):
        resolve_device(f"cuda:{n}")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has the device")
def test_an_absent_device_of_another_kind():
    with pytest.raises(ValueError, match="device='mps' is not available; 'auto' takes"):
        resolve_device("mps")


def test_named_precisions():
    assert resolve_precision("float32", CPU) is torch.float32
    assert resolve_precision("bfloat16", CPU) is torch.bfloat16
    assert resolve_precision("auto", CPU) in (torch.float32, torch.bfloat16)
    assert resolve_precision("auto", torch.device("mps")) is torch.float32


def test_precisions_that_are_not_there():
    with pytest.raises(ValueError, match="'float16' needs a GPU; on a CPU use 'bfloat16'"):
        resolve_precision("float16", CPU)
    with pytest.raises(ValueError, match="precision='half' must be one of"):
        resolve_precision("half", CPU)
