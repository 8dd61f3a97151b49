"""References beside models: written, read, and refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sklift._commands._reference import (
    Reference,
    read_reference,
    reference_beside,
    write_reference,
)


def proba(n):
    return np.random.default_rng(0).dirichlet([4, 2, 1], n)


def test_it_is_read_as_it_was_written(tmp_path):
    model = tmp_path / "m.safetensors"
    assert write_reference(proba(50), model, "this")
    found, expected = read_reference(model, "this", 3), Reference.of(proba(50))
    np.testing.assert_array_equal(found.counts, np.bincount(proba(50).argmax(axis=1)))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
    assert read_reference(model, "other", 3) is None
    assert read_reference(tmp_path / "another.safetensors", "this", 3) is None
    assert not write_reference(proba(9), model, "this")  # too few, of a model of the same name
    assert not reference_beside(model).exists()
    assert not write_reference(None, model, "this")


def test_its_size_is_bounded():
    found = Reference.of(proba(9000))
    assert len(found.probabilities) == 2000 and found.counts.sum() == 9000
    assert found.probabilities[[0, -1]].tolist() == [
        proba(9000).max(axis=1).min(),
        proba(9000).max(),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": [1, 2]},
        {"counts": [-1, 2, 3]},
        {"counts": [0, 0, 0]},
        {"counts": "many"},
        {"counts": [1e400, 1, 1]},
        {"probabilities": [float("nan")]},
        {"probabilities": []},
        {"probabilities": [[0.5]]},
        {"probabilities": None},
    ],
    ids=str,
)
def test_what_is_none(tmp_path, changes):
    model = tmp_path / "m.safetensors"
    content = {"counts": [1, 2, 3], "probabilities": [0.5], "model": "this"}
    reference_beside(model).write_text(json.dumps(content))
    assert read_reference(model, "this", 3) is not None
    reference_beside(model).write_text(json.dumps(content | changes))
    with pytest.raises(ValueError, match=r"m\.reference\.json is no reference of a model"):
        read_reference(model, "this", 3)
