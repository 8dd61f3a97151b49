"""Weights that are not here: a quick and useful answer."""

from __future__ import annotations

import socket
import time

import pytest
from huggingface_hub import constants

from sklift.backbones import BackboneSpec, _weights, load_backbone

WAYS_OUT = ("pretrained='/path/to/weights'", "hf download", "backbone='emoji-tiny'")


def reachable():
    host = constants.ENDPOINT.removeprefix("https://").removeprefix("http://")
    try:
        socket.create_connection((host.partition(":")[0], 443), timeout=3).close()
    except OSError:
        return False
    return True


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(_weights, "cached_file", lambda *names: None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, pretrained",
    [
        ("ViT-B-16", "auto"),
        ("timm/test_vit", "r160_in1k"),
        ("hf-hub:nobody/nothing-at-all", "auto"),
    ],
)
def test_no_network(name, pretrained):
    if reachable():
        pytest.skip("there is a network")
    start = time.perf_counter()
    with pytest.raises(ConnectionError) as caught:
        load_backbone(name, pretrained)
    assert time.perf_counter() - start < 15
    assert all(way in str(caught.value) for way in WAYS_OUT)


def test_wording(monkeypatch, empty_cache):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_weights, "_probe", lambda url, timeout: "no route")
    with pytest.raises(ConnectionError) as caught:
        _weights.require_reachable("org/model", "w.bin", BackboneSpec("ViT-B-16", "openai"))
    message = str(caught.value)
    assert "backbone ViT-B-16/openai are not in the local cache and can't be downloaded" in message
    assert "(no route)" in message
    assert "hf download org/model" in message
    assert all(way in message for way in WAYS_OUT)


def test_offline_setting_needs_no_probe(monkeypatch, empty_cache):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(_weights, "_probe", None)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE is set"):
        _weights.require_reachable("org/model", "", BackboneSpec("hf-hub:org/model"))


def test_reachable_or_cached_passes(monkeypatch, tmp_path):
    spec = BackboneSpec("ViT-B-16", "openai")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_weights, "cached_file", lambda *names: None)
    monkeypatch.setattr(_weights, "_probe", lambda url, timeout: None)
    assert _weights.require_reachable("org/model", "w.bin", spec) is None
    monkeypatch.setattr(_weights, "cached_file", lambda *names: tmp_path)
    monkeypatch.setattr(_weights, "_probe", lambda url, timeout: "no route")
    assert _weights.require_reachable("org/model", "w.bin", spec) is None


def test_probe_of_a_closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    assert _weights._probe(f"http://127.0.0.1:{port}", timeout=5)
    assert time.perf_counter() - start < 5


def test_probe_of_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = time.perf_counter()
        assert _weights._probe(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.5)
        assert time.perf_counter() - start < 3
