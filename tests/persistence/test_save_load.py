"""What is saved comes back: estimators, recipes, parameters, warnings."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from torch import nn

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.adapters import ADAPTERS, Adapter, AdaptFormer
from sklift.backbones import BACKBONES
from sklift.heads import HEADS, Cosine
from sklift.losses import LDAM, LOSSES, MULTILABEL_LOSSES


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def assert_same(loaded, est, X):
    assert type(loaded) is type(est)
    assert str(loaded.get_params(deep=False)) == str(est.get_params(deep=False))
    assert vars(loaded).keys() - {"net_"} == vars(est).keys() - {"net_"}
    assert np.array_equal(loaded.predict_proba(X), est.predict_proba(X))
    assert np.array_equal(loaded.predict(X), est.predict(X))


def test_predictions_parameters_and_attributes_come_back(fitted, shapes, path):
    X, _ = shapes
    fitted.save(path)
    loaded = LiftClassifier.load(path)
    assert_same(loaded, fitted, X)
    assert str(loaded.get_params()) == str(fitted.get_params())
    assert loaded.classes_.dtype == fitted.classes_.dtype
    for name in ("class_counts_", "class_prior_"):
        assert np.array_equal(getattr(loaded, name), getattr(fitted, name))
        assert getattr(loaded, name).dtype == getattr(fitted, name).dtype
    assert loaded.history_ == fitted.history_
    assert loaded.class_names_ == fitted.class_names_
    assert loaded.adapter_.get_params() == fitted.adapter_.get_params()
    assert (loaded.init_, loaded.n_trainable_params_) == ("text", fitted.n_trainable_params_)
    assert not hasattr(loaded, "net_")  # nothing of it is needed


def test_the_same_model_gives_the_same_bytes(fitted, path, tmp_path):
    fitted.save(path)
    again = tmp_path / "again"
    LiftClassifier.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_only_what_was_trained_is_in_the_file(fitted, path):
    fitted.save(path)
    assert path.stat().st_size < 4 * fitted.n_trainable_params_ + 20_000


def test_what_is_loaded_is_a_full_estimator(fitted, shapes, path):
    X, y = shapes
    fitted.save(path)
    loaded = LiftClassifier.load(path)
    assert str(clone(loaded).get_params()) == str(fitted.get_params())
    assert_same(pickle.loads(pickle.dumps(loaded)), fitted, X)
    more = pickle.loads(pickle.dumps(fitted)).partial_fit(X, y)
    assert_same(loaded.partial_fit(X, y), more, X)
    assert len(loaded.history_) == len(fitted.history_) + 1
    assert_same(loaded.fit(X, y), fitted, X)


def test_loading_leaves_the_random_state(fitted, path):
    fitted.save(path)
    state = torch.get_rng_state()
    LiftClassifier.load(path)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("adapter", [name for name in ADAPTERS if name != "conv"])
def test_every_adapter(quick, shapes, path, adapter):
    X, y = shapes
    est = quick(adapter=adapter, max_epochs=1).fit(X, y)
    est.save(path)
    assert_same(LiftClassifier.load(path), est, X)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("loss", ["logit_adjusted", LDAM(max_margin=0.25)])
def test_every_head(quick, shapes, path, head, loss):
    X, y = shapes
    params = {"adapter": None, "init": "class_mean", "max_epochs": 1}
    est = quick(head=head, loss=loss, **params).fit(X, y)
    est.save(path)
    loaded = LiftClassifier.load(path)
    assert_same(loaded, est, X)
    assert loaded.loss_.get_params() == est.loss_.get_params()


def test_names_of_recipes_are_distinct():
    """They share one table in the file."""
    from sklift._persistence._codec import RECIPES
    from sklift.images import AUGMENTATIONS, TTA
    from sklift.regularizers import REGULARIZERS
    from sklift.training import OPTIMIZERS, SAMPLERS

    everything = (
        ADAPTERS,
        HEADS,
        LOSSES,
        MULTILABEL_LOSSES,
        REGULARIZERS,
        BACKBONES,
        AUGMENTATIONS,
        TTA,
        SAMPLERS,
        OPTIMIZERS,
    )
    tables = [{n for n, r in table.items() if r} for table in everything]
    others = {"biased", "combination", "compute", "reader", "scaled"}
    assert len(RECIPES) == sum(map(len, tables)) + len(others)


def test_recipes_inside_of_recipes(quick, shapes, path):
    X, y = shapes
    adapter = ["lora", AdaptFormer(rank=np.int64(2), layers=range(2, 4)), AdaptFormer(layers=[0])]
    est = quick(adapter=adapter, head=Cosine(scale=np.float32(20.5)), max_epochs=1).fit(X, y)
    est.save(path)
    loaded = LiftClassifier.load(path)
    assert np.array_equal(loaded.predict_proba(X), est.predict_proba(X))
    assert loaded.adapter[1].get_params() == adapter[1].get_params()
    assert loaded.head.scale == 20.5
    assert dict(loaded.adapter_.recipes)["adaptformer-2"].layers == [0]


def test_odd_but_plain_parameters(quick, shapes, path):
    X, y = shapes
    odd = {
        "class_names": {np.str_(name): name.upper() for name in np.unique(y)},
        "prompts": ["a {}", "the {}"],
        "classes": np.unique(y),
        "lr": np.float64(0.01),
        "batch_size": np.int32(7),
        "device": torch.device("cpu"),
        "net_params": {"iterator_train__drop_last": True},
    }
    shape = (48, 48, 3)
    est = quick(adapter=None, max_epochs=1, reader__image_shape=shape, **odd).fit(X, y)
    est.save(path)
    loaded = LiftClassifier.load(path)
    assert loaded.reader.image_shape == shape
    own = loaded.get_params(deep=False)
    assert np.array_equal(own.pop("classes"), odd.pop("classes"))
    assert {name: own[name] for name in odd} == odd
    assert np.array_equal(loaded.predict_proba(X), est.predict_proba(X))


@pytest.mark.parametrize("value_range", [12, (0, 4095), "percentiles"])
def test_the_reading_of_pictures(quick, shapes, path, value_range):
    X, y = shapes
    wide = np.rint(X / 255 * 4095).astype(np.uint16)
    reader = {"reader__value_range": value_range, "reader__channels": (2, 1, 0)}
    est = quick(adapter=None, max_epochs=1, **reader, reader__frame="middle").fit(wide, y)
    est.save(path)
    loaded = LiftClassifier.load(path)
    assert loaded.reader.get_params() == est.reader.get_params()
    assert np.array_equal(loaded.predict_proba(wide), est.predict_proba(wide))
    if value_range != "percentiles":
        assert np.array_equal(loaded.predict_proba(X), est.predict_proba(wide))


def test_two_classes_weights_tta_and_prior(quick, shapes, path):
    X, y = shapes[0][:20], shapes[1][:20]
    est = quick(adapter=None, tta="fivecrop", target_prior="balanced", max_epochs=1)
    est.fit(X, y, sample_weight=np.linspace(1, 2, 20)).save(path)
    loaded = LiftClassifier.load(path)
    assert np.array_equal(loaded.decision_function(X), est.decision_function(X))
    assert np.array_equal(loaded.class_prior_, est.class_prior_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precomputed_features(shapes, path, dtype):
    features = ImageEmbedder("emoji-tiny").fit_transform(shapes[0]).astype(dtype)
    est = LiftClassifier("precomputed", adapter="feature", random_state=0)
    est.fit(features, shapes[1]).save(path)
    loaded = LiftClassifier.load(path)
    assert_same(loaded, est, features)
    assert loaded.model_.head.weight.dtype == torch.tensor(features).dtype


def test_embedder(shapes, path):
    est = ImageEmbedder("emoji-tiny", projected=True).set_output(transform="pandas").fit()
    est.save(path)
    loaded = ImageEmbedder.load(path)
    assert loaded.get_params() == est.get_params()
    assert loaded.n_features_out_ == est.n_features_out_
    assert loaded.transform(shapes[0]).equals(est.transform(shapes[0]))


def test_zero_shot(shapes, path):
    est = ZeroShotClassifier("emoji-tiny").fit(None, shapes[1])
    est.save(path)
    assert_same(ZeroShotClassifier.load(path), est, shapes[0])


class Shift(BaseEstimator):
    """A recipe of a user's own."""

    def __init__(self, start=0.0):
        self.start = start

    def inject(self, tower, n_classes):
        tower.module = nn.Sequential(tower.module, Add(tower.n_features, self.start))
        return Shift(self.start)


