"""Frozen blocks before the first trained one are computed once where views repeat."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from timm.models.vision_transformer import VisionTransformer
from torch import nn

import sklift._data._tokens as tokens
from sklift import LiftClassifier
from sklift._compute._plan import ComputePlan
from sklift._data._pictures import Pictures
from sklift._data._repeated_views import TEST
from sklift._model import TunedModel
from sklift._store import _array_files, _cache, _folder_arrays
from sklift._store._cache import Cache, resolve_cache
from sklift._store._memory import MemoryArrays
from sklift.adapters import (
    SSF,
    VPT,
    AdaptFormer,
    BitFit,
    FullTuning,
    LoRA,
)
from sklift.backbones import Backbone, BackboneSpec, Preprocess, find_stages, load_backbone
from sklift.backbones._blocks import find_blocks
from sklift.heads import Cosine
from sklift.images._as_source import as_image_source


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    cache = Cache.in_memory()
    cache.tokens = MemoryArrays(1 << 26)
    monkeypatch.setattr("sklift._store._cache._of_process", cache)
    return cache.tokens


@pytest.fixture
def passes(monkeypatch):
    """The numbers of pictures that went through the first block."""
    block = load_backbone("emoji-tiny").tower.transformer.resblocks[0]
    forward, seen = type(block).forward, []

    def counted(self, x, *args, **kwargs):
        if x.shape[0] > 1 and self is not None and getattr(self, "_is_first", False):
            seen.append(len(x))
        return forward(self, x, *args, **kwargs)

    monkeypatch.setattr(type(block), "forward", counted)
    monkeypatch.setattr(block, "_is_first", True, raising=False)
    return seen


pytestmark = pytest.mark.filterwarnings("ignore:what the frozen blocks make of the views takes")


def fit(shapes, **params):
    settings = {"max_epochs": 3, "random_state": 0, "verbose": 0, "compute__precision": "float32"}
    settings |= {"backbone": "emoji-tiny", "init": "random", "batch_size": 8}
    return LiftClassifier(**(settings | params)).fit(*shapes)


def without(monkeypatch):
    monkeypatch.setattr(tokens, "MAX_BYTES", 0)


@pytest.mark.parametrize("augmentation", [None, "fixed"])
@pytest.mark.parametrize(
    "adapter", [AdaptFormer(2, layers=1), [LoRA(2, layers=2), SSF(layers=1)], VPT(True, 2, 2)]
)
def test_same_model(shapes, monkeypatch, augmentation, adapter):
    params = {"augmentation": augmentation, "adapter": adapter, "validation_fraction": 0.25}
    ours = fit(shapes, **params)
    without(monkeypatch)
    plain = fit(shapes, **params)
    for name, tensor in ours.model_.trained_state().items():
        torch.testing.assert_close(
            tensor, plain.model_.trained_state()[name], atol=1e-5, rtol=1e-4, msg=name
        )
    for one, other in zip(ours.history_, plain.history_, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-5)
        assert one["valid_loss"] == pytest.approx(other["valid_loss"], abs=1e-5)


def test_bfloat16_stays_near(shapes, monkeypatch):
    params = {
        "augmentation": None,
        "adapter": AdaptFormer(2, layers=2),
        "compute__precision": "bfloat16",
    }
    ours = fit(shapes, **params).predict_proba(shapes[0])
    without(monkeypatch)
    np.testing.assert_allclose(ours, fit(shapes, **params).predict_proba(shapes[0]), atol=1e-5)


@pytest.mark.parametrize(
    ("augmentation", "n_views"), [(None, 1), ("fixed", 3), ("minimal", None), ("lift", None)]
)
def test_the_first_block_runs_once_per_view(shapes, passes, augmentation, n_views):
    """Of four stored views, three epochs see three."""
    params = {"augmentation": augmentation, "adapter": AdaptFormer(2, layers=1)}
    fit(shapes, **params)
    n = len(shapes[0])
    expected = 3 * n if n_views is None else n_views * n
    assert sum(passes) == expected
    passes.clear()
    fit(shapes, **params, loss="cross_entropy", lr=0.1)  # a candidate of a search
    assert sum(passes) == (expected if n_views is None else 0)
    passes.clear()
    fit(shapes, **params, compute__cache=False)
    assert sum(passes) == expected


def test_other_depths_are_not_mixed_up(shapes, memory, monkeypatch):
    params = {"augmentation": None}
    found = [fit(shapes, adapter=AdaptFormer(2, layers=k), **params) for k in (1, 2, 1)]
    without(monkeypatch)
    for clf, k in zip(found, (1, 2, 1), strict=True):
        plain = fit(shapes, adapter=AdaptFormer(2, layers=k), **params)
        assert clf.history_[-1]["train_loss"] == pytest.approx(plain.history_[-1]["train_loss"])
    assert memory.n_bytes == 2 * 24 * 26 * 192 * 4  # two depths, 25 patches and a class token


def test_sample_weights_go_along(shapes, monkeypatch):
    X, y = shapes
    weight = np.linspace(0.5, 2, len(y))
    params = {"augmentation": None, "adapter": AdaptFormer(2, layers=1)}
    settings = {"max_epochs": 2, "random_state": 0, "verbose": 0, "compute__precision": "float32"}
    clf = LiftClassifier("emoji-tiny", init="random", batch_size=8, **settings, **params)
    ours = clf.fit(X, y, sample_weight=weight).history_
    without(monkeypatch)
    plain = clf.fit(X, y, sample_weight=weight).history_
    assert [e["train_loss"] for e in ours] == pytest.approx([e["train_loss"] for e in plain])


def test_workers_are_not_sent_them(shapes):
    params = {"augmentation": "fixed", "adapter": AdaptFormer(2, layers=1)}
    params |= {"validation_fraction": 0.2}
    found = [fit(shapes, compute__num_workers=n, **params) for n in (0, 1)]
    assert states_equal(*found)
    net = found[1].net_
    assert (net.iterator_train__num_workers, net.iterator_valid__num_workers) == (0, 1)


@pytest.mark.parametrize(
    ("recipe", "n"),
    [
        (AdaptFormer(2, layers=1), -1),
        (AdaptFormer(2, layers=[1, 3]), 1),
        (AdaptFormer(2), 0),
        (LoRA(2, layers=2), -2),
        (VPT(True, 2, 2), -2),
        (BitFit(layers=1), -1),
        (FullTuning(layers=1), -1),
        (None, 0),
    ],
    ids=str,
)
def test_where_training_begins(recipe, n):
    model = TunedModel(load_backbone("emoji-tiny"), recipe, Cosine(), 3)
    depth = len(find_stages(model.tower).blocks)
    assert model.n_frozen_blocks == n % depth


class Placed(BaseEstimator):
    """An adapter of one's own: where tokens stand is trained, and the last block."""

    order = 50

    def inject(self, tower, n_classes):
        norm = tower.blocks[-1].norms[0].owner
        for owner, name in ((tower.module, "positional_embedding"), (norm, "weight")):
            setattr(owner, name, nn.Parameter(getattr(owner, name).clone()))
        return Placed()


