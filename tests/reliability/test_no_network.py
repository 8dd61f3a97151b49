"""Importing everything, and working with the embedded backbone, asks for no network."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib, pkgutil, sys

def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"network: {event} {args}")

sys.addaudithook(hook)
import sklift

for module in pkgutil.walk_packages(sklift.__path__, "sklift."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

import numpy as np
X = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3), dtype=np.uint8)
clf = sklift.LiftClassifier("emoji-tiny", max_epochs=1).fit(X, ["red fox", "black cat"] * 3)
print(len(clf.predict(X)))
"""


def test_no_network():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr
