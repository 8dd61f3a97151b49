"""Weights that are not here: a quick and useful answer."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import huggingface_hub
import pytest
from huggingface_hub import constants

from sklift.backbones import BackboneSpec, _weights, load_backbone

WAYS_OUT = ("pretrained='/path/to/weights'", "hf download", "backbone='efficientnet-lite0'")


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


@pytest.fixture
def hub(monkeypatch):
    """A server in the hub's place: an address, or a function of the request."""

    def serve(address, timeout=5):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", timeout)
        monkeypatch.setattr(huggingface_hub, "hf_hub_url", lambda *names: f"http://{address}/file")

    return serve


def refusal():
    start = time.perf_counter()
    with pytest.raises(ConnectionError) as caught:
        _weights.require_reachable("org/model", "w.bin", BackboneSpec("ViT-B-16", "openai"))
    return str(caught.value), time.perf_counter() - start


def test_a_closed_port(hub, empty_cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hub(f"127.0.0.1:{port}")
    message, seconds = refusal()
    assert seconds < 3
    assert "backbone ViT-B-16/openai are not in the local cache and can't be downloaded" in message
    assert "refused" in message
    assert "hf download org/model" in message
    assert all(way in message for way in WAYS_OUT)


def test_a_server_that_says_nothing(hub, empty_cache):
    """The client waits as long as its own setting says."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        hub(f"127.0.0.1:{server.getsockname()[1]}", timeout=0.5)
        message, seconds = refusal()
    assert seconds < 3
    assert "timed out" in message


@pytest.mark.parametrize("code", [200, 401, 403, 404, 407, 429, 503])
def test_what_a_server_answers(hub, empty_cache, code):
    """That a file is not there is for open_clip and timm to say: they know other names of it."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(code)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        hub(f"127.0.0.1:{server.server_port}")
        if code in (200, 404):
            spec = BackboneSpec("ViT-B-16", "openai")
            assert _weights.require_reachable("org/model", "w.bin", spec) is None
        else:
            assert f"(its server answers {code})" in refusal()[0]
        server.shutdown()


def test_offline_setting_needs_no_request(monkeypatch, empty_cache):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", None)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE is set"):
        _weights.require_reachable("org/model", "", BackboneSpec("hf-hub:org/model"))


@pytest.mark.parametrize(
    ("cached", "asked", "found"),
    [
        (["model.safetensors", "pytorch_model.bin"], _weights.OPEN_CLIP_FILE, None),
        (["open_clip_model.safetensors"], _weights.TIMM_FILE, None),
        (["open_clip_model.safetensors"], _weights.OPEN_CLIP_FILE, "open_clip_model.safetensors"),
        (["model.safetensors", "pytorch_model.bin"], _weights.TIMM_FILE, "model.safetensors"),
        (["pytorch_model.bin"], _weights.TIMM_FILE, "pytorch_model.bin"),
        (["own.bin", "own.safetensors"], "own.bin", "own.safetensors"),
        (["own.pt", "own.safetensors"], "own.pt", "own.pt"),
    ],
)
def test_the_file_that_the_library_itself_would_take(monkeypatch, tmp_path, cached, asked, found):
    snapshot = tmp_path / "models--org--model" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    for name in cached:
        (snapshot / name).write_bytes(b"")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    got = _weights.cached_file("org/model", asked)
    assert (None if got is None else got.name) == found


def test_cached_weights_need_no_request(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", None)
    monkeypatch.setattr(_weights, "cached_file", lambda *names: tmp_path)
    spec = BackboneSpec("ViT-B-16", "openai")
    assert _weights.require_reachable("org/model", "w.bin", spec) is None