def test_what_comes_before_the_blocks_counts(shapes, passes):
    model = TunedModel(load_backbone("emoji-tiny"), Placed(), Cosine(), 3)
    assert model.n_frozen_blocks == 0
    fit(shapes, adapter=Placed(), augmentation=None)
    assert sum(passes) == 3 * 24


class Halved(BaseEstimator):
    """An adapter of one's own: a feed-forward part counts half, a norm is trained."""

    order = 50

    def __init__(self, by=0.5, block=0, thaw=True):
        self.by = by
        self.block = block
        self.thaw = thaw

    def inject(self, tower, n_classes):
        slot = tower.blocks[self.block].mlp
        slot.set(Scaled(slot.get(), self.by))
        if self.thaw:
            norm = tower.blocks[-1].norms[0].owner
            norm.weight = nn.Parameter(norm.weight.clone())
        return Halved(self.by, self.block, self.thaw)


class Scaled(nn.Module):
    def __init__(self, part, by):
        super().__init__()
        self.part, self.by = part, by

    def forward(self, x):
        return self.by * self.part(x)


def test_frozen_blocks_that_an_adapter_has_changed_are_not_the_backbones(shapes):
    models = [TunedModel(load_backbone("emoji-tiny"), Halved(block=i), Cosine(), 3) for i in (0, 2)]
    assert [model.n_frozen_blocks for model in models] == [0, 2]
    fit(shapes, adapter=Halved(1.0, 2), augmentation=None)
    after = fit(shapes, adapter=Halved(0.2, 2), augmentation=None)
    resolve_cache("auto").tokens = MemoryArrays(1 << 26)
    alone = fit(shapes, adapter=Halved(0.2, 2), augmentation=None)
    np.testing.assert_array_equal(*(c.predict_proba(shapes[0]) for c in (after, alone)))


