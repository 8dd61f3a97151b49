"""What is copied, kept or compared grows no faster than the data: bytes and rows are counted.

``benchmarks/growth.py`` measures the same as time and memory.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from torch import nn

from sklift import ImageEmbedder, LiftClassifier
from sklift._classes._prompts import same_features
from sklift._core._lazy_rows import AT_ONCE, LazyRows
from sklift._net import EpochOrder
from sklift._net._columns import packed, unpacked
from sklift._store._memory import MemoryArrays
from sklift.backbones import OwnTower, _backbone
from sklift.backbones._emoji import load_emoji_tiny
from sklift.backbones._spec import BackboneSpec
from sklift.displays import SearchResultsDisplay
from sklift.displays._columns import label_probabilities
from sklift.heads import linear_probe_rows, subsample


def peak(function) -> int:
    """The most bytes of arrays and Python objects that a call adds."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def features(n: int, n_classes: int, width: int = 32):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, width), dtype=np.float32), np.arange(n) % n_classes


@pytest.mark.parametrize("method", ["decision_function", "predict_proba"])
def test_the_answer_is_in_memory_once(method):
    X, y = features(20_000, 50)
    clf = LiftClassifier("precomputed", max_epochs=1, batch_size=500, random_state=0)
    clf.fit(X[:1000], y[:1000])
    answer = getattr(clf, method)(X)
    assert len(answer) == len(X)
    assert peak(lambda: getattr(clf, method)(X)) < 1.3 * answer.nbytes


def test_features_are_in_memory_once():
    X = np.random.default_rng(0).integers(0, 256, (3_000, 8, 8, 3), dtype=np.uint8)
    half = (0.5, 0.5, 0.5)
    own = OwnTower(nn.Flatten(), 8, half, half)
    embedder = ImageEmbedder(own, batch_size=32, compute__cache=False).fit()
    features = embedder.transform(X)
    assert features.shape == (3_000, 192)
    assert peak(lambda: embedder.transform(X)) < 1.6 * features.nbytes


@pytest.mark.parametrize("init", ["class_mean", "random"])
def test_a_fit_reads_features_in_parts(monkeypatch, init):
    X, y = features(30_000, 400)
    read = LazyRows.__getitem__
    sizes = []

    def counting(rows, index):
        sizes.append(read(rows, index).size)
        return read(rows, index)

    monkeypatch.setattr(LazyRows, "__getitem__", counting)
    head = LiftClassifier("precomputed", head="whitened_cosine", init=init, max_epochs=1)
    head.set_params(batch_size=10_000).fit(X, y)
    assert max(sizes) <= 4 * AT_ONCE < X.size < sum(sizes)


def test_probabilities_are_in_memory_once_while_a_prior_is_estimated():
    X, y = features(6_000, 300)
    clf = LiftClassifier("precomputed", max_epochs=1, batch_size=500, random_state=0)
    clf.fit(X[:1000], y[:1000])
    clf.estimate_prior(X[:500])
    assert peak(lambda: clf.estimate_prior(X)) < 1.6 * len(X) * 300 * 4


def test_a_linear_probe_keeps_no_number_for_each_row_and_class(monkeypatch):
    X, y = features(4_000, 200, 8)
    monkeypatch.setattr("sklift.heads._probe._MOST", 1 << 14)
    used = peak(lambda: linear_probe_rows(X, y, 200))
    assert used < len(X) * 200 * 4 / 2


def test_a_history_is_stored_as_columns():
    """A checkpoint of each epoch holds as many values after a thousand epochs as after ten."""

    def n_objects(value) -> int:
        parts = value.values() if isinstance(value, dict) else value
        return 1 + (sum(map(n_objects, parts)) if isinstance(value, (dict, list)) else 0)

    def row(i):
        return {"batches": [{}] * i, "epoch": i, "loss": np.float64(1 / i), "best": np.True_}

    stored = [packed([row(i) for i in range(1, n + 1)]) for n in (10, 1000)]
    assert n_objects(stored[0]) == n_objects(stored[1])
    plain = [{"epoch": i, "loss": 1 / i, "best": True} for i in range(1, 11)]
    assert unpacked(stored[0]) == plain
    assert [type(v) for v in unpacked(stored[0])[0].values()] == [int, float, bool]
    odd = [{"a": 1, "b": float("inf")}, {"a": 2.5, "c": "text"}, {}]
    assert unpacked(packed(odd)) == odd and packed([]) == {"n": 0, "columns": {}, "rest": []}


def test_read_only_features_are_not_copied():
    X, y = features(20_000, 10)
    clf = LiftClassifier("precomputed", max_epochs=1, batch_size=500, random_state=0)
    expected = clf.fit(X, y).predict(X)
    X.flags.writeable = False
    assert peak(lambda: clf.predict(X)) < X.nbytes / 2
    assert peak(lambda: clf.fit(X, y)) < X.nbytes / 2 + 8 * AT_ONCE
    np.testing.assert_array_equal(clf.predict(X), expected)


