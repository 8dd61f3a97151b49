"""The web application over a socket: what it answers, to whatever is sent."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sklift
from sklift import LiftClassifier, prediction_service
from sklift._commands import main
from sklift._commands._model_file import identity
from sklift._commands._reference import write_reference
from sklift._commands._service._limits import Limits
from sklift._commands._service._served import Served
from sklift._commands._sets import sets_beside

pytestmark = pytest.mark.filterwarnings("ignore:.* can't be read")
BOUNDS = {"top": 2, "max_pictures": 3, "max_waiting": 4, "max_upload": 1, "window": 100}
TEXT = b'--mark\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--mark--\r\n'


@pytest.fixture(scope="module")
def beside(model, tmp_path_factory):
    """The file of a model, with a threshold of sets and a reference."""
    file = tmp_path_factory.mktemp("beside") / "m.safetensors"
    file.write_bytes(model.read_bytes())
    name = identity(file)
    sets_beside(file).write_text(json.dumps({"threshold": 1.0, "model": name}))
    write_reference(np.tile([0.5, 0.3, 0.2], (50, 1)), file, name)
    return file


@pytest.fixture(scope="module")
def client(beside, running):
    with running(prediction_service(beside, **BOUNDS)) as found:
        yield found


def test_answers_are_those_of_predict(client, beside, photos, tmp_path, capsys):
    some = sorted(photos.rglob("*.png"))[::9]
    found = client.post(*(path.read_bytes() for path in some), names=["a.png", "ü.png", "c"])
    assert found.status == 200
    rows = found.content["predictions"]
    assert [row["picture"] for row in rows] == ["a.png", "ü.png", "c"]
    out = tmp_path / "p.jsonl"
    main(["predict", str(beside), *map(str, some), "-o", str(out), "--top", "2"])
    for row, line in zip(rows, out.read_text().splitlines(), strict=True):
        expected = json.loads(line)
        assert row["probability"] == pytest.approx(expected["probability"], abs=0.01)
        assert [row["label"], row["set"]] == [expected["label"], expected["set"]]
        assert len(row["top"]) == 2 and row["top"][0] == [row["label"], row["probability"]]
        assert row["flags"] == ([] if len(row["set"]) == 1 else ["several"])
        assert row["error"] is None
    assert found.content["model"] == identity(beside, {"sets": 1.0})  # as predict has it


def test_damaged_ones_have_a_reason_and_no_path(client, contents):
    found = client.post(contents[0], b"/etc/passwd", b"")
    assert found.status == 200
    good, bad, empty = found.content["predictions"]
    assert good["label"] and good["error"] is None
    assert bad["error"] == "no picture that Pillow reads" and empty["error"] == "the file is empty"
    assert bad["label"] is bad["probability"] is bad["set"] is None and bad["top"] == []
    alone = client.post(contents[1][:-40], names=["../../x.png"])
    assert alone.status == 422
    (row,) = alone.content["predictions"]
    assert row["error"] == "the picture can't be decoded (image file is truncated)"
    assert "/" not in json.dumps(alone.content).replace("../../x.png", "")


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"", {}, 422, "no file"),
        (TEXT, {}, 422, "no file"),
        (b"rubbish", {}, 400, ""),
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "files of a form"),
        (b"{}", {"Content-Type": "application/json"}, 415, "files of a form"),
        (b"x", {"Content-Type": "multipart/form-data"}, 400, "boundary"),
        (b"x" * (2**20 + 1), {}, 413, "at most 1 megabyte"),
    ],
)
def test_what_is_no_upload(client, body, headers, status, text):
    found = client.send(body, headers=headers)
    assert found.status == status and text in found.content["detail"]
    assert client.get("/health").status == 200


@pytest.mark.parametrize(
    ("encoding", "status", "name"),
    [("undefined", 400, None), ("raw_unicode_escape", 200, "?"), ("latin-1", 200, "\\ud800")],
)
def test_names_in_odd_encodings(client, contents, encoding, status, name):
    kind = {"Content-Type": f"multipart/form-data; boundary=mark; charset={encoding}"}
    found = client.post(contents[0], names=["\\ud800"], headers=kind)
    assert found.status == status
    assert name is None or found.content["predictions"][0]["picture"] == name
    long = client.post(contents[0], names=["a" * 999]).content["predictions"][0]["picture"]
    assert long == "a" * 255


def test_too_many_pictures_of_a_request(client, contents):
    found = client.post(*contents[:4])
    assert found.status == 400 and "3" in found.content["detail"]


def test_health_and_addresses(client, beside):
    found = client.get("/health").content
    head = client.head("/health")
    assert (head.status, head.content) == (200, "") and client.head("/metrics").status == 200
    assert found == {
        "status": "ok",
        "model": identity(beside, {"sets": 1.0}),
        "classes": 3,
        "waiting": 0,
    }
    described = client.get("/openapi.json").content
    assert set(described["paths"]) == {"/predict", "/health", "/metrics"}
    assert client.get("/predict").status == 405
    assert client.get("/docs").status == client.get("/nothing").status == 404


def test_figures_are_those_of_what_was_answered(beside, running, contents):
    bounds = BOUNDS | {"batch_size": 8, "max_pictures": 21, "max_waiting": 21}
    with running(prediction_service(beside, **bounds)) as client:
        rows = []
        for _ in range(5):
            rows += client.post(*contents[:21]).content["predictions"]
        client.post(b"")
        client.send(b"")
        found = client.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    values = dict(re.findall(r"^(sklift_.+) (\S+)$", found.content, re.M))
    values = {name: float(value) for name, value in values.items()}
    assert values['sklift_requests_total{status="200"}'] == 5
    assert values['sklift_requests_total{status="422"}'] == 2
    assert values["sklift_request_seconds_count"] == 7
    assert values["sklift_unreadable_total"] == 1 and values["sklift_waiting"] == 0
    assert values["sklift_batch_pictures_count"] == 15
    labels = [row["label"] for row in rows]
    for label in set(labels):
        name = f'sklift_predictions_total{{label="{label}"}}'
        assert values[name] == labels.count(label)
    assert values["sklift_probability_count"] == 105
    flagged = sum(row["flags"] == ["several"] for row in rows)
    assert values.get('sklift_flags_total{flag="several"}', 0) == flagged
    assert values["sklift_window"] == 100
    trained = [v for n, v in values.items() if n.startswith("sklift_trained_share")]
    estimated = [v for n, v in values.items() if n.startswith("sklift_estimated_share")]
    assert sorted(trained) == pytest.approx([1 / 6, 1 / 3, 1 / 2])
    assert sum(estimated) == pytest.approx(1) and 0 <= values["sklift_mix_distance"] <= 1
    assert values['sklift_drift_p_value{of="probability"}'] < 1e-6  # it is of made-up numbers
    assert 'sklift_drift_p_value{of="labels"}' in values


class Blocked:
    """Predictions that wait until they may go on."""

    def __init__(self, monkeypatch):
        self.free, self.inside, given = threading.Event(), threading.Event(), Served.predict

        def predict(own, *arguments):
            self.inside.set()
            assert self.free.wait(10)
            return given(own, *arguments)

        monkeypatch.setattr(Served, "predict", predict)


def test_who_comes_when_all_places_are_taken_is_told_to_come_again(
    fitted, running, contents, monkeypatch
):
    app, blocked = prediction_service(fitted, **BOUNDS), Blocked(monkeypatch)
    with running(app) as client, ThreadPoolExecutor(3) as threads:
        try:
            sent = [threads.submit(client.post, contents[0])]
            assert blocked.inside.wait(10)
            sent += [threads.submit(client.post, *contents[:2]) for _ in range(2)]
            while client.get("/health").content["waiting"] < 4:
                pass
            refused = client.post(contents[0])
            assert refused.status == 503 and refused.headers["retry-after"] == "1"
        finally:
            blocked.free.set()
        assert [each.result().status for each in sent] == [200, 200, 200]
        assert client.post(contents[0]).status == 200


def test_a_batch_without_end(fitted, running, contents, monkeypatch):
    app, blocked = prediction_service(fitted, **BOUNDS, time_limit=0.1), Blocked(monkeypatch)
    with running(app) as client:
        try:
            late = client.post(contents[0])
            assert late.status == 503 and "within 0.1 seconds" in late.content["detail"]
            while (health := client.get("/health")).status == 200:
                pass
            assert health.status == 503 and health.content["status"] == "stuck"
        finally:
            blocked.free.set()
        # a busy machine may be as slow once more
        assert any(client.post(contents[0]).status == 200 for _ in range(100))
        assert any(client.get("/health").status == 200 for _ in range(100))


def test_a_fault_of_ours_is_an_error_of_the_server_without_a_word(
    fitted, running, contents, monkeypatch
):
    def predict(own, *arguments):
        raise RuntimeError("/secret/path")

    app = prediction_service(fitted)
    monkeypatch.setattr(Served, "predict", predict)
    with running(app) as client:
        found = client.post(contents[0])
        assert found.status == 500 and "secret" not in str(found.content)
        assert 'requests_total{status="500"} 1.0' in client.get("/metrics").content


def test_it_is_mounted_in_another_application(fitted, running, contents):
    from fastapi import FastAPI

    outer = FastAPI()
    outer.mount("/birds", prediction_service(fitted, **BOUNDS))
    with running(outer) as client:
        assert client.get("/birds/health").content["model"] is None
        answer = client.post(contents[0], path="/birds/predict")
        assert answer.status == 200
        label = LiftClassifier.predict(fitted, [contents[0]])[0]
        assert answer.content["predictions"][0]["label"] == label
        assert client.send(b"x" * (2**20 + 1), path="/birds/predict").status == 413


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"top": 0}, "top must be from 1 to"),
        ({"batch_size": 0}, "batch_size must be from 1 to 100,000; got 0"),
        ({"window": 99}, "window must be from 100 to"),
        ({"window": 10**14}, "window must be from 100 to 1,000,000; got 100000000000000"),
        ({"time_limit": 0.001}, "time_limit must be from 0.1 to 86,400; got 0.001"),
        ({"time_limit": float("nan")}, "time_limit must be from .* got nan"),
        ({"time_limit": float("inf")}, "time_limit must be from .* got inf"),
        ({"max_pictures": 257}, "max_pictures=257 must be at most max_waiting=256"),
    ],
    ids=str,
)
def test_bounds_that_are_none(bounds, message):
    with pytest.raises(ValueError, match=message):
        prediction_service("none.safetensors", **bounds)
    name = next(iter(bounds))
    for wrong in ("1", None, True, 1j):
        with pytest.raises(TypeError, match=f"{name} must be a"):
            prediction_service("none.safetensors", **{name: wrong})


def test_a_window_that_does_not_fit_into_memory():
    with pytest.raises(
        ValueError, match=r"window=200000 of 8,142 classes takes 7 GB: give at most"
    ):
        Limits(window=200_000).check_window(8142)
    Limits(window=100_000).check_window(8142)


def test_missing_packages_are_named(fitted, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r'prometheus_client: pip install "scikit-lift\[serve\]"'):
        prediction_service(fitted)
    assert "prediction_service" in sklift.__all__
