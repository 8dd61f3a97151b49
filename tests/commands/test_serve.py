"""`sklift serve`: from the words to a service, and its end."""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from sklift._commands import _reference, _serve
from sklift._commands._main import command_of
from sklift._commands._service._served import Served, load_served

ROOT = Path(__file__).resolve().parents[2]
FORM = b'--m\r\nContent-Disposition: form-data; name="p"; filename="%s"\r\n\r\n%s\r\n--m--\r\n'


def post(port, content):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "multipart/form-data; boundary=m"}
    connection.request("POST", "/predict", FORM % (b"a.png", content), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.usefixtures("in_a_terminal")
def test_it_answers_until_it_is_stopped_and_then_what_has_come(sklift, model, photos, monkeypatch):
    said, outcomes = queue.Queue(), []
    monkeypatch.setattr(_serve, "say", said.put)
    content = next(photos.rglob("*.png")).read_bytes()
    inside, given = threading.Event(), Served.predict

    def slow(own, contents):
        inside.set()
        time.sleep(0.1)
        return given(own, contents)

    def client():
        try:
            port = int(said.get(timeout=60).rsplit(":", 1)[1])
            outcomes.append(post(port, content))
            outcomes.append(post(port, content[:-40]))
            monkeypatch.setattr(Served, "predict", slow)
            last = threading.Thread(target=lambda: outcomes.append(post(port, content)))
            last.start()
            assert inside.wait(20)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
        last.join()

    thread = threading.Thread(target=client)
    thread.start()
    words = ("--port", "0", "--top", "1", "--target_prior", "train", "--max_upload", "1")
    done = sklift("serve", model, *words)
    thread.join()
    assert done.status == 130 and done.out == ""
    assert done.err == "sklift serve: stopped\n"  # nothing that strangers could choose
    assert [status for status, _ in outcomes] == [200, 422, 200]
    assert outcomes[0] == outcomes[2] and len(outcomes[0][1]["predictions"][0]["top"]) == 1


def test_fit_writes_what_serve_compares_with(sklift, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(_reference, "FEWEST", 12)
    file = tmp_path / "m.safetensors"
    words = ("fit", photos, "-o", file, "--max_epochs", "1", "--backbone", "emoji-tiny")
    done = sklift(*words, "--test_size", "0.5", "--verbose", "0")
    assert f"wrote {tmp_path / 'm.reference.json'}, which serve compares" in done.err
    reference = load_served(str(file)).reference
    assert reference.counts.sum() == len(reference.probabilities) == 12
    assert load_served(str(file), settings={"target_prior": "train"}).reference is None
    sklift(*words, "--test_size", "0")
    assert load_served(str(file)).reference is None


def test_addresses_that_are_none(sklift, model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = sklift("serve", model, "--port", port)
    said = f"sklift serve: can't listen at '127.0.0.1', port {port}: Address already in use\n"
    assert done.status == 2 and done.err == said
    with pytest.raises(ValueError, match=r"--port is a number from 0 to 65535; got 65536"):
        _serve.listening("127.0.0.1", 65536)
    with pytest.raises(OSError, match=r"can't listen at 'no\.such\.host\.invalid', port 1: \w"):
        _serve.listening("no.such.host.invalid", 1)
    with pytest.raises(OSError, match=r"can't listen at 'a+', port 1: \w"):
        _serve.listening("a" * 70, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--batch_size", "0"), "batch_size must be from 1 to"),
        (("--window", "1e14"), "argument --window: invalid int value: '1e14'"),
        (("--window", "100000000000000"), "window must be from 100 to 1,000,000; got 1"),
        (("--time-limit", "inf"), "time_limit must be from 0.1 to 86,400; got inf"),
        (("--port", "65536"), "--port is a number from 0 to 65535; got 65536"),
        (("--device", "tpu"), "device='tpu' is not a device"),
        (("--device", "meta"), "device='meta' is not available"),
        (("--batch-sice", "1"), "Did you mean '--batch_size'?"),
        ((), "there is no file 'none'"),
    ],
)
def test_words_that_are_not_usable(sklift, words, message):
    done = sklift("serve", "none", "--port", "0", *words)
    assert done.status == 2 and message in done.err


def test_missing_packages_are_named(sklift, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = sklift("serve", "none")
    assert done.status == 2 and 'needs uvicorn: pip install "scikit-lift[serve]"' in done.err


def test_the_container_is_built_and_started_by_words_that_are_known():
    text = (ROOT / "examples" / "serve" / "Dockerfile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (first,) = re.findall(r'^(python3 -m venv .+? && pip install )"\.\[examples\]"', readme, re.M)
    assert f'RUN {first}--no-cache-dir ".[serve]"\n' in text
    copied = re.findall(r"^COPY (.+) \S+$", text, re.M)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    program, name, *words = json.loads(re.search(r"^ENTRYPOINT (.+)$", text, re.M)[1])
    words += json.loads(re.search(r"^CMD (\[.+)$", text, re.M)[1])
    options = command_of(name)[1].parse(words)
    assert (program, name, options.host) == ("sklift", "serve", "0.0.0.0")
    assert options.model == "/models/model.safetensors"
    assert f"EXPOSE {options.port}\n" in text and f":{options.port}/health" in text
