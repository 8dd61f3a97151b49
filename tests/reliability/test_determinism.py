"""The same data, parameters and ``random_state`` give the same weights, bit by bit, on a CPU."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from functools import partial

import joblib
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from torchvision.transforms import v2

from sklift import ImageEmbedder, LiftClassifier
from sklift._store._cache import Cache

VARIANTS = {
    "default": {},
    "random head": {"init": "random", "head": "linear", "adapter": "lora"},
    "class means": {"init": "class_mean", "adapter": ["vpt", "ssf"], "optimizer": "adamw"},
    "linear probe": {"init": "linear_probe", "sampler": "balanced", "loss": "lade"},
    "held out": {"early_stopping": True, "validation_fraction": 0.3, "adapter": "sparse"},
    "own transform": {
        "augmentation": v2.Compose([v2.RandomResizedCrop(40)]),
        "compute__accumulate": 2,
    },
    "fixed views": {"adapter": None, "augmentation": "fixed"},
}


def weights(clf) -> dict[str, torch.Tensor]:
    return clf.model_.trained_state()


def is_same(one, other) -> bool:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture(params=VARIANTS)
def make(request, quick):
    return lambda **params: quick(**{**VARIANTS[request.param], **params})


@pytest.fixture(scope="module")
def files(shapes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{i}.png" for i in range(len(shapes[0]))]
    for path, picture in zip(paths, shapes[0], strict=True):
        Image.fromarray(picture).save(path)
    return paths


@pytest.fixture
def memory(monkeypatch):
    """An empty cache of features in place of that of the process."""
    memory = Cache.in_memory()
    monkeypatch.setattr("sklift._store._cache._of_process", memory)
    return memory


class TestTheSame:
    def test_again_and_not_with_another_seed(self, make, shapes):
        clf = make().fit(*shapes)
        assert is_same(clf, make().fit(*shapes))
        assert is_same(clf, clone(clf).fit(*shapes))
        assert not is_same(clf, make(random_state=1).fit(*shapes))

    @pytest.mark.parametrize("num_workers", [1, 2])
    def test_workers(self, make, shapes, num_workers):
        expected = make(max_epochs=3).fit(*shapes)
        clf = make(max_epochs=3, compute__num_workers=num_workers).fit(*shapes)
        assert is_same(clf, expected)

    def test_a_bar(self, make, shapes):
        assert is_same(make(verbose=1).fit(*shapes), make().fit(*shapes))

    def test_files_or_arrays_or_images(self, make, shapes, files):
        expected = make().fit(*shapes)
        assert is_same(make().fit(files, shapes[1]), expected)
        pictures = [Image.fromarray(picture) for picture in shapes[0]]
        assert is_same(make().fit(pictures, shapes[1]), expected)

    def test_caches_cold_or_warm(self, make, shapes, files, memory, monkeypatch):
        without = make(compute__cache=False).fit(files, shapes[1])
        for _ in range(2):
            assert is_same(make().fit(files, shapes[1]), without)
        for store in (memory.features, memory.pictures, memory.tokens):  # nothing is kept
            monkeypatch.setattr(store, "max_bytes", 0)
        assert is_same(make().fit(files, shapes[1]), without)

    def test_a_cache_in_a_folder(self, make, shapes, memory, tmp_path):
        expected = make(compute__cache=False).fit(*shapes)
        for _ in range(2):
            assert is_same(make(compute__cache=tmp_path).fit(*shapes), expected)

    def test_checkpoints(self, make, shapes, tmp_path):
        clf = make(checkpoint=tmp_path, checkpoint__minutes=0).fit(*shapes)
        assert is_same(clf, make().fit(*shapes))

    def test_random_states_of_others(self, make, shapes):
        """They make no difference, and are as before afterwards."""
        expected = make().fit(*shapes)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            random.seed(7), np.random.seed(7), torch.default_generator.manual_seed(7)
            before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
            clf = make().fit(*shapes)
            clf.predict(shapes[0])
            assert random.getstate() == before[0]
            assert np.array_equal(np.random.get_state()[1], before[1])
            assert torch.equal(torch.get_rng_state(), before[2])
        finally:
            random.setstate(states[0]), np.random.set_state(states[1])
            torch.set_rng_state(states[2])
        assert is_same(clf, expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("n_known", [1, 8, 16, 21, 22, 23])
def test_a_cache_that_knows_some_of_the_pictures(quick, shapes, memory, n_known, precision):
    """Those that are missing come in batches of other sizes, down to one."""
    params = {
        "init": "class_mean",
        "adapter": None,
        "augmentation": None,
        "compute__precision": precision,
    }
    make = partial(quick, **params)
    expected = make(compute__cache=False).fit(*shapes)
    ImageEmbedder("emoji-tiny", compute__precision=precision).fit().transform(shapes[0][-n_known:])
    # small batches are not kept
    assert memory.features.n_bytes == (n_known if n_known >= 8 else 0) * 192 * 4
    assert is_same(make().fit(*shapes), expected)


def test_a_transform_with_parameters_of_its_own(quick, shapes, tmp_path):
    """Torchvision's classes have a ``get_params`` that is not scikit-learn's."""
    make = partial(quick, augmentation=v2.RandomResizedCrop(40))
    assert is_same(make(checkpoint=tmp_path).fit(*shapes), make().fit(*shapes))


def test_precomputed_features(shapes):
    X = ImageEmbedder("emoji-tiny", compute__precision="float32").fit_transform(shapes[0])
    for params in ({}, {"adapter": "feature", "init": "random"}, {"init": "linear_probe"}):
        params = {"head": "cosine", "batch_size": 8, "random_state": 0, **params}
        clf = LiftClassifier("precomputed", **params)
        one = clone(clf).fit(X, shapes[1])
        assert is_same(one, clone(clf).set_params(compute__num_workers=2).fit(X, shapes[1]))
        assert not is_same(one, clone(clf).set_params(random_state=1).fit(X, shapes[1]))


def test_partial_fit(quick, shapes):
    X, y = shapes

    def passes(**params):
        clf = quick(**params)
        for part in (slice(None, None, 2), slice(1, None, 2), slice(None)):
            clf.partial_fit(X[part], y[part], classes=np.unique(y))
        return clf

    assert is_same(passes(), passes(compute__num_workers=2))
    assert not is_same(passes(), passes(random_state=1))


@pytest.mark.slow
def test_loading_a_backbone_draws_nothing():
    program = """
        import torch
        from sklift import ImageEmbedder
        before = torch.get_rng_state()
        ImageEmbedder("emoji-tiny").fit()
        assert torch.equal(before, torch.get_rng_state())
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


