"""Towers of one's own, written as a user would: modules and recipes, from fit to load."""

from __future__ import annotations

import copy
import gc
import inspect
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.backbones import Backbone, OwnTower, Preprocess, load_backbone

SEARCH_IN_PROCESSES = """
import numpy as np
from sklearn.model_selection import GridSearchCV
from towers import Net

from sklift import LiftClassifier
from sklift.backbones import OwnTower

X, y = np.load("shapes.npz").values()
tower = OwnTower(Net(), image_size=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
clf = LiftClassifier(tower, adapter="feature", max_epochs=2, batch_size=8, random_state=0)
for name, values in ("backbone__image_size", [16, 24]), ("lr", [0.01, 0.02]):
    one, two = (
        GridSearchCV(clf, {name: values}, cv=2, n_jobs=n_jobs, error_score="raise").fit(X, y)
        for n_jobs in (1, 2)
    )
    scores = one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    print("same" if np.array_equal(*scores) else scores)
"""

SIZE, MEAN, STD = 16, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


class Net(nn.Module):
    """A small tower with all that must not move: batch norm, dropout."""

    def __init__(self, width=8, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, width, 4, 4)
            self.norm = nn.BatchNorm2d(width)
            nn.init.normal_(self.norm.running_mean, std=0.1)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(torch.relu(self.norm(self.conv(x)))).flatten(2).amax(2)


class NetFromFile(BaseEstimator):
    """A recipe: what it loads is said by its settings."""

    def __init__(self, weights, image_size=SIZE, width=8):
        self.weights = weights
        self.image_size = image_size
        self.width = width

    def load(self):
        net = Net(self.width)
        net.load_state_dict(torch.load(self.weights, weights_only=True))
        return Backbone(net, Preprocess(self.image_size, MEAN, STD))


def own(module, **settings):
    return OwnTower(module, **{"image_size": SIZE, "mean": MEAN, "std": STD, **settings})


def make(backbone, **params):
    settings = {
        "adapter": "feature",
        "max_epochs": 2,
        "batch_size": 8,
        "compute__precision": "float32",
    }
    return LiftClassifier(backbone, **{**settings, "random_state": 0, **params})


@pytest.fixture
def net():
    return Net()


@pytest.fixture
def module(net):
    """A module that can be given as it is."""
    net.preprocess = Preprocess(SIZE, MEAN, STD)
    return net


@pytest.fixture
def recipe(net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "net.pt")
    return NetFromFile(str(tmp_path / "net.pt"))


