"""Deterministic algorithms, switched on and back (what they do needs a GPU)."""

from __future__ import annotations

import os

import pytest
import torch

from sklift._compute._determinism import deterministic

GPU = torch.device("cuda")


def state():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    )


def test_a_gpu_computes_deterministically_and_all_is_as_before():
    before = state()
    with deterministic(GPU):
        assert torch.are_deterministic_algorithms_enabled()
        with deterministic(GPU):  # as another thread would
            pass
        assert torch.are_deterministic_algorithms_enabled()
    assert state() == before


def test_an_error_restores_it():
    before = state()
    with pytest.raises(KeyError), deterministic(GPU):
        raise KeyError
    assert state() == before


def test_a_users_own_setting_is_kept():
    torch.use_deterministic_algorithms(True)
    try:
        with deterministic(GPU):
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_nothing_changes_on_a_cpu():
    before = state()
    with deterministic(torch.device("cpu")):
        assert state() == before