PROGRAM = textwrap.dedent(
    """
    import sys
    import joblib, torch

    make, data, out = joblib.load(sys.argv[1])
    torch.save([clf.fit(*data).model_.trained_state() for clf in make], out)
    """
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [{"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "12345", "LC_ALL": "C"}, {"TZ": "Asia/Tokyo"}],
    ids=str,
)
def test_processes(quick, shapes, tmp_path, environment):
    own = {name: p for name, p in VARIANTS.items() if name != "own transform"}
    estimators = [quick(**params) for params in own.values()]
    joblib.dump((estimators, shapes, str(tmp_path / "out.pt")), tmp_path / "in.joblib")
    limits = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "in.joblib")],
        env={**os.environ, **limits, **environment},
        check=True,
    )
    for clf, theirs in zip(estimators, torch.load(tmp_path / "out.pt"), strict=True):
        ours = weights(clf.fit(*shapes))
        assert all(torch.equal(ours[name], theirs[name]) for name in ours | theirs)


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_jobs(quick, shapes, n_jobs):
    def fit_elsewhere(clf, X, y):  # sent by value: workers need not find this module
        torch.set_num_threads(1)
        return clf.fit(X, y)

    estimators = [quick(random_state=seed) for seed in range(3)]
    calls = (joblib.delayed(fit_elsewhere)(clone(clf), *shapes) for clf in estimators)
    n_threads = torch.get_num_threads()
    try:
        found = joblib.Parallel(n_jobs=n_jobs)(calls)
        torch.set_num_threads(1)
        for clf, other in zip(estimators, found, strict=True):
            assert is_same(clf.fit(*shapes), other)
    finally:
        torch.set_num_threads(n_threads)


def test_threads_of_torch_are_close(quick, shapes):
    """Sums are made of other parts then: nearly the same, which is all that is promised."""
    n_threads = torch.get_num_threads()
    try:
        probabilities = []
        for n in (1, 2):
            torch.set_num_threads(n)
            probabilities.append(quick().fit(*shapes).predict_proba(shapes[0]))
    finally:
        torch.set_num_threads(n_threads)
    np.testing.assert_allclose(*probabilities, atol=1e-4)


def test_a_batch_of_another_size_predicts_nearly_the_same(fitted, shapes):
    each = np.concatenate([fitted.predict_proba(picture[None]) for picture in shapes[0]])
    np.testing.assert_allclose(each, fitted.predict_proba(shapes[0]), atol=1e-5)