class Odd(BaseEstimator):
    """Trains a norm of the last block, and changes the first ones in what no weight tells."""

    order = 50

    def __init__(self, how="eps"):
        self.how = how

    def inject(self, tower, n_classes):
        blocks = tower.module.transformer.resblocks
        if self.how == "eps":
            blocks[0].ln_1.eps = 1.0
        elif self.how == "hook":
            blocks[0].register_forward_hook(lambda module, args, output: output / 2)
        else:
            parts = blocks._modules
            parts["0"], parts["1"] = parts["1"], parts["0"]
        norm = tower.blocks[-1].norms[0].owner
        norm.weight = nn.Parameter(norm.weight.clone())
        return Odd(self.how)


@pytest.mark.parametrize("how", ["eps", "hook", "order"])
def test_changes_that_no_weight_tells_are_noticed(shapes, how):
    fit(shapes, adapter=AdaptFormer(2, layers=1), augmentation=None)  # keeps tokens
    odd = fit(shapes, adapter=Odd(how), augmentation=None)
    assert odd.model_.n_frozen_blocks == 0
    alone = fit(shapes, adapter=Odd(how), augmentation=None, compute__cache=False)
    np.testing.assert_array_equal(*(c.predict_proba(shapes[0]) for c in (odd, alone)))


class Louder(BaseEstimator):
    """Trains nothing, and changes what the tower computes all the same."""

    order = 50

    def inject(self, tower, n_classes):
        tower.module.register_forward_hook(lambda module, args, output: 2 * output + 1)
        return Louder()


def test_a_hook_on_a_frozen_tower_counts(shapes):
    plain = fit(shapes, adapter=None, augmentation=None)
    loud = fit(shapes, adapter=Louder(), augmentation=None)
    assert plain.model_.tower_is_frozen and not loud.model_.tower_is_frozen
    alone = fit(shapes, adapter=Louder(), augmentation=None, compute__cache=False)
    np.testing.assert_array_equal(*(c.predict_proba(shapes[0]) for c in (loud, alone)))
    assert np.abs(loud.predict_proba(shapes[0]) - plain.predict_proba(shapes[0])).max() > 1e-3


def test_a_tower_that_is_changed_and_not_trained_is_used_as_it_is(shapes):
    clf = fit(shapes, adapter=Halved(0.1, 1, thaw=False), augmentation=None)
    module = clf.model_
    assert not module.tower_is_frozen
    views = torch.from_numpy(shapes[0]).permute(0, 3, 1, 2)
    if views.shape[-1] == 40:
        with torch.no_grad():
            expected = module(views).softmax(1)
        np.testing.assert_allclose(clf.predict_proba(shapes[0]), expected, atol=1e-5)
    plain = fit(shapes, adapter=None, augmentation=None).predict_proba(shapes[0])
    assert np.abs(clf.predict_proba(shapes[0]) - plain).max() > 1e-3


def test_precisions_are_not_mixed_up(shapes):
    pictures = Pictures(as_image_source(shapes[0]))
    model = TunedModel(load_backbone("emoji-tiny"), AdaptFormer(2, layers=1), Cosine(), 3)

    def kept(precision):
        plan = ComputePlan(torch.device("cpu"), precision, 8, cache=resolve_cache("auto"))
        return tokens.tokens_of_views(pictures, model, range(9), [TEST], plan)

    kept(torch.bfloat16), kept(torch.float16)
    after = kept(torch.float32)
    resolve_cache("auto").tokens = MemoryArrays(1 << 26)
    np.testing.assert_array_equal(after, kept(torch.float32))


