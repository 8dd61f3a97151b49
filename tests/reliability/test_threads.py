"""Several threads, or several processes, at once."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from operator import methodcaller
from threading import Event, Thread

import joblib
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.model_selection import cross_val_score
from torchvision.transforms import v2

from sklift import ImageEmbedder, ZeroShotClassifier
from sklift._model import TunedModel
from sklift._net import CheckpointFile
from sklift._store._cache import Cache, resolve_cache
from sklift._store._features import StoredFeatures
from sklift.adapters import SSF, LoRA
from sklift.backbones import load_backbone
from sklift.heads import Cosine
from sklift.images import FiveCrop

N_THREADS = 8
WAYS = multiprocessing.get_all_start_methods()


def in_threads(function, arguments, n_threads=N_THREADS) -> list:
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, arguments))


def weights(clf) -> dict[str, torch.Tensor]:
    return clf.model_.trained_state()


def assert_same_models(ones, others):
    for one, other in zip(map(weights, ones), map(weights, others), strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def parts(shapes):
    """Pieces of different sizes, some of them twice; fewer than 16 are rounded otherwise."""
    return [shapes[0][i % 5 : 20 + i % 7] for i in range(2 * N_THREADS)]


@pytest.fixture
def empty_memory(monkeypatch):
    memory = Cache.in_memory()
    monkeypatch.setattr("sklift._store._cache._of_process", memory)
    return memory


class TestThreads:
    @pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
    def test_one_classifier(self, fitted, parts, method):
        predict = getattr(fitted, method)
        expected = [predict(part) for part in parts]
        for one, other in zip(in_threads(predict, parts), expected, strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize(
        "params",
        [{"tta": FiveCrop(expand=8)}, {"adapter": None}, {"adapter": ["vpt", "lora"]}],
        ids=str,
    )
    def test_other_models(self, quick, shapes, parts, params):
        clf, parts = quick(**params).fit(*shapes), parts[:N_THREADS]
        expected = [clf.predict_proba(part) for part in parts]
        for one, other in zip(in_threads(clf.predict_proba, parts), expected, strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_one_zero_shot_classifier(self, shapes, parts, empty_memory, precision):
        clf = ZeroShotClassifier("emoji-tiny", compute__precision=precision).fit(None, shapes[1])
        found = in_threads(clf.predict_proba, parts)
        for one, part in zip(found, parts, strict=True):
            np.testing.assert_array_equal(one, clf.predict_proba(part))

    @pytest.mark.parametrize("kind", ["memory", "folder", "files"])
    def test_one_embedder(self, parts, tmp_path, empty_memory, kind):
        cache = tmp_path / "cache" if kind == "folder" else "auto"
        embedder = ImageEmbedder(
            "emoji-tiny", compute__precision="float32", compute__cache=cache
        ).fit()
        plain = ImageEmbedder(
            "emoji-tiny", compute__precision="float32", compute__cache=False
        ).fit()
        expected = [plain.transform(part) for part in parts]
        if kind == "files":
            parts = [_saved(part, tmp_path / str(i)) for i, part in enumerate(parts)]
        for one, other in zip(in_threads(embedder.transform, parts), expected, strict=True):
            np.testing.assert_array_equal(one, other)
        if kind != "folder":
            assert empty_memory.features.n_bytes == 24 * 192 * 4

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"init": "random", "adapter": ["lora", "adaptformer"], "head": "linear"},
            {"adapter": "sparse", "sampler": "balanced", "early_stopping": True},
            {"augmentation": v2.Compose([v2.RandomResizedCrop(40)])},
        ],
        ids=str,
    )
    def test_fits(self, quick, shapes, params):
        """Also while others unpickle, which draws from the same random state for a while."""

        def fit(seed):
            return quick(random_state=seed, **params).fit(*shapes)

        serial = [fit(seed) for seed in range(N_THREADS)]
        data, done = pickle.dumps(serial[0]), Event()

        def unpickle():
            while not done.is_set():
                pickle.loads(data)

        other = Thread(target=unpickle)
        other.start()
        try:
            assert_same_models(in_threads(fit, range(N_THREADS)), serial)
        finally:
            done.set()
            other.join()

    def test_fits_leave_the_random_state_as_it_was(self, quick, shapes):
        before = torch.get_rng_state()
        in_threads(lambda seed: quick(random_state=seed).fit(*shapes), range(N_THREADS))
        assert torch.equal(before, torch.get_rng_state())

    def test_fits_with_workers(self, quick, shapes):
        def fit(seed):
            return quick(random_state=seed, compute__num_workers=1).fit(*shapes)

        assert_same_models(in_threads(fit, range(2)), map(fit, range(2)))

    def test_a_search_in_threads(self, quick, shapes):
        with joblib.parallel_backend("threading"):
            scores = cross_val_score(quick(), *shapes, cv=4, n_jobs=4, error_score="raise")
        expected = cross_val_score(quick(), *shapes, cv=4, error_score="raise")
        np.testing.assert_array_equal(scores, expected)


def _saved(part, folder):
    folder.mkdir()
    paths = [folder / f"{i}.png" for i in range(len(part))]
    for path, picture in zip(paths, part, strict=True):
        Image.fromarray(picture).save(path)
    return paths


INHERITED = {}


def predict_inherited(X):
    torch.ones(1_000_000).exp()
    return INHERITED["clf"].predict_proba(X), torch.get_num_threads()


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class TestWorkers:
    """Processes that are forked or spawned."""

    @pytest.mark.slow
    @pytest.mark.parametrize("way", WAYS)
    def test_a_pickled_classifier(self, fitted, shapes, way):
        predict = methodcaller("predict_proba", shapes[0])  # which needs no module of the tests
        with multiprocessing.get_context(way).Pool(2) as pool:
            found = pool.map_async(predict, [fitted] * 3).get(timeout=300)
        for proba in found:
            np.testing.assert_allclose(proba, fitted.predict_proba(shapes[0]), atol=1e-5)

    @pytest.mark.skipif("fork" not in WAYS, reason="nothing is inherited without fork")
    @pytest.mark.parametrize("cache", ["auto", False])
    def test_an_inherited_classifier(self, quick, shapes, two_threads, cache):
        """After the parent has computed with threads of its own, which a child doesn't have."""
        clf = INHERITED["clf"] = quick(compute__cache=cache).fit(*shapes)
        torch.ones(1_000_000).exp()  # large enough to be shared out
        expected = clf.predict_proba(shapes[0])
        with multiprocessing.get_context("fork").Pool(2) as pool:  # what hangs, it kills
            found = pool.map_async(predict_inherited, [shapes[0]] * 4).get(timeout=120)
        for proba, n_threads in found:
            assert n_threads == 1
            np.testing.assert_allclose(proba, expected, atol=1e-5)
        assert torch.get_num_threads() == 2
        np.testing.assert_array_equal(clf.predict_proba(shapes[0]), expected)

    @pytest.mark.slow
    def test_loky(self, quick, shapes):
        expected = cross_val_score(quick(), *shapes, cv=3, error_score="raise")
        scores = cross_val_score(quick(), *shapes, cv=3, n_jobs=2, error_score="raise")
        np.testing.assert_array_equal(scores, expected)


