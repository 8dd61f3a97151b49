"""Predictions in bfloat16 are those in float32, but for near ties."""

from __future__ import annotations

import numpy as np
import pytest

from sklift import LiftClassifier
from sklift.datasets import load_emoji


@pytest.mark.parametrize("adapter", ["adaptformer", None])
def test_the_same_class(adapter):
    X, y = load_emoji("train", return_X_y=True)
    X_test, y_test = load_emoji("test", return_X_y=True)
    clf = LiftClassifier("emoji-tiny", adapter=adapter, max_epochs=1, batch_size=32, random_state=0)
    clf.fit(X, y)
    found = [clf.set_params(compute__precision=p).predict(X_test) for p in ("float32", "bfloat16")]
    assert np.mean(found[0] == found[1]) >= 0.99
    assert np.mean(found[0] == y_test) > 0.2  # of some hundred classes: there is something to tell