def test_they_are_kept_as_the_tower_has_them(shapes):
    """timm's towers add up in float32 what their blocks compute in bfloat16."""
    width = {}
    for name in ("emoji-tiny", "timm"):
        backbone = load_backbone("emoji-tiny") if name != "timm" else small_timm_backbone()
        model = TunedModel(backbone, AdaptFormer(2, layers=1), Cosine(), 3)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            size = backbone.preprocess.size
            width[name] = model.frozen_tokens(torch.zeros(1, 3, size, size)).dtype
    assert width == {"emoji-tiny": torch.bfloat16, "timm": torch.float32}


def small_timm_backbone():
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
    tower = VisionTransformer(num_classes=0, **sizes)
    preprocess = Preprocess(32, (0, 0, 0), (1, 1, 1))
    return Backbone(tower, preprocess, 32, find_blocks, spec=BackboneSpec("small"))


PARTIAL = {"augmentation": None, "adapter": AdaptFormer(2, layers=1)}


@pytest.fixture
def another_process():
    """Forget what this process knows of folders."""

    def forget():
        _folder_arrays.stored_arrays.cache_clear()
        _cache._of_folder.cache_clear()

    yield forget
    forget()


def states_equal(one, other):
    one, other = (clf.model_.trained_state() for clf in (one, other))
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


class TestFolders:
    @pytest.mark.parametrize("augmentation", [None, "fixed"])
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_processes_share_them(
        self, shapes, passes, tmp_path, memory, another_process, augmentation, precision
    ):
        params = PARTIAL | {"augmentation": augmentation, "compute__precision": precision}
        wanted = fit(shapes, **params)
        passes.clear()
        in_memory = memory.n_bytes
        n = len(shapes[0]) * (3 if augmentation else 1)
        for expected in (n, 0):
            ours = fit(shapes, **params, compute__cache=tmp_path)
            assert sum(passes) == expected
            assert states_equal(ours, wanted)
            passes.clear()
            another_process()
        assert memory.n_bytes == in_memory  # nothing was added there
        (file,) = tmp_path.glob("tokens-1-*.bin")
        assert file.stat().st_size == n * 26 * 192 * (4 if precision == "float32" else 2)

    def test_they_are_mapped(self, shapes, tmp_path):
        pictures = Pictures(as_image_source(shapes[0]))
        model = TunedModel(load_backbone("emoji-tiny"), AdaptFormer(2, layers=1), Cosine(), 3)
        cache = resolve_cache(tmp_path)
        plan = ComputePlan(torch.device("cpu"), torch.float32, 8, cache=cache)
        views = tokens.tokens_of_views(pictures, model, range(24), [TEST], plan)
        assert not any(array.flags.writeable or array.flags.owndata for (array,) in views)
        rows = tokens.TokenRows(views)
        assert torch.equal(rows[3], rows[torch.tensor([3])][0])

    @pytest.mark.parametrize("change", ["shape = '2 2'", "dtype = '<i4'"])
    def test_stored_ones_of_another_form_are_computed_anew(
        self, shapes, passes, tmp_path, another_process, change
    ):
        params = PARTIAL | {"augmentation": None, "compute__cache": tmp_path}
        wanted = fit(shapes, **params)
        probabilities = wanted.predict_proba(shapes[0])
        for act in (fit, lambda shapes, **params: wanted):
            with closing(sqlite3.connect(tmp_path / "tokens-1.sqlite")) as db, db:
                db.execute(f"UPDATE arrays SET {change}")
            another_process()
            passes.clear()
            ours = act(shapes, **params)
            assert states_equal(ours, wanted)
            np.testing.assert_allclose(ours.predict_proba(shapes[0]), probabilities, atol=1e-6)
            assert sum(passes) >= len(shapes[0]) or act is not fit

    def test_a_full_disk(self, shapes, tmp_path, monkeypatch, passes, another_process):
        """They are kept for the fit, as far as the memory goes."""
        wanted = fit(shapes, **PARTIAL)
        passes.clear()

        def write(*args):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(_array_files.ArrayFiles, "write", write)
        with pytest.warns(UserWarning, match="No space left.*going on without keeping tokens"):
            ours = fit(shapes, **PARTIAL, compute__cache=tmp_path)
        assert sum(passes) == 24
        assert states_equal(ours, wanted)
        monkeypatch.setattr(tokens, "MAX_BYTES", 10 * 26 * 192 * 4)
        passes.clear()
        another_process()  # this one has said it
        with pytest.warns(UserWarning, match="going on without keeping tokens"):
            ours = fit(shapes, **PARTIAL, compute__cache=tmp_path)
        assert sum(passes) == 24 + 3 * 24  # the views of each epoch pass all blocks
        assert ours.score(*shapes) == wanted.score(*shapes)

    def test_more_than_the_folder_may_hold(self, shapes, tmp_path, monkeypatch, passes):
        monkeypatch.setattr(resolve_cache(tmp_path).tokens, "max_bytes", 23 * 26 * 192 * 4)
        with pytest.warns(UserWarning, match=r"takes 0.0 GiB, more .*in the cache folder: each ep"):
            fit(shapes, **PARTIAL, compute__cache=tmp_path)
        assert sum(passes) == 3 * 24
        assert not list(tmp_path.glob("tokens-1-*.bin"))

    def test_more_than_the_memory_may_hold(self, shapes, tmp_path, monkeypatch, passes):
        """In a folder there is more room."""
        wanted = fit(shapes, **PARTIAL)
        passes.clear()
        without(monkeypatch)
        assert states_equal(fit(shapes, **PARTIAL, compute__cache=tmp_path), wanted)
        assert sum(passes) == 24
        with pytest.warns(UserWarning, match=r"kept in memory: .* a folder as cache"):
            fit(shapes, **PARTIAL)
        assert sum(passes) == 24 + 3 * 24


