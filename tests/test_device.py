from __future__ import annotations

import pytest
import torch

from sklift._compute import _device
from sklift._compute._device import kept_precision, resolve_device, resolve_precision

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
    with pytest.raises(ValueError, match=f"this machine has {n} CUDA device"):
        resolve_device(f"cuda:{n}")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has the device")
def test_an_absent_device_of_another_kind():
    with pytest.raises(ValueError, match="device='mps' is not available; 'auto' takes"):
        resolve_device("mps")


def never():
    raise AssertionError("measured where the answer is known")


@pytest.fixture(params=["none", "instructions", "matrix unit"])
def way(request, monkeypatch):
    monkeypatch.setattr(_device, "bfloat16_of_processor", lambda: request.param)
    return request.param


def test_named_precisions_are_not_measured(way):
    assert resolve_precision("float32", CPU, never) is torch.float32
    assert resolve_precision("bfloat16", CPU, never) is torch.bfloat16
    assert resolve_precision("auto", torch.device("mps"), never) is torch.float32


@pytest.mark.parametrize("faster", [True, False])
def test_the_chosen_precision_of_a_cpu(way, faster):
    ask = (lambda: faster) if way == "instructions" else never
    wanted = {"none": False, "instructions": faster, "matrix unit": True}[way]
    assert (resolve_precision("auto", CPU, ask) is torch.bfloat16) == wanted


def test_predictions_keep_to_a_precision_that_the_device_has(way):
    assert kept_precision("float32", CPU) == "float32"
    assert kept_precision("bfloat16", CPU) == ("auto" if way == "none" else "bfloat16")
    assert kept_precision("float16", CPU) == kept_precision("float64", CPU) == "auto"
    assert kept_precision("float32", torch.device("cuda", 0)) == "auto"


def test_precisions_that_are_not_there():
    with pytest.raises(ValueError, match="'float16' needs a GPU; on a CPU use 'bfloat16'"):
        resolve_precision("float16", CPU, never)
    with pytest.raises(ValueError, match="precision='half' must be one of"):
        resolve_precision("half", CPU, never)