def test_an_order_is_made_of_numbers_a_few_at_a_time():
    n = 100_000
    assert peak(lambda: all(i >= 0 for i in EpochOrder(n, 0))) < 12 * n


def test_a_draw_takes_few_arrays_as_long_as_the_labels():
    y = np.arange(200_000) % 3_000
    assert peak(lambda: subsample(y, 20, 0)) < 4.5 * y.nbytes
    kept = subsample(y, 20, 0)
    assert (np.bincount(y[kept]) == 20).all() and (np.diff(kept) > 0).all()


def test_passes_share_the_history():
    X, y = features(8, 2)
    clf = LiftClassifier("precomputed", random_state=0, max_epochs=3).fit(X, y)
    for _ in range(3):
        clf.partial_fit(X, y)
    before, rows = clf.history_, list(clf.net_.history)
    clf.partial_fit(X, y)
    assert len(clf.history_) == len(clf.net_.history) == 7
    assert all(one is other for one, other in zip(before, clf.history_, strict=False))
    # the last pass alone has records of its batches
    assert all(one is other for one, other in zip(rows[:-1], clf.net_.history, strict=False))
    assert [len(row["batches"]) for row in clf.net_.history] == [0] * 6 + [1]
    assert [row["epoch"] for row in clf.net_.history] == list(range(1, 8))


class TestTexts:
    @pytest.fixture
    def backbone(self):
        return load_emoji_tiny(BackboneSpec("emoji-tiny"))

    def test_they_are_encoded_a_few_at_a_time(self, backbone, monkeypatch):
        groups = [[f"{name} {k}" for k in range(3)] for name in ("cat", "dog", "fox", "owl")]
        expected = backbone.encode_texts([t for own in groups for t in own]).reshape(4, 3, -1)
        sizes = []
        encode = type(backbone.text).encode

        def counting(text, texts):
            sizes.append(len(texts))
            return encode(text, texts)

        monkeypatch.setattr(type(backbone.text), "encode", counting)
        monkeypatch.setattr(_backbone, "_TEXTS_AT_ONCE", 7)
        means = backbone.mean_texts([*groups, groups[0]])
        assert sizes == [6, 6]  # and the last group is known
        np.testing.assert_allclose(means, expected.mean(1)[[0, 1, 2, 3, 0]], atol=1e-6)

    def test_few_features_are_kept(self, backbone):
        backbone._texts = MemoryArrays(10 * 128 * 4)
        rows = [backbone.encode_texts([f"{i} cats"]) for i in range(30)]
        assert backbone._texts.n_bytes == 10 * 128 * 4
        np.testing.assert_allclose(backbone.encode_texts(["0 cats"]), rows[0], atol=1e-6)

    def test_names_are_looked_through_in_parts(self, backbone, monkeypatch):
        text, sizes = backbone.text, []

        def tokenizer(some, **settings):
            sizes.append(len(some))
            return text.tokenizer(some, **settings)

        counting = type(text)(text.model, tokenizer)
        assert counting.unread(["cat", "\u72d0", "dog", "\u718a"], batch_size=2) == [
            "\u72d0",
            "\u718a",
        ]
        assert max(sizes) == 2


def test_same_features_are_not_looked_for_in_pairs():
    rows = np.random.default_rng(0).normal(size=(10_000, 16)).astype(np.float32)
    rows[9_000] = 3 * rows[5]
    rows[[70, 800]] = rows[7] * (1 + 1e-7)
    assert same_features(rows) == [[5, 9_000], [7, 70, 800]]
    assert peak(lambda: same_features(rows)) < 12 << 20  # of all pairs, a tenth: 80 MB
    assert same_features(rows[:1].repeat(500, axis=0)) == [list(range(500))]


def test_a_map_of_a_random_search_is_bounded():
    rng = np.random.default_rng(0)
    values, score = rng.uniform(1, 2, size=(2, 1_000)), rng.random(1_000)
    found = {"param_a": values[0], "param_b": values[1], "mean_test_score": score}
    display = SearchResultsDisplay.from_cv_results(found)
    assert display.scores.shape == (200, 200)
    row, column = display.best
    assert display.scores[row, column] == np.nanmax(display.scores) == score.max()
    low, high = map(float, display.x_values[column].split(" to "))
    assert low - 1e-3 <= values[0][score.argmax()] <= high + 1e-3


def test_probabilities_are_not_copied():
    y_proba = np.full((1_000, 200), 0.005, np.float32)
    y, labels = np.arange(1_000) % 200, np.arange(200)
    assert peak(lambda: label_probabilities(y_proba, y, y, labels)) < y_proba.nbytes / 2
    y_proba[3, 5] = np.nan
    with pytest.raises(ValueError, match="must be probabilities"):
        label_probabilities(y_proba, y, y, labels)
