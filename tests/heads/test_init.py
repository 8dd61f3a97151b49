from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from sklift.heads import (
    class_mean_rows,
    linear_probe_rows,
    random_rows,
    subsample,
    text_rows,
)

TENSORS = load_file(Path(__file__).parents[1] / "reference" / "headinit.safetensors")
FROM_FEATURES = [class_mean_rows, linear_probe_rows]


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [20, 8, 3])
    features = rng.normal(size=(31, 6)) + 3 * np.eye(6)[y]
    return features.astype(np.float32), y


def assert_unit(rows, shape):
    assert rows.shape == shape and rows.dtype == torch.float32 and rows.device.type == "cpu"
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))


def test_class_mean_of_the_authors_code():
    rows = class_mean_rows(TENSORS["features_plain"], TENSORS["labels"], n_classes=7)
    torch.testing.assert_close(rows, TENSORS["head_class_mean"], rtol=1e-5, atol=1e-6)


def test_linear_probe_of_the_authors_code():
    rows = linear_probe_rows(TENSORS["features_plain"], TENSORS["labels"], n_classes=7)
    cosine = F.cosine_similarity(rows, TENSORS["head_linear_probe"])
    assert cosine.min() > 0.999


@pytest.mark.parametrize("rows_of", FROM_FEATURES)
def test_arrays_of_any_kind(rows_of, samples):
    features, y = samples
    expected = rows_of(features, y, 3)
    assert_unit(expected, (3, 6))
    read_only = features.copy()
    read_only.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for again in (
            rows_of(read_only, y.tolist(), 3),
            rows_of(torch.tensor(features, requires_grad=True), torch.tensor(y), 3),
            rows_of(features.astype(np.float64), y.astype(np.int32), 3),
        ):
            assert not again.requires_grad
            torch.testing.assert_close(again, expected, rtol=1e-3, atol=1e-3)
    assert_unit(rows_of(torch.tensor(features).bfloat16(), y, 3), (3, 6))


@pytest.mark.parametrize("rows_of", FROM_FEATURES)
def test_absent_classes_get_fixed_distinct_rows(rows_of, samples):
    features, y = samples
    names = np.array([1, 4, 5])
    rows = rows_of(features, names[y], 7)
    assert_unit(rows, (7, 6))
    torch.testing.assert_close(rows[names], rows_of(features, y, 3))
    absent = [0, 2, 3, 6]
    assert torch.equal(rows_of(features + 1, names[y], 7)[absent], rows[absent])
    assert len(rows[absent].unique(dim=0)) == 4


@pytest.mark.parametrize("rows_of", FROM_FEATURES)
def test_a_class_of_weight_zero_is_absent(rows_of, samples):
    features, y = samples
    kept = y != 1
    weighted = rows_of(features, y, 3, sample_weight=kept.astype(float))
    torch.testing.assert_close(weighted, rows_of(features[kept], y[kept], 3))


def test_sample_weight_of_two_is_the_sample_twice(samples):
    features, y = samples
    weight = np.resize([1, 2, 3], len(y))
    torch.testing.assert_close(
        class_mean_rows(features, y, 3, weight),
        class_mean_rows(features.repeat(weight, 0), y.repeat(weight), 3),
    )


def test_linear_probe_separates_the_classes(samples):
    features, y = samples
    logits = torch.tensor(features) @ linear_probe_rows(features, y, 3).T
    assert (logits.argmax(1).numpy() == y).mean() > 0.9


@pytest.mark.parametrize("weighted", [False, True])
def test_linear_probe_is_the_regression_of_scikit_learn(monkeypatch, weighted):
    monkeypatch.setattr("sklift.heads._probe._MOST", 64)  # many parts
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 5)), np.repeat([0, 1, 2, 4], [50, 20, 15, 5])
    weight = rng.choice([0, 0.5, 2], 90) if weighted else np.ones(90)
    kept = weight > 0
    balanced = weight[kept].sum() / (4 * np.bincount(y[kept], weight[kept]).clip(1e-9))
    probe = LogisticRegression(tol=1e-8, max_iter=1000)
    probe.fit(X[kept], y[kept], sample_weight=weight[kept] * balanced[y[kept]])
    expected = F.normalize(torch.from_numpy(probe.coef_)).float()
    rows = linear_probe_rows(X, y, 5, sample_weight=weight)
    torch.testing.assert_close(rows[[0, 1, 2, 4]], expected, rtol=0, atol=1e-3)


