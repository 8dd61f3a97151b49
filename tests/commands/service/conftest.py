from __future__ import annotations

import http.client
import io
import json
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image


class Client:
    """Requests to a service of this process, over a socket."""

    def __init__(self, port):
        self.port = port

    def get(self, path):
        return self._ask("GET", path)

    def head(self, path):
        return self._ask("HEAD", path)

    def post(self, *contents, path="/predict", names=None, headers=None):
        names = names or [f"{i}.png" for i in range(len(contents))]
        head = b'--mark\r\nContent-Disposition: form-data; name="pictures"; filename="%s"\r\n\r\n'
        parts = [
            head % name.encode() + content + b"\r\n"
            for name, content in zip(names, contents, strict=True)
        ]
        return self.send(b"".join([*parts, b"--mark--\r\n"]), path, headers)

    def send(self, body, path="/predict", headers=None):
        headers = {"Content-Type": "multipart/form-data; boundary=mark"} | (headers or {})
        return self._ask("POST", path, body, headers)

    def _ask(self, *request):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(*request[:2], *request[2:])
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        is_json = text and response.headers["content-type"] == "application/json"
        content = json.loads(text) if is_json else text
        return SimpleNamespace(status=response.status, headers=response.headers, content=content)


@contextmanager
def _running(app):
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield Client(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def running():
    """Context in which an application answers over a socket."""
    return _running


@pytest.fixture(scope="session")
def encoded():
    """The content of a file of a picture."""

    def encode(image, kind="PNG", **options):
        file = io.BytesIO()
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(file, kind, **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def contents(shapes, encoded):
    """Files of the pictures that the model was trained on."""
    return [encoded(image) for image in shapes[0]]