def test_they_are_computed_in_pieces(shapes, monkeypatch):
    wanted = fit(shapes, **PARTIAL)
    resolve_cache("auto").tokens = MemoryArrays(1 << 26)
    monkeypatch.setattr(tokens, "_AT_ONCE", 1)  # two of 12, as fewer than 16 are never asked for
    sizes, real = [], tokens.frozen_features
    monkeypatch.setattr(
        tokens,
        "frozen_features",
        lambda b, views, **k: sizes.append(len(views)) or real(b, views, **k),
    )
    assert states_equal(fit(shapes, **PARTIAL), wanted)
    assert sizes == [12, 12]


class TestPrediction:
    @pytest.mark.parametrize("folder", [False, True])
    def test_what_other_folds_have_computed_is_known(self, shapes, passes, tmp_path, folder):
        params = PARTIAL | {"compute__cache": tmp_path if folder else "auto"}
        X, y = shapes
        some, rest = np.arange(0, 24, 2), np.arange(1, 24, 2)
        clf = fit((X[some], y[some]), **params)
        passes.clear()
        wanted = clf.predict_proba(X[rest])
        assert sum(passes) == 12  # which are not kept
        np.testing.assert_array_equal(clf.predict_proba(X[rest]), wanted)
        assert sum(passes) == 24
        fit((X[rest], y[rest]), **params)
        passes.clear()
        np.testing.assert_allclose(clf.predict_proba(X[rest]), wanted, atol=1e-6)
        assert sum(passes) == 0
        clf.set_params(compute__cache=False).predict(X[rest])
        assert sum(passes) == 12
        clf.set_params(compute__cache=params["compute__cache"], tta="fivecrop").predict(X[rest])
        assert sum(passes) == 12 + 5 * 12

    def test_some_are_not_enough(self, shapes, passes):
        X, y = shapes
        clf = fit((X[:16], y[:16]), **PARTIAL)
        passes.clear()
        clf.predict(X)
        assert sum(passes) == 24

    def test_a_few_pictures_are_computed(self, shapes, passes):
        """In batches of fewer rows products are rounded otherwise, also where nothing is kept."""
        clf = fit(shapes, **PARTIAL)
        passes.clear()
        clf.predict(shapes[0][:7])
        assert sum(passes) == 7

    def test_a_search_passes_each_picture_once(self, shapes, passes):
        search = GridSearchCV(
            LiftClassifier("emoji-tiny", init="random", random_state=0, max_epochs=1, **PARTIAL),
            {"loss__tau": [0.5, 1.0], "lr": [0.01, 0.02]},
            cv=3,
        )
        search.fit(*shapes)
        # the first fold is scored before another one has trained on it
        assert sum(passes) == 24 + 8
