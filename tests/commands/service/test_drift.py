"""The latest predictions, compared with training and with held-out pictures."""

from __future__ import annotations

import numpy as np
import pytest

from sklift._commands._reference import Reference
from sklift._commands._service._drift import FEWEST, Window, p_of_counts

TRAINED = np.array([0.6, 0.3, 0.1])


def draws(mix, n, seed, sureness=3.0):
    """Probabilities of samples from a mix, right under equal shares."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, n, p=mix)
    logits = sureness * np.eye(3)[codes] + rng.normal(size=(n, 3)) * np.sqrt(sureness)
    proba = np.exp(logits)
    return proba / proba.sum(axis=1, keepdims=True)


def window(proba, size=1000, reference=None):
    found = Window(size, np.full(3, 1 / 3), TRAINED, reference)
    for some in np.array_split(proba, 7):
        found.add(some)
    return found


def test_the_mix_of_new_pictures_is_estimated():
    same = window(draws(TRAINED, 1000, 0)).drift()
    np.testing.assert_allclose(same.mix, TRAINED, atol=0.06)
    assert same.distance < 0.06 and same.n == 1000
    assert same.p_labels is None and same.p_probability is None
    other = window(draws([0.1, 0.3, 0.6], 1000, 1)).drift()
    assert other.distance == pytest.approx(0.5, abs=0.06)


def test_a_mix_of_impossible_classes_is_no_error():
    proba = np.repeat([[1.0, 0, 0], [0, 1, 0]], 100, axis=0)
    np.testing.assert_allclose(window(proba).drift().mix, [0.5, 0.5, 0], atol=1e-3)


def test_changes_are_found_and_no_change_is_not():
    reference = Reference.of(draws(TRAINED, 3000, 2))
    found = {
        "same": window(draws(TRAINED, 1000, 3), reference=reference).drift(),
        "mix": window(draws([0.3, 0.6, 0.1], 1000, 4), reference=reference).drift(),
        "blur": window(draws(TRAINED, 1000, 5, sureness=1.5), reference=reference).drift(),
    }
    assert min(found["same"].p_labels, found["same"].p_probability) > 0.01
    assert found["mix"].p_labels < 1e-6
    assert found["blur"].p_probability < 1e-6


def test_p_values_are_as_large_as_they_say():
    """Of comparisons without a change, one in twenty is below 0.05: binomial bounds of 200."""
    rng = np.random.default_rng(0)
    mix = 1 / np.arange(1, 201) ** 1.5  # most classes are too rare to count by themselves
    mix /= mix.sum()
    p = [p_of_counts(rng.multinomial(500, mix), rng.multinomial(60, mix)) for _ in range(200)]
    assert 2 <= np.sum(np.array(p) < 0.05) <= 18


def test_the_oldest_predictions_go():
    old, new = draws([0.9, 0.05, 0.05], 500, 6), draws([0.05, 0.05, 0.9], 220, 7)
    found = window(np.concatenate([old, new]), size=200).drift()
    assert found.n == 200
    expected = window(new[-200:], size=200).drift().mix
    np.testing.assert_allclose(found.mix, expected, atol=1e-6)


def test_few_predictions_say_nothing_and_few_new_ones_change_nothing():
    new = window(draws(TRAINED, FEWEST - 1, 8))
    assert new.drift().mix is None and new.drift().n == FEWEST - 1
    new.add(draws(TRAINED, 51, 9))
    first = new.drift()
    assert first.n == 150
    new.add(draws(TRAINED, 49, 10))
    assert new.drift() is first
    new.add(draws(TRAINED, 1, 11))
    assert new.drift().n == 200


def test_a_model_without_a_mix_has_tests_alone():
    reference = Reference.of(draws(TRAINED, 300, 12))
    unknown = Window(200, None, None, reference)
    unknown.add(draws(TRAINED, 200, 13))
    found = unknown.drift()
    assert found.mix is None and found.distance is None and found.p_labels > 0.001


def test_one_class_alone_is_no_difference():
    assert p_of_counts(np.array([0, 50]), np.array([0, 9])) == 1.0