def test_linear_probe_of_two_classes_is_antisymmetric(samples):
    features, y = samples
    rows = linear_probe_rows(features[y < 2], y[y < 2], 2)
    torch.testing.assert_close(rows[0], -rows[1])
    logits = torch.tensor(features[y < 2]) @ rows.T
    assert (logits.argmax(1).numpy() == y[y < 2]).mean() > 0.9


def test_linear_probe_of_one_class_or_one_sample_each(samples):
    features, y = samples
    torch.testing.assert_close(
        linear_probe_rows(features[:20], y[:20], 3), class_mean_rows(features[:20], y[:20], 3)
    )
    first = [0, 20, 28]
    assert_unit(linear_probe_rows(features[first], y[first], 3), (3, 6))


def test_linear_probe_does_not_warn_when_it_stops_early():
    rng = np.random.default_rng(0)
    features = 1e3 * rng.normal(size=(60, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear_probe_rows(features, rng.integers(0, 4, 60), 4)


def test_text_rows_follow_the_formula():
    rng = torch.Generator().manual_seed(0)
    text = torch.randn(4, 3, 5, generator=rng)
    proj = torch.randn(8, 5, generator=rng)
    expected = F.normalize(F.normalize(text, dim=-1).mean(1) @ proj.T, dim=-1)
    torch.testing.assert_close(text_rows(text, proj), expected)
    assert_unit(text_rows(text, proj), (4, 8))
    torch.testing.assert_close(text_rows(text.numpy(), proj.numpy()), expected)
    # one prompt: with and without its axis; another number of prompts for each class
    torch.testing.assert_close(text_rows(text[:, 0], proj), text_rows(text[:, :1], proj))
    ragged = text_rows([text[0], text[1, :1]], proj)
    torch.testing.assert_close(ragged[0], expected[0])
    torch.testing.assert_close(ragged[1], text_rows(text[:, 0], proj)[1])


def test_random_rows_follow_their_generator():
    def draw(seed):
        return random_rows(5, 9, torch.Generator().manual_seed(seed))

    assert_unit(draw(0), (5, 9))
    assert torch.equal(draw(0), draw(0)) and not torch.equal(draw(0), draw(1))
    torch.manual_seed(3)
    uniform = torch.empty(5, 9).uniform_(-1, 1)
    torch.manual_seed(3)
    torch.testing.assert_close(random_rows(5, 9), F.normalize(uniform, dim=1))


def test_subsample_keeps_at_most_so_many_of_each_class():
    y = np.random.default_rng(0).permutation(np.repeat(["a", "b", "c"], [50, 7, 3]))
    kept = subsample(y, max_per_class=7, random_state=0)
    names, counts = np.unique(y[kept], return_counts=True)
    assert dict(zip(names, counts, strict=True)) == {"a": 7, "b": 7, "c": 3}
    assert (np.diff(kept) > 0).all()
    assert np.array_equal(kept, subsample(y, 7, random_state=0))
    assert not np.array_equal(kept, subsample(y, 7, random_state=1))
    assert np.array_equal(subsample(y), np.arange(60))


def test_subsample_draws_every_sample_with_the_same_chance():
    y = np.repeat([0, 1], [10, 5])
    rng = np.random.RandomState(0)
    drawn = np.bincount(np.concatenate([subsample(y, 5, rng) for _ in range(400)]), minlength=15)
    assert (drawn[10:] == 400).all()
    assert 150 < drawn[:10].min() <= drawn[:10].max() < 250


@pytest.mark.parametrize("rows_of", FROM_FEATURES)
def test_wrong_samples(rows_of, samples):
    features, y = samples
    with pytest.raises(ValueError, match=r"got \(31, 6\) and \(30,\)"):
        rows_of(features, y[:30], 3)
    with pytest.raises(ValueError, match=r"class indices in 0..1; got values from 0 to 2"):
        rows_of(features, y, 2)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(2,\), expected \(31,\)"):
        rows_of(features, y, 3, sample_weight=[1, 2])