class Add(nn.Module):
    def __init__(self, width, start):
        super().__init__()
        self.bias = nn.Parameter(torch.full((width,), start))

    def forward(self, x):
        return x + self.bias


def test_an_own_recipe_must_be_passed(quick, shapes, path):
    est = quick(adapter=Shift(0.5), max_epochs=1).fit(*shapes)
    est.save(path)
    assert b"test_save_load" not in path.read_bytes()
    with pytest.raises(ValueError, match=r"model\.safetensors.*'Shift'.*Known are .*'adaptformer'"):
        LiftClassifier.load(path)
    with pytest.raises(ValueError, match=r"\['Adapter'\], which were passed.*recipes=\["):
        LiftClassifier.load(path, recipes=[Adapter])
    with pytest.raises(TypeError, match=r"recipes must be classes, got Shift\(\)"):
        LiftClassifier.load(path, recipes=[Shift()])
    assert_same(LiftClassifier.load(path, recipes=[Shift]), est, shapes[0])


def test_functions_are_left_out_with_a_warning(quick, shapes, path):
    X, y = shapes
    est = quick(
        adapter=None,
        max_epochs=1,
        loss=lambda logits, target: nn.functional.cross_entropy(logits, target),
        augmentation=lambda image: image[:, :40, :40],
        optimizer=torch.optim.AdamW,
        random_state=np.random.RandomState(0),
    ).fit(X, y)
    with pytest.warns(UserWarning, match=r"leaves out \['augmentation', 'loss', 'optimizer', 'ran"):
        est.save(path)
    with pytest.warns(UserWarning, match=r"was saved without \['augmentation', 'loss'") as caught:
        loaded = LiftClassifier.load(path)
    assert Path(caught[0].filename).name == Path(__file__).name
    assert np.array_equal(loaded.predict_proba(X), est.predict_proba(X))
    assert (loaded.loss, loaded.optimizer, loaded.random_state) == ("logit_adjusted", "sgd", None)
    assert not hasattr(loaded, "loss_")


