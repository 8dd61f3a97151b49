"""Pseudo-labels of Gaussians on features."""

from __future__ import annotations

import numpy as np
import pytest

from sklift._classes import _pseudo_labels as module
from sklift._classes._pseudo_labels import pseudo_labels

CENTRES = np.random.default_rng(1).normal(size=(4, 6))


def draw(counts, spread, seed):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(counts)), counts)
    return CENTRES[codes] + spread * rng.normal(size=(len(codes), 6)), codes


def found(spread, counts=(3, 3, 3, 3), others=(200, 20, 20, 20), **changes):
    X, codes = draw(counts, spread, 0)
    more, true = draw(others, spread, 1)
    weights = changes.get("weights", np.ones(len(codes)))
    return pseudo_labels(X, codes, weights, more, 4), true


def test_clear_classes_are_found_and_count_a_quarter():
    found_labels, true = found(0.1)
    assert (found_labels.codes == true).all()
    np.testing.assert_allclose(found_labels.weights, 0.25, rtol=1e-6)


def test_the_mix_of_the_unlabeled_is_taken_into_account(monkeypatch):
    with_mix, true = found(1.0)
    expect = module._expect
    equal = np.full(4, 1 / 4)
    monkeypatch.setattr(module, "_expect", lambda gaussian, X, mix: expect(gaussian, X, equal))
    without, _ = found(1.0)
    right = [(labels.codes == true).mean() for labels in (with_mix, without)]
    assert right[0] > right[1] + 0.02


def test_rounds_learn_from_the_unlabeled(monkeypatch):
    many, true = found(0.9)
    monkeypatch.setattr(module, "N_ROUNDS", 1)
    one, _ = found(0.9)
    assert (many.codes == true).mean() > (one.codes == true).mean() + 0.02


def test_the_gaussians_learn_from_the_unlabeled(monkeypatch):
    alike = {"counts": (2, 2, 2, 2), "others": (60, 60, 60, 60)}  # the mix says nothing
    learned, true = found(0.5, **alike)
    monkeypatch.setattr(module, "WORTH", 0.0)
    without, _ = found(0.5, **alike)
    assert (learned.codes == true).mean() > (without.codes == true).mean() + 0.05


def test_labels_that_mean_nothing_are_not_trusted():
    """Of so many features, the Gaussians are sure of what they have seen."""
    X = np.random.default_rng(0).normal(size=(40, 30))
    more = np.random.default_rng(1).normal(size=(40, 30))
    labels = pseudo_labels(X, np.arange(40) % 4, np.ones(40), more, 4)
    assert labels.weights.max() < 0.25 * 0.3


def test_little_known_classes_give_little_weight():
    weights = found(3.0)[0].weights
    assert weights.max() < 0.25 * 0.7
    assert weights.min() >= 0


def test_single_labels_are_trusted_and_weights_count_as_copies():
    found_labels, true = found(0.1, counts=(1, 1, 1, 1))
    assert (found_labels.codes == true).all()
    X, codes = draw((3, 3, 3, 3), 1.0, 0)
    more, _ = draw((9, 9, 9, 9), 1.0, 1)
    twice = pseudo_labels(X, codes, np.full(12, 2.0), more, 4)
    copies = pseudo_labels(np.r_[X, X], np.r_[codes, codes], np.ones(24), more, 4)
    assert np.array_equal(twice.codes, copies.codes)


def test_a_class_without_labels_gets_none():
    X, codes = draw((3, 3, 0, 3), 1.0, 0)
    more, _ = draw((9, 9, 9, 9), 1.0, 1)
    labels = pseudo_labels(X, codes, np.ones(9), more, 4)
    assert 2 not in labels.codes and len(labels.codes) == 36
    assert np.isfinite(labels.weights).all()


@pytest.mark.parametrize("block", [7, 10**6])
def test_it_is_the_same_in_blocks(monkeypatch, block):
    whole = found(1.0)[0]
    monkeypatch.setattr(module, "BLOCK", block)
    parts = found(1.0)[0]
    assert np.array_equal(parts.codes, whole.codes)
    np.testing.assert_allclose(parts.weights, whole.weights)