def tensors(module):
    return {name: t.clone() for name, t in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


class TestFit:
    @pytest.mark.parametrize("adapter", ["none", "feature"])
    def test_a_module_a_wrapped_one_and_a_recipe_give_the_same(
        self, module, recipe, shapes, adapter
    ):
        proba = [
            make(tower, adapter=adapter).fit(*shapes).predict_proba(shapes[0])
            for tower in (module, own(module), recipe)
        ]
        assert np.array_equal(proba[0], proba[1]) and np.array_equal(proba[0], proba[2])
        assert proba[0].std(0).min() > 1e-3  # of pictures, not of classes alone

    def test_a_module_in_training_mode_stays_as_it_is(self, net, shapes):
        before, modes = tensors(net), [m.training for m in net.modules()]
        clf = make(own(net)).fit(*shapes)
        clf.predict(shapes[0])
        assert same(before, net.state_dict())
        assert modes == [m.training for m in net.modules()] and all(modes)
        assert all(p.requires_grad and p.grad is None for p in net.parameters())
        tower = clf.model_.tower
        clf.model_.train()
        assert not any(m.training for m in tower.modules())
        assert same(before, tower.state_dict())

    def test_the_weights_are_shared(self, net, shapes):
        tower = make(own(net)).fit(*shapes).model_.tower
        assert tower.conv.weight.data_ptr() == net.conv.weight.data_ptr()

    def test_features_are_those_of_the_module(self, net, shapes):
        """Normalised once, by the statistics that were given."""
        X = np.random.default_rng(0).integers(0, 256, (9, SIZE, SIZE, 3), np.uint8)
        cut = ImageEmbedder(
            own(net, image_size=SIZE), tta=None, compute__precision="float32", compute__cache=False
        )
        seen = []

        class Watch(Net):
            def forward(self, x):
                seen.append(x)
                return super().forward(x)

        cut.set_params(backbone=own(Watch())).fit()
        seen.clear()
        found = cut.transform(X)
        (pixels,) = seen
        values = torch.tensor(STD).view(3, 1, 1) * pixels + torch.tensor(MEAN).view(3, 1, 1)
        assert 0.9 < values.max() <= 1 + 1e-5 and -1e-5 <= values.min() < 0.1
        with torch.no_grad():
            np.testing.assert_allclose(found, net.eval()(pixels).numpy(), atol=1e-5)

    def test_blocks_of_a_known_kind_take_adapters(self, shapes):
        timm = pytest.importorskip("timm")
        torch.manual_seed(0)
        vit = timm.models.vision_transformer.VisionTransformer(
            SIZE, 8, embed_dim=16, depth=2, num_heads=2, num_classes=0
        )
        before = tensors(vit)
        clf = make(own(vit), adapter="lora").fit(*shapes)
        assert clf.n_trainable_params_ > 3 * 16
        assert same(before, vit.state_dict())

    @pytest.mark.parametrize("adapter", ["bitfit", "full", "layer_norm", "lora", "sparse", "ssf"])
    def test_layers_of_a_chain_take_adapters(self, net, shapes, adapter):
        before = tensors(net)
        clf = make(own(net), adapter=adapter).fit(*shapes)
        assert same(before, net.state_dict())
        start = load_backbone(own(net)).tower.state_dict()
        tuned = {n: t for n, t in clf.model_.trained_state().items() if "head" not in n}
        assert tuned and all(
            not torch.equal(t, start.get(n.removeprefix("tower."), torch.zeros_like(t)))
            for n, t in tuned.items()
            if not n.endswith("entries")
        )

    @pytest.mark.parametrize("adapter", ["adaptformer", "conv", "vpt"])
    def test_adapters_that_have_no_place_are_told(self, net, shapes, adapter):
        message = r"no place in Net.*adapters that this tower takes: \['bitfit', 'dora', 'fea"
        with pytest.raises(ValueError, match=message):
            make(own(net), adapter=adapter).fit(*shapes)

    def test_parts_that_only_bear_known_names_are_no_blocks(self, shapes):
        class Lookalike(Net):
            def __init__(self):
                super().__init__()
                self.layer1 = self.layer2 = self.layer3 = self.layer4 = nn.Sequential(nn.ReLU())

        tower = load_backbone(own(Lookalike())).open()
        units = [block.unit.get() for block in tower.blocks]
        assert units == [tower.module.conv, tower.module.norm]

    def test_a_tower_without_weights(self, shapes):
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
        with pytest.raises(ValueError, match=r"this tower takes: \['feature', 'none'\]"):
            make(own(pool), adapter="full").fit(*shapes)
        clf = make(own(pool)).fit(*shapes)
        assert clf.predict_proba(shapes[0]).shape == (24, 3)
        assert clf.model_.backbone.n_features == 12

    def test_other_estimators(self, net, shapes):
        assert ImageEmbedder(own(net)).fit_transform(shapes[0]).shape == (24, 8)
        with pytest.raises(ValueError, match="backbone Net has no text tower"):
            ZeroShotClassifier(own(net)).fit(None, shapes[1])
        with pytest.raises(ValueError, match="text tower, which backbone Net does not have"):
            make(own(net), init="text").fit(*shapes)

    def test_training_goes_on(self, module, shapes):
        clf = make(module, warm_start=True, max_epochs=1).fit(*shapes)
        model = clf.model_
        assert clf.fit(*shapes).model_ is model
        clf.set_params(backbone=own(Net(seed=1)))
        with pytest.raises(ValueError, match="the same backbone"):
            clf.fit(*shapes)


class Changed(nn.Module):
    """What a test makes of a feature."""

    def __init__(self, change):
        super().__init__()
        self.net, self.change = Net().eval(), change

    def forward(self, x):
        return self.change(self.net(x))


class TestWrongTowers:
    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda f: f[:, :, None, None], ValueError, r"gives \(2, 8, 1, 1\).*pool or flatten"),
            (lambda f: f.mean(1), ValueError, r"gives \(2,\) for 2 pictures"),
            (lambda f: f.mean(0, keepdim=True), ValueError, r"gives \(1, 8\) for 2 pictures"),
            (lambda f: f[:, :0], ValueError, r"gives \(2, 0\) for 2 pictures"),
            (lambda f: (f, f), TypeError, "gives a tuple, not one tensor of features"),
            (lambda f: f.double(), TypeError, "features of torch.float64, not torch.float32"),
            (lambda f: f / 0, ValueError, "infinite or NaN"),
            (lambda f: f - f.mean(0), ValueError, "other features .* when it comes alone"),
            (lambda f: f + torch.rand(1), ValueError, "other features .* when it comes alone"),
            (lambda f: f @ f, ValueError, r"can't take normalised pictures \(2, 3, 16, 16\)"),
        ],
    )
    def test_what_it_gives(self, change, error, message):
        with pytest.raises(error, match=f"backbone Changed.*{message}"):
            load_backbone(own(Changed(change)))

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"image_size": 2}, r"can't take normalised pictures \(2, 3, 2, 2\)"),
            ({"image_size": 0}, "image_size must be a positive int, got 0"),
            ({"mean": 0.5}, "mean must be three numbers, got 0.5"),
            ({"std": (1, 1, 0)}, "std must be three positive numbers"),
            ({"interpolation": "lanczos"}, "interpolation must be one of"),
            ({"module": 3}, "must be an nn.Module, got 3"),
        ],
    )
    def test_settings(self, net, settings, message):
        with pytest.raises((ValueError, TypeError), match=message):
            load_backbone(own(net).set_params(**settings))

    def test_a_width_that_is_said_and_not_given(self, net):
        with pytest.raises(ValueError, match="n_features=9, but the tower gives 8"):
            Backbone(net, Preprocess(SIZE, MEAN, STD), 9)

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_a_compiled_program(self, net):
        program = torch.jit.trace(net.eval(), torch.zeros(1, 3, SIZE, SIZE))
        for tower in (program, nn.Sequential(program)):
            with pytest.raises(
                TypeError, match=r"is compiled by torch.jit.*the module that it was"
            ):
                load_backbone(own(tower))

    def test_weights_without_a_shape(self):
        lazy = nn.Sequential(nn.LazyConv2d(4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        message = r"Sequential: '0.weight' has no shape yet.*call the module on a picture"
        with pytest.raises(ValueError, match=message):
            load_backbone(own(lazy))
        with pytest.raises(ValueError, match=message):
            Backbone(lazy, Preprocess(SIZE, MEAN, STD))
        lazy(torch.zeros(1, 3, SIZE, SIZE))
        assert load_backbone(own(lazy)).n_features == 4

    def test_what_a_recipe_loads(self, net):
        class Bare(BaseEstimator):
            def load(self):
                return net

        with pytest.raises(TypeError, match=r"Bare: load\(\) must return .*Backbone\(module"):
            load_backbone(Bare())

    def test_weights_beside_a_module(self, module, shapes):
        with pytest.raises(ValueError, match=r"leave pretrained at 'auto'$"):
            make(module, pretrained="net.pt").fit(*shapes)


class TestCopies:
    def test_a_clone_shares_the_module(self, module):
        for est in (make(module), ImageEmbedder(module)):
            est.set_params(batch_size=7)
            twin = clone(est)
            assert twin is not est and twin.backbone is module and twin.batch_size == 7
        assert clone(make(own(module))).backbone.module is module
        assert copy.deepcopy({"backbone": own(module)})["backbone"].module is module

    def test_a_clone_keeps_its_requests(self, module):
        from sklearn import config_context

        with config_context(enable_metadata_routing=True):
            est = make(module).set_fit_request(sample_weight=True)
            assert clone(est).get_metadata_routing().fit.requests["sample_weight"] is True

    def test_settings_are_searched(self, recipe, module):
        est = make(recipe).set_params(backbone__image_size=24)
        assert est.backbone.image_size == 24 and "image_size=24" in repr(est)
        assert make(module).set_params(backbone__image_size=24).backbone.module is module

    @pytest.mark.parametrize("kind", ["module", "recipe"])
    def test_search(self, request, shapes, kind):
        tower = request.getfixturevalue(kind)
        grid = {"backbone__image_size": [16, 24], "lr": [0.02]}
        search = GridSearchCV(make(tower), grid, cv=2, error_score="raise").fit(*shapes)
        best = search.best_estimator_
        assert best.model_.backbone.preprocess.size == best.backbone.image_size
        expected = clone(best).fit(*shapes).predict_proba(shapes[0])
        assert np.array_equal(search.predict_proba(shapes[0]), expected)

    @pytest.mark.slow
    def test_search_in_processes(self, shapes, tmp_path):
        """Workers import the module that the tower's class stands in, as that of a user."""
        (tmp_path / "towers.py").write_text(
            f"import torch\nfrom torch import nn\n\n\n{inspect.getsource(Net)}"
        )
        np.savez(tmp_path / "shapes.npz", X=shapes[0], y=shapes[1])
        script = tmp_path / "search.py"
        script.write_text(SEARCH_IN_PROCESSES)
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        command = [sys.executable, str(script)]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["same", "same"]

    @pytest.mark.parametrize("kind", ["module", "recipe"])
    def test_pickle_of_a_fitted_one(self, request, shapes, kind):
        est = make(request.getfixturevalue(kind)).fit(*shapes)
        for twin in (pickle.loads(pickle.dumps(est)), copy.deepcopy(est)):
            assert np.array_equal(twin.predict_proba(shapes[0]), est.predict_proba(shapes[0]))
            twin.set_params(warm_start=True).fit(*shapes)  # on the very same backbone

    def test_a_pickle_holds_the_module_once(self, shapes):
        wide = Net(width=4000)
        n = len(pickle.dumps(wide))
        for tower in (own(wide), wide):
            wide.preprocess = Preprocess(SIZE, MEAN, STD)
            est = make(tower, adapter="none", head="cosine", max_epochs=1).fit(*shapes)
            head = 4 * 3 * 4000
            assert n < len(pickle.dumps(est)) - head < n + 300_000

    def test_a_recipe_is_loaded_once(self, recipe, monkeypatch):
        backbone = load_backbone(recipe)
        assert load_backbone(clone(recipe)) is backbone
        assert load_backbone(clone(recipe).set_params(image_size=24)) is not backbone
        torch.save(Net(seed=3).state_dict(), recipe.weights)
        assert load_backbone(recipe).checksum != backbone.checksum

    def test_a_module_that_was_trained_is_another(self, net):
        before = load_backbone(own(net))
        assert load_backbone(own(net)) is before
        first = before.checksum
        with torch.no_grad():
            net.conv.weight.add_(1)
        assert load_backbone(own(net)).checksum != first

    def test_code_that_has_changed_makes_other_features(self, shapes):
        one = load_backbone(own(Changed(nn.Identity())))
        other = load_backbone(own(Changed(lambda f: 2 * f)))
        assert one.checksum == other.checksum and one.identity != other.identity

    def test_towers_are_let_go(self):
        import weakref

        backbones = [weakref.ref(load_backbone(own(Net(seed=i)))) for i in range(9)]
        gc.collect()
        assert sum(ref() is not None for ref in backbones) <= 4


class TestFiles:
    def test_a_recipe_is_written_down(self, recipe, shapes, tmp_path):
        est = make(recipe).fit(*shapes)
        est.save(tmp_path / "model")
        with pytest.raises(ValueError, match=r"recipe 'NetFromFile', which is not known here"):
            LiftClassifier.load(tmp_path / "model")
        loaded = LiftClassifier.load(tmp_path / "model", recipes=[NetFromFile])
        assert np.array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))
        assert loaded.backbone.get_params() == recipe.get_params()

    @pytest.mark.parametrize("as_recipe", [False, True])
    def test_a_module_is_given_again(self, module, shapes, tmp_path, as_recipe):
        path = tmp_path / "model"
        est = make(own(module) if as_recipe else module).fit(*shapes)
        with pytest.warns(UserWarning, match=r"Net is a module, which is not in the file.*load\("):
            est.save(path)
        with pytest.raises(ValueError, match=r"backbone Net is a module.*backbone=module"):
            LiftClassifier.load(path)
        for again in (Net(), own(Net()), module):
            loaded = LiftClassifier.load(path, backbone=again)
            assert np.array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))
            loaded.set_params(warm_start=True).fit(*shapes)

    def test_it_must_be_the_same(self, module, shapes, tmp_path):
        path = tmp_path / "model"
        est = ImageEmbedder(module).fit()
        with pytest.warns(UserWarning, match="give it to ImageEmbedder.load"):
            est.save(path)
        assert ImageEmbedder.load(path, backbone=Net()).n_features_out_ == 8
        with pytest.raises(ValueError, match=r"weights of backbone Net differ.*checksum"):
            ImageEmbedder.load(path, backbone=Net(seed=1))
        with pytest.raises(ValueError, match="Net takes other pictures than it did"):
            ImageEmbedder.load(path, backbone=own(Net(), mean=(0, 0, 0)))

        class Other(Net):
            def forward(self, x):
                return super().forward(x) * 1.01

        with pytest.raises(ValueError, match=r"Other makes other features .*its code has changed"):
            ImageEmbedder.load(path, backbone=Other())

    def test_settings_that_are_no_data(self, module, shapes, tmp_path):
        class Built(BaseEstimator):
            def __init__(self, build):
                self.build = build

            def load(self):
                return Backbone(self.build(), Preprocess(SIZE, MEAN, STD))

        est = make(Built(Net)).fit(*shapes)
        (tmp_path / "model").write_bytes(b"old")
        with pytest.raises(TypeError, match=r"params\.backbone\.build can't be saved"):
            est.save(tmp_path / "model")
        assert (tmp_path / "model").read_bytes() == b"old"

    def test_arrays_among_the_settings(self, shapes, tmp_path):
        class Projected(BaseEstimator):
            def __init__(self, matrix):
                self.matrix = matrix

            def load(self):
                layer = nn.Linear(12, self.matrix.shape[0], bias=False)
                layer.weight.data = torch.tensor(self.matrix).float()
                tower = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), layer)
                return Backbone(tower, Preprocess(SIZE, MEAN, STD))

        est = make(Projected(np.random.default_rng(0).normal(size=(5, 12)))).fit(*shapes)
        est.save(tmp_path / "model")
        for given in ({"recipes": [Projected]}, {"backbone": est.backbone}):
            loaded = LiftClassifier.load(tmp_path / "model", **given)
            assert np.array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))

    def test_a_recipe_over_a_shared_tower(self, shapes, tmp_path):
        """What a recipe passes on belongs to others as well."""

        class Emoji(BaseEstimator):
            def load(self):
                return load_backbone("emoji-tiny")

        est = make(Emoji(), adapter="adaptformer", max_epochs=1).fit(*shapes)
        named = make("emoji-tiny", adapter="adaptformer", max_epochs=1).fit(*shapes)
        assert np.array_equal(est.predict_proba(shapes[0]), named.predict_proba(shapes[0]))
        assert load_backbone("emoji-tiny").spec.recipe is None
        est.save(tmp_path / "model")
        loaded = LiftClassifier.load(tmp_path / "model", recipes=[Emoji])
        assert np.array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))

    def test_a_parameter_that_was_changed_after_the_fit(self, module, quick, shapes, tmp_path):
        est = quick(max_epochs=1).fit(*shapes).set_params(backbone=module)
        est.save(tmp_path / "model")
        loaded = LiftClassifier.load(tmp_path / "model")
        assert loaded.backbone == "emoji-tiny"
        assert np.array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))