def test_what_predictions_need_must_be_data(fitted, path):
    est = clone(fitted)
    vars(est).update(vars(fitted))
    est.later_ = object()
    with pytest.raises(TypeError, match=r"fitted\.later_ can't be saved: <object .* no plain data"):
        est.save(path)
    assert not path.exists()
    del est.later_
    est.class_names = {"a", "b"}
    with pytest.raises(TypeError, match=r"params\.class_names can't be saved"):
        est.save(path)


def test_attributes_that_come_later_are_kept(fitted, path):
    est = clone(fitted)
    vars(est).update(vars(fitted))
    est.later_ = {"table": np.eye(2, dtype=np.float32), "bound": (float("inf"), None, 1e-300)}
    est.save(path)
    later = LiftClassifier.load(path).later_
    assert np.array_equal(later["table"], np.eye(2)) and later["table"].dtype == np.float32
    assert later["bound"] == (float("inf"), None, 1e-300)


def test_save_before_fit(path):
    with pytest.raises(NotFittedError):
        LiftClassifier("emoji-tiny").save(path)
    assert not path.exists()


@pytest.mark.filterwarnings("ignore:precision='float16' needs a GPU")
def test_a_device_that_is_not_here(quick, shapes, path):
    est = quick(adapter=None, max_epochs=1).fit(*shapes)
    est.set_params(device="cuda:77", compute__precision="float16")
    est.save(path)
    with pytest.warns(UserWarning, match=r"cuda:77.* device is set to 'cpu'"):
        loaded = LiftClassifier.load(path)
    assert loaded.device == "cpu" and loaded.compute.precision == "auto"
    assert np.array_equal(
        loaded.predict(shapes[0]), quick(adapter=None).fit(*shapes).predict(shapes[0])
    )
    assert LiftClassifier.load(path, device=torch.device("cpu")).device == torch.device("cpu")


def test_skops_takes_it(fitted, shapes):
    """With no types but the recipes and the estimator to trust."""
    sio = pytest.importorskip("skops.io")
    data = sio.dumps(fitted)
    types = sio.get_untrusted_types(data=data)
    assert {name.rpartition(".")[2] for name in types} == {
        "LiftClassifier",
        "AdaptFormer",
        "Compute",
        "Cosine",
        "LogitAdjusted",
    }
    assert_same(sio.loads(data, trusted=types), fitted, shapes[0])
