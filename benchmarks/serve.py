"""Load on `sklift serve`: many clients at a time, whose answers are compared with `predict_proba`.

    python benchmarks/serve.py --minutes 3
    python benchmarks/serve.py --model m.safetensors --pictures photos --clients 32

Without a model, the small tower of the package is trained on emoji, for a minute. It prints
requests per second, times, the memory of the service at the start, in the middle and at the end,
and how many answers were wrong; it ends with 1 if one was, or one was no answer.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from array import array
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from sklift import LiftClassifier
from sklift.datasets import list_images, load_emoji

# Differences of probabilities: batches of other sizes are rounded otherwise.
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.02, "float16": 0.005}
WARM = 0.1  # of the time, before memory is looked at


def trained(folder: Path) -> Path:
    """A model of emoji."""
    X, y = load_emoji("train", return_X_y=True)
    clf = LiftClassifier("emoji-tiny", max_epochs=2, batch_size=32, random_state=0).fit(X, y)
    clf.save(folder / "emoji.safetensors")
    return folder / "emoji.safetensors"


def emoji() -> list[bytes]:
    """Contents of files: PNG and JPEG."""
    contents = []
    for i, image in enumerate(load_emoji("test").images[:400]):
        file = io.BytesIO()
        Image.fromarray(image).save(file, ("PNG", "JPEG")[i % 2])
        contents.append(file.getvalue())
    return contents


def form(contents: list[bytes]) -> tuple[bytes, str]:
    """The body of a request, and its content type."""
    mark = uuid.uuid4().hex.encode()
    head = b'--%s\r\nContent-Disposition: form-data; name="pictures"; filename="%d"\r\n\r\n'
    parts = [head % (mark, i) + content + b"\r\n" for i, content in enumerate(contents)]
    return b"".join(
        [*parts, b"--%s--\r\n" % mark]
    ), f"multipart/form-data; boundary={mark.decode()}"


class Service:
    """`sklift serve` in a process of its own."""

    def __init__(self, model: Path):
        command = [sys.executable, "-m", "sklift", "serve", str(model), "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            print(f"  {line.rstrip()}", flush=True)
            if line.startswith("serving "):
                self.port = int(line.rsplit(":", 1)[1])
                break
        else:
            sys.exit("the service did not start")
        threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self) -> None:
        for line in self.process.stderr:
            print(f"  service: {line.rstrip()}", flush=True)

    def memory(self) -> float:
        """Resident memory in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20

    def stop(self) -> float:
        """Seconds that it takes to end."""
        start = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.perf_counter() - start


class Clients:
    """Threads that send pictures and compare the answers."""

    def __init__(self, port: int, contents: list[bytes], clf):
        self.port, self.contents = port, contents
        self.proba = clf.predict_proba(contents)
        self.tolerance = TOLERANCE[clf.precision_]
        self.column = {label: k for k, label in enumerate(clf.classes_.tolist())}
        self.seconds, self.seen = array("f"), Counter()
        self.lock = threading.Lock()

    def work(self, seed: int, deadline: float) -> None:
        rng, connection = random.Random(seed), None
        while time.perf_counter() < deadline:
            chosen = [rng.randrange(len(self.contents)) for _ in range(rng.choice((1, 1, 2, 4)))]
            body, kind = form([self.contents[i] for i in chosen])
            start = time.perf_counter()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, 60)
                connection.request("POST", "/predict", body, {"Content-Type": kind})
                response = connection.getresponse()
                status, answer = response.status, json.loads(response.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection, status, answer = None, type(error).__name__, None
            took = time.perf_counter() - start
            if status == 503:
                time.sleep(float(response.headers["Retry-After"]))
            wrong = 0
            if status == 200:
                rows = answer["predictions"]
                wrong = sum(not self.right(i, row) for i, row in zip(chosen, rows, strict=True))
            with self.lock:
                self.seen[status] += 1
                self.seen["pictures"] += len(chosen) * (status == 200)
                self.seen["wrong"] += wrong
                if status == 200:
                    self.seconds.append(took)

    def right(self, i: int, row: dict) -> bool:
        """Whether an answer is the label, or one as probable, with the same probabilities."""
        if row["error"] is not None:
            return False
        expected = self.proba[i]
        told = [(expected[self.column[label]], p) for label, p in row["top"]]
        alike = all(abs(known - p) < self.tolerance for known, p in told)
        return alike and told[0][0] > expected.max() - self.tolerance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, help="file of a model (default: trained on emoji)")
    parser.add_argument("--pictures", type=Path, help="folder to send (default: emoji)")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(load(options, Path(folder)))


def load(options, folder: Path) -> int:
    model = options.model or trained(folder)
    contents = emoji()
    if options.pictures is not None:
        contents = [Path(path).read_bytes() for path in list_images(options.pictures)[:400]]
    clf = LiftClassifier.load(model)
    service = Service(model)
    try:
        clients = Clients(service.port, contents, clf)
        start = time.perf_counter()
        total = 60 * options.minutes
        threads = [
            threading.Thread(target=clients.work, args=(seed, start + total))
            for seed in range(options.clients)
        ]
        for thread in threads:
            thread.start()
        memory = []
        for moment in (WARM, 0.5, 0.99):
            time.sleep(max(0.0, start + moment * total - time.perf_counter()))
            memory.append(service.memory())
        for thread in threads:
            thread.join()
        took = time.perf_counter() - start
    finally:
        ended = service.stop()
    seen, seconds = clients.seen, np.array(clients.seconds)
    failed = {k: n for k, n in seen.items() if k not in (200, 503, "pictures", "wrong")}
    print(f"{options.clients} clients, {took / 60:.1f} minutes, {seen[200]:,} answers")
    print(f"{seen[200] / took:.1f} requests/s, {seen['pictures'] / took:.1f} pictures/s")
    if len(seconds):
        middle, most = 1000 * np.percentile(seconds, [50, 99])
        print(f"p50 {middle:.0f} ms, p99 {most:.0f} ms, longest {1000 * seconds.max():.0f} ms")
    print(
        "memory at the start, in the middle, at the end: " + ", ".join(f"{m:.0f}" for m in memory)
    )
    print(f"turned away (503): {seen[503]}, failed: {failed or 0}, wrong: {seen['wrong']}")
    print(f"ended within {ended:.1f} s of SIGTERM")
    return int(bool(seen["wrong"] or failed or not seen[200]))


if __name__ == "__main__":
    main()