HAMMER = textwrap.dedent(
    """
    import sys
    import numpy as np
    from sklift._store._features import StoredFeatures

    folder, me, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cache = StoredFeatures(folder, max_bytes=int(sys.argv[4]))
    rng = np.random.default_rng(me)
    n_found = 0
    for i in range(n):
        keys = rng.integers(0, 300, 8)
        # what a key stands for is known, so that a part of it, or another, would be seen
        cache.add({str(k).encode(): np.full(192, k, np.float32) for k in keys})
        asked = rng.integers(0, 300, 20)
        found = cache.find([str(k).encode() for k in asked])
        n_found += len(found)
        for key, vector in found.items():
            assert vector.shape == (192,) and (vector == int(key)).all(), (key, vector)
        if i % 20 == 0:  # opened anew, as a new process would
            cache = StoredFeatures(folder, max_bytes=int(sys.argv[4]))
    print(n_found)
    """
)


class TestSharedFolders:
    @pytest.mark.slow
    @pytest.mark.parametrize("max_bytes", [1 << 33, 100 * 192 * 4], ids=["roomy", "tight"])
    def test_features(self, tmp_path, max_bytes):
        commands = [
            [sys.executable, "-c", HAMMER, str(tmp_path), str(me), "200", str(max_bytes)]
            for me in range(4)
        ]
        processes = [
            subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for c in commands
        ]
        outputs = [process.communicate(timeout=300) for process in processes]
        assert [process.returncode for process in processes] == [0] * 4, outputs
        assert all(int(out) > 1000 for out, _ in outputs)
        cache = StoredFeatures(tmp_path)
        known = cache.find([str(k).encode() for k in range(300)])
        assert len(known) == 300 if max_bytes > 1 << 20 else len(known) <= 100

    @pytest.mark.slow
    def test_a_writer_that_is_killed_leaves_the_cache_whole(self, tmp_path):
        command = [sys.executable, "-c", HAMMER, str(tmp_path), "0", "100000", str(1 << 33)]
        process = subprocess.Popen(command)
        cache = StoredFeatures(tmp_path)
        keys = [str(k).encode() for k in range(300)]
        while not cache.find(keys):
            assert process.poll() is None
        process.kill()
        process.wait()
        found = cache.find(keys)
        assert found and all((vector == int(key)).all() for key, vector in found.items())
        cache.add({b"later": np.zeros(192, np.float32)})
        assert b"later" in cache.find([b"later"])

    @pytest.mark.slow
    def test_checkpoints_of_the_same_fit(self, quick, shapes, tmp_path):
        """Whoever comes second goes on where the first has been; both may do all of it."""
        np.savez(tmp_path / "data.npz", X=shapes[0], y=shapes[1])
        program = textwrap.dedent(
            """
            import sys
            import numpy as np, torch
            from sklift import LiftClassifier

            data = np.load(sys.argv[1] + "/data.npz")
            clf = LiftClassifier(
                "emoji-tiny", max_epochs=4, batch_size=5, random_state=0,
                compute__precision="float32",
                checkpoint=sys.argv[1] + "/checkpoints", checkpoint__minutes=0,
            ).fit(data["X"], data["y"])
            torch.save(clf.model_.trained_state(), sys.argv[2])
            """
        )
        outs = [tmp_path / f"{i}.pt" for i in range(2)]
        processes = [
            subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(out)])
            for out in outs
        ]
        assert [process.wait(300) for process in processes] == [0, 0]
        alone = weights(quick(max_epochs=4, batch_size=5).fit(*shapes))
        for out in outs:
            state = torch.load(out)
            assert state.keys() == alone.keys()
            assert all(torch.equal(state[name], alone[name]) for name in alone)
        assert [path.suffix for path in (tmp_path / "checkpoints").iterdir()] == [".pt"]

    def test_what_a_kill_cut_short_is_cleared_away(self, tmp_path):
        mine = CheckpointFile(tmp_path, {"X": "a"})
        names = [f".{mine.path.name}.old.tmp", f".{mine.path.name}.live.tmp", ".fit-b.pt.old.tmp"]
        for name in names:
            (tmp_path / name).touch()
            if "old" in name:
                os.utime(tmp_path / name, (0, 0))
        ahead = tmp_path / f".{mine.path.name}.ahead.tmp"  # of a clock that was wrong
        ahead.touch()
        os.utime(ahead, (4e9, 4e9))
        CheckpointFile(tmp_path, {"X": "a"}).open_folder()
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_the_cache_of_the_process_is_shared(shapes):
    one, other = (ImageEmbedder("emoji-tiny", compute__precision="float32").fit() for _ in range(2))
    one.transform(shapes[0])
    n_bytes = resolve_cache("auto").features.n_bytes
    other.transform(shapes[0])
    assert resolve_cache("auto").features.n_bytes == n_bytes > 0


def test_models_that_are_made_meanwhile():
    """In the middle of a step another thread may re-parametrise what all share."""

    backbone = load_backbone("emoji-tiny")
    model = TunedModel(backbone, SSF(), Cosine(), 3)
    logits = model(torch.zeros(2, 3, 40, 40, dtype=torch.uint8))
    for recipe in (SSF(), LoRA(2)):
        TunedModel(backbone, recipe, Cosine(), 3)
    logits.sum().backward()  # which is an error where a weight counts as changed
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
