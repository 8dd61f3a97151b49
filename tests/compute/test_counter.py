"""A number that data-loading workers see change."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import torch

from sklift._compute._counter import shared_counter


def test_it_is_shared():
    assert shared_counter().is_shared() and shared_counter().shape == ()


def test_without_shared_memory_it_counts_all_the_same(monkeypatch):
    def full(self):
        raise RuntimeError("unable to write to file </torch_1>: No space left on device (28)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    counter = shared_counter()
    counter.fill_(3)
    assert int(counter) == 3 and not counter.is_shared()


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes there")
def test_fits_and_predictions_need_none():
    program = textwrap.dedent(
        """
        import resource, signal
        import numpy as np
        from sklift import LiftClassifier

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        X, y = np.eye(4), [0, 1] * 2
        expected = LiftClassifier("precomputed", max_epochs=2, random_state=0).fit(X, y).predict(X)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        clf = LiftClassifier("precomputed", max_epochs=2, random_state=0).fit(X, y)
        assert (clf.predict(X) == expected).all()
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
