"""Models in a repository of the Hub, which is played by a server on this machine."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

import numpy as np
import pytest
import yaml
from sklearn.exceptions import NotFittedError

from sklift import LiftClassifier, ZeroShotClassifier
from sklift._persistence._model_card import model_card
from sklift.displays import Report


class Hub(BaseHTTPRequestHandler):
    """The part of the Hub's HTTP interface that pushing and fetching files takes."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/down":
            self.server.shutdown()
            self.server.socket.close()
            self.answer({})
            return
        repositories = self.server.repositories
        self.server.tokens.add(self.headers.get("Authorization"))
        if self.path == "/api/repos/create":
            given = json.loads(body)
            name = f"{given['organization']}/{given['name']}"
            known = name in repositories
            repositories.setdefault(name, {"commits": {}, "branches": {"main": None}})
            self.answer({"url": f"{self.server.url}/{name}"}, 409 if known else 200)
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        else:
            name, what, branch = re.match(
                r"/api/models/(\w+/\w+)/(preupload|commit|branch)/(\w+)", self.path
            ).groups()
            self.answer(getattr(self, what)(repositories[name], name, branch, body))

    def preupload(self, repository, name, branch, body):
        files = json.loads(body)["files"]
        return {
            "files": [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in files
            ]
        }

    def branch(self, repository, name, branch, body):
        repository["branches"].setdefault(branch, repository["branches"]["main"])
        return {}

    def commit(self, repository, name, branch, body):
        rows = [json.loads(line) for line in body.splitlines()]
        before = repository["commits"].get(repository["branches"][branch], {})
        files = before | {
            row["value"]["path"]: base64.b64decode(row["value"]["content"])
            for row in rows
            if row["key"] == "file"
        }
        sha = hashlib.sha1(body + bytes(len(repository["commits"]))).hexdigest()
        repository["commits"][sha], repository["branches"][branch] = files, sha
        url = f"{self.server.url}/{name}/commit/{sha}"
        return {"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""}

    def do_GET(self):
        found = re.match(r"/(\w+/\w+)/resolve/(\w+)/(.+)", self.path)
        repository = self.server.repositories.get(found[1] if found else None)
        if repository is None:
            self.answer({"error": "no"}, 401, "RepoNotFound")
            return
        sha = repository["branches"].get(found[2], found[2])
        files = repository["commits"].get(sha)
        if files is None or found[3] not in files:
            code = "RevisionNotFound" if files is None else "EntryNotFound"
            self.answer({"error": "no"}, 404, code)
            return
        self.server.asked.append(found[3])
        self.answer(files[found[3]], sha=sha)

    do_HEAD = do_GET

    def answer(self, content, status=200, error=None, sha=None):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        headers = {
            "Content-Length": len(data),
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X-Repo-Commit": sha,
            "X-Error-Code": error,
        }
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    server.repositories, server.tokens, server.asked = {}, set(), []
    threading.Thread(target=server.serve_forever).start()
    yield server
    server.shutdown()
    server.server_close()


SCRIPT = """
import os, urllib.request
import numpy as np
from sklift import LiftClassifier, ZeroShotClassifier

def refused(error, do, *args, **kwargs):
    try:
        do(*args, **kwargs)
    except error as found:
        print(type(found).__name__, str(found))
    else:
        print("done")

X = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
first = ZeroShotClassifier("emoji-tiny").fit(None, ["red square", "black cat"])
second = ZeroShotClassifier("emoji-tiny").fit(None, ["fox", "lynx", "wolf"])
refused(ValueError, first.push_to_hub, "no/name/at all")
refused(FileNotFoundError, ZeroShotClassifier.from_hub, "me/model")
old = first.push_to_hub("me/model", private=True)
new = second.push_to_hub("me/model", commit_message="more")
other = first.push_to_hub("me/model", revision="small")
assert len({old, new, other}) == 3
for revision, clf in ((old, first), (None, second), ("main", second), ("small", first)):
    found = ZeroShotClassifier.from_hub("me/model", revision=revision)
    assert found.classes_.tolist() == clf.classes_.tolist()
    assert (found.predict_proba(X) == clf.predict_proba(X)).all()
refused(ValueError, LiftClassifier.from_hub, "me/model")
refused(FileNotFoundError, ZeroShotClassifier.from_hub, "me/model", revision="none")

urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/down", b"").read()
assert len(ZeroShotClassifier.from_hub("me/model").classes_) == 3
assert len(ZeroShotClassifier.from_hub("me/model", revision=old).classes_) == 2
refused(ConnectionError, ZeroShotClassifier.from_hub, "me/other")
refused(ConnectionError, first.push_to_hub, "me/model")
"""


@pytest.mark.slow
def test_a_model_is_pushed_and_loaded_and_a_commit_pins_it(hub, tmp_path):
    env = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    env |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_TOKEN": "hf_secret"}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    no_name, none, other_class, no_revision, not_cached, not_pushed = done.stdout.splitlines()
    assert no_name.startswith("HFValidationError ")
    assert none == (
        "FileNotFoundError can't load ZeroShotClassifier from 'me/model': there is no such "
        "repository, or it is private: log in by `hf auth login`, or give token="
    )
    assert "it holds a ZeroShotClassifier" in other_class
    assert no_revision.endswith("from 'me/model': the repository has no such revision")
    assert not_cached.startswith("ConnectionError can't load ZeroShotClassifier from 'me/other': ")
    assert "the cache of this machine lacks the file" in not_cached
    assert not_pushed.startswith("ConnectionError can't push ZeroShotClassifier to 'me/model': ")
    repository = hub.repositories["me/model"]
    commits = repository["commits"].values()
    assert all(set(files) == {"model.safetensors", "README.md"} for files in commits)
    assert repository["branches"]["small"] != repository["branches"]["main"]
    assert set(hub.asked) == {"model.safetensors"}  # the one file that is read
    assert hub.tokens == {"Bearer hf_secret"}


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4)).astype(np.float32)
    y = np.repeat(["a|b", "<i>fox</i>", "wolf"], [20, 6, 4])
    return LiftClassifier("precomputed", max_epochs=1).fit(X, y), y


def test_the_card_holds_the_scores_and_no_paths(fitted, tmp_path):
    clf, y = fitted
    clf = copy.copy(clf).set_params(checkpoint=str(tmp_path / "secret"), lr=0.01)
    proba = np.full((30, 3), 0.1) + 0.7 * np.eye(3)[np.roll(np.searchsorted(clf.classes_, y), 1)]
    pictures = np.arange(30 * 64, dtype=np.uint8).reshape(30, 8, 8)
    y_pred = clf.classes_[proba.argmax(axis=1)]
    counts = dict(zip(clf.classes_.tolist(), clf.class_counts_.tolist(), strict=True))
    report = Report.from_predictions(
        pictures, y, y_pred, proba, counts, title=str(tmp_path), many=10, few=5
    )
    card = model_card(clf, "me/model", report)
    head, text = card.removeprefix("---\n").split("\n---\n", 1)
    data = yaml.safe_load(head)
    assert data["pipeline_tag"] == "image-classification" and data["library_name"] == "scikit-lift"
    assert "model = LiftClassifier.from_hub('me/model')" in text
    assert "secret" not in card and str(tmp_path) not in card and "base64" not in card
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.M))
    assert rows["accuracy"] == f"{100 * report.scores['accuracy']:.1f} %"
    assert rows["few-shot, 1 class"] == f"{100 * report.scores['few']['accuracy']:.1f} %"
    assert rows["trained on"] == "30 pictures of 3 classes, 4 to 20 of each"
    assert rows["lr"] == "0.01" and rows["init"] == "'class\\_mean'"
    classes = re.findall(r"^\| (\S+) \| (\d+) \| (\d+) \| (\d+) % \((\d+) to (\d+)\) ", text, re.M)
    assert [row[:3] for row in classes] == [
        ("a\\|b", "20", "20"),
        ("&lt;i&gt;fox&lt;/i&gt;", "6", "6"),
        ("wolf", "4", "4"),
    ]
    recall = [report.classes[name][0] for name in ("recall", "recall_low", "recall_high")]
    assert classes[0][3:] == tuple(f"{100 * value:.0f}" for value in recall)


@pytest.mark.parametrize(
    ("repo_id", "revision", "error"),
    [
        (None, None, "repo_id must be a text, got None"),
        ("me/model", 3, "revision must be a text, got 3"),
        ("me/model", "../../x", "revision must be a branch, a tag or .*, got '../../x'"),
        ("me/model", "/x", "revision must be a branch"),
        ("me/model", "", "revision must be a branch"),
    ],
)
def test_names_that_are_none(fitted, repo_id, revision, error):
    for use in (LiftClassifier.from_hub, fitted[0].push_to_hub):
        with pytest.raises((TypeError, ValueError), match=error):
            use(repo_id, revision=revision)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("pretrained", "/home/me/secret/w.pt", "'w.pt'"),
        ("pretrained", "~/secret place/w.pt", "'w.pt'"),
        ("pretrained", "C:\\Users\\me\\secret\\w.pt", "'w.pt'"),
        ("pretrained", PurePosixPath("/home/me/secret/w.pt"), "PurePosixPath('w.pt')"),
        ("backbone", "local-dir:/home/me/secret/tower", "'local-dir:tower'"),
        ("backbone", "hf-hub:user/tower", "'hf-hub:user/tower'"),
        ("backbone", "timm/tower", "'timm/tower'"),
        ("prompts", ["cat / dog, a {}"], "['cat / dog, a {}']"),
    ],
)
def test_the_card_holds_no_folders_of_this_machine(fitted, name, given, told):
    clf = copy.copy(fitted[0]).set_params(**{name: given})
    card = model_card(clf, "me/model", None)
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", card, re.M))
    assert "secret" not in card and re.sub(r"\\([\[\]])", r"\1", rows[name]) == told


def test_the_card_of_many_classes_shows_both_ends_and_without_scores_none(fitted):
    clf, _ = fitted
    y = np.arange(300)
    report = Report.from_predictions(
        np.zeros((300, 8, 8), np.uint8), y, y, np.eye(300), {k: 400 - k for k in range(300)}
    )
    card = model_card(clf, "me/model", report)
    assert "100 classes between them" in card
    shown = [int(k) for k in re.findall(r"^\| (\d+) \|", card, re.M)]
    assert shown == [*range(100), *range(200, 300)]
    plain = model_card(clf, "me/model", None)
    assert "## Scores" not in plain and "metrics" not in plain


def test_what_is_no_report_or_not_fitted_is_refused_before_anything_is_sent(fitted, tmp_path):
    clf, _ = fitted
    with pytest.raises(NotFittedError):
        ZeroShotClassifier("emoji-tiny").push_to_hub("me/model")
    (tmp_path / "r.html").write_text("")
    with pytest.raises(ValueError, match="is no page of a report"):
        clf.push_to_hub("me/model", report=tmp_path / "r.html")
