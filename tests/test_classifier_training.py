"""Training as a user sees it: optimiser, schedule, precision, callbacks, progress, memory."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, EpochScoring
from skorch.dataset import ValidSplit
from torch.nn import functional as F
from torch.utils.data import Subset

from sklift import LiftClassifier
from sklift._compute._threads import prepared_ahead
from sklift._data import _loading
from sklift._fitting import _net_arguments
from sklift._net import _loader
from sklift.adapters import AdaptFormer
from sklift.losses import LADE, Focal

FACTS = json.loads((Path(__file__).parent / "reference" / "index.json").read_text())["facts"]


class Recorder(Callback):
    """Notes what the optimiser holds, and how often a batch ends."""

    def __init__(self):
        self.optimizers, self.n_batches = [], 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches += 1

    def on_train_end(self, net, **kwargs):
        self.optimizers.append(net.optimizer_)


def test_only_trained_weights_are_optimised(quick, shapes):
    recorder = Recorder()
    clf = quick(net_params={"callbacks": [recorder]}).fit(*shapes)
    (optimizer,) = recorder.optimizers
    held = [p for group in optimizer.param_groups for p in group["params"]]
    assert all(p.requires_grad for p in held)
    assert sum(p.numel() for p in held) == clf.n_trainable_params_


def test_the_default_optimiser(quick, shapes):
    recorder = Recorder()
    quick(
        net_params={"callbacks": [("mine", recorder)]},
        optimizer__momentum=0.8,
        weight_decay=0.01,
    ).fit(*shapes)
    (group,) = recorder.optimizers[0].param_groups
    assert type(recorder.optimizers[0]) is torch.optim.SGD
    assert (group["momentum"], group["weight_decay"]) == (0.8, 0.01)
    assert recorder.n_batches == 2 * 3


@pytest.mark.parametrize(
    ("optimizer", "kind"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        (torch.optim.RMSprop, torch.optim.RMSprop),
    ],
)
def test_other_optimisers(quick, shapes, optimizer, kind):
    recorder = Recorder()
    clf = quick(
        optimizer=optimizer,
        lr=1e-3,
        weight_decay=0.02,
        net_params={"callbacks": [recorder]},
    ).fit(*shapes)
    assert type(recorder.optimizers[0]) is kind
    assert recorder.optimizers[0].param_groups[0]["weight_decay"] == 0.02
    assert np.isfinite(clf.predict_proba(shapes[0])).all()


def test_the_schedule_is_that_of_the_reference(quick, shapes):
    expected = FACTS["lr_schedule"]["lr0.02_E5"]
    history = quick(max_epochs=5, lr=0.02, adapter=None).fit(*shapes).history_
    np.testing.assert_allclose([row["lr"] for row in history], expected, rtol=1e-6)


def test_frozen_weights_stay_bit_equal(quick, shapes):
    from sklift.backbones import load_backbone

    tower = load_backbone("emoji-tiny").tower
    before = {name: tensor.clone() for name, tensor in tower.state_dict().items()}
    quick(lr=0.5).fit(*shapes)
    assert all(torch.equal(before[name], t) for name, t in tower.state_dict().items())
    assert not any(p.requires_grad for p in tower.parameters())


def test_half_precision_agrees_where_it_is_clear(quick, fitted, shapes):
    X, y = shapes
    half = quick(compute__precision="bfloat16").fit(X, y)
    assert half.net_.precision is torch.bfloat16
    logits = fitted.decision_function(X)
    second, first = np.sort(logits, axis=1)[:, -2:].T
    clear = first - second > 3
    assert clear.any() and half.decision_function(X).dtype == np.float32
    assert np.array_equal(half.predict(X)[clear], fitted.predict(X)[clear])
    assert not np.array_equal(half.decision_function(X), logits)


def test_net_params_have_the_last_word(quick, shapes):
    recorder = Recorder()
    clf = quick(
        batch_size=5,
        net_params={
            "iterator_train__drop_last": True,
            "lr": 0.5,
            "callbacks": [recorder],
        },
    ).fit(*shapes)
    assert recorder.n_batches == 2 * 4
    assert clf.history_[0]["lr"] == 0.5 and 0 <= clf.history_[0]["train_acc"] <= 1


def test_a_sampler_of_ones_own(quick, shapes):
    _, y = shapes
    weight = 1 / np.unique(y, return_counts=True)[1][np.unique(y, return_inverse=True)[1]]
    generator = torch.Generator().manual_seed(0)
    sampler = torch.utils.data.WeightedRandomSampler(weight, 40, generator=generator)
    recorder = Recorder()
    quick(net_params={"iterator_train__sampler": sampler, "callbacks": [recorder]}).fit(*shapes)
    assert recorder.n_batches == 2 * 5


def test_unknown_net_params_are_named(quick, shapes):
    with pytest.raises(ValueError, match=r"unexpected argument.*colour"):
        quick(net_params={"colour": 3}).fit(*shapes)


def test_early_stopping_on_a_part_that_is_held_out(quick, shapes):
    stopping = EarlyStopping(monitor="valid_loss", patience=1, threshold=1e6)
    params = {"net_params": {"train_split": ValidSplit(3), "callbacks": [stopping]}}
    clf = quick(max_epochs=6, **params).fit(*shapes)
    assert 1 <= len(clf.history_) < 6
    assert all(0 <= row["train_acc"] <= 1 for row in clf.history_)


def test_what_is_held_out_counts_for_no_prior(quick, shapes):
    X, y = shapes
    held_out = np.r_[0:6, 12:14]  # six of twelve, two of eight
    split = predefined_index_split(held_out)
    clf = quick(init="class_mean", net_params={"train_split": split}, max_epochs=1).fit(X, y)
    assert clf.class_counts_.tolist() == [6, 6, 4]
    np.testing.assert_allclose(clf.class_prior_, np.array([6, 6, 4]) / 16)
    alone = quick(init="class_mean", max_epochs=1, lr=1e-12)
    kept = np.setdiff1d(np.arange(24), held_out)
    expected = alone.fit(X[kept], y[kept]).model_.head.weight
    clf = clf.set_params(lr=1e-12).fit(X, y)
    torch.testing.assert_close(clf.model_.head.weight, expected)


def predefined_index_split(held_out):
    def split(dataset, y=None):
        kept = np.setdiff1d(np.arange(len(dataset)), held_out)
        return Subset(dataset, kept), Subset(dataset, held_out)

    return split


def test_an_interrupt_is_not_swallowed(quick, shapes):
    class Interrupt(Callback):
        def on_batch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    clf = quick(net_params={"callbacks": [Interrupt()]})
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*shapes)
    assert clf.history_ == [] and clf.predict(shapes[0]).shape == (24,)  # fitted so far


def test_progress_is_shown_on_request_only(quick, shapes, capfd):
    quick().fit(*shapes).predict(shapes[0])
    assert capfd.readouterr() == ("", "")
    quick(verbose=1).fit(*shapes)
    out, err = capfd.readouterr()
    assert out == "" and "6/6" in err and "epoch=2" in err


def test_the_model_goes_with_its_estimator(quick, shapes):
    clf = quick(verbose=1, net_params={"callbacks": [EarlyStopping("train_loss")]}).fit(*shapes)
    clf.predict(shapes[0])
    module = weakref.ref(clf.model_)
    gc.collect()
    gc.disable()
    try:
        del clf
        assert module() is None
    finally:
        gc.enable()


def test_pictures_are_not_kept(quick, shapes):
    X = shapes[0].copy()
    held = weakref.ref(X)
    clf = quick().fit(X, shapes[1])
    del X
    gc.collect()
    assert clf.net_ is not None and held() is None


@pytest.mark.parametrize(
    ("loss", "weighted"),
    [
        ("logit_adjusted", False),
        ("class_balanced", True),
        ("lade", False),
        ("lade", True),
        (Focal(top_fraction=0.6), True),
        (Focal(top_fraction=0.6, top_smoothing=0.1), True),
        (LADE(top_fraction=0.6, top_smoothing=0.1), True),
        (F.cross_entropy, False),
    ],
)
def test_parts_of_a_batch_add_up_to_the_batch(quick, shapes, loss, weighted):
    X, y = shapes
    weight = np.random.default_rng(0).uniform(0, 2, len(y)) if weighted else None
    # 24 pictures in batches of 7: the last batch, of 3, has parts of other sizes
    whole, parts = (
        quick(loss=loss, batch_size=7, compute__accumulate=n).fit(X, y, sample_weight=weight)
        for n in (1, 3)
    )
    for row, expected in zip(parts.history_, whole.history_, strict=True):
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-4)
        assert row["train_acc"] == expected["train_acc"]
    np.testing.assert_allclose(
        parts.decision_function(X), whole.decision_function(X), rtol=0, atol=2e-3
    )


def test_scores_of_skorch_see_labels_and_are_shown(quick, shapes, capfd):
    scoring = EpochScoring("accuracy", on_train=True, name="seen", lower_is_better=False)
    weight = np.ones(24)
    clf = quick(net_params={"callbacks": [scoring]}, verbose=1)
    clf.fit(*shapes, sample_weight=weight)
    assert f"seen={clf.history_[-1]['seen']:.3g}" in capfd.readouterr().err
    for row in clf.net_.history:
        assert row["seen"] == pytest.approx(row["train_acc"])
    seen = [row["seen"] for row in clf.history_]
    assert seen == [row["train_acc"] for row in clf.history_]
    noted = {"train_loss", "lr", "train_acc", "dur", "seen"}
    assert clf.history_[0].keys() == noted  # no numbers of epochs and batches, no "seen_best"


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", ["neg_log_loss", "roc_auc_ovr"])
def test_scores_of_skorch_see_probabilities(n_classes, name):
    rng = np.random.default_rng(0)
    y = np.arange(60) % n_classes
    X = rng.normal(size=(60, 8)) + np.eye(8)[y]
    split = ValidSplit(3, stratified=True)
    scoring = EpochScoring(name, name="seen", lower_is_better=False)
    given = {"callbacks": [scoring], "train_split": split}
    clf = LiftClassifier("precomputed", max_epochs=2, random_state=0, net_params=given)
    clf.fit(X, y)
    held_out = np.asarray(split(X, y)[1].indices)
    expected = get_scorer(name)(clf, X[held_out], y[held_out])
    assert clf.net_.history[-1]["seen"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("key", ["max_epochs", "module", "regularizer", "iterator_train"])
def test_net_params_leave_the_estimators_own_alone(quick, shapes, key):
    with pytest.raises(ValueError, match=rf"net_params can't set \['{key}'\]"):
        quick(net_params={key: 3}).fit(*shapes)


def test_no_batch_is_an_error(quick, shapes):
    clf = quick(batch_size=64, net_params={"iterator_train__drop_last": True})
    with pytest.raises(ValueError, match="drop_last leaves none"):
        clf.fit(*shapes)


def test_splits_that_give_no_subsets_are_refused(quick, shapes):
    with pytest.raises(ValueError, match="must split the training data in two subsets"):
        quick(net_params={"train_split": lambda data, y: (data, data)}).fit(*shapes)


def test_numpy_numbers_as_a_grid_gives_them(quick, shapes):
    params = {"batch_size": np.int64(8), "tta": np.int64(2), "max_epochs": np.int64(1)}
    clf = quick(**params).fit(*shapes)
    assert clf.predict(shapes[0]).shape == (24,)


def test_the_first_device_by_number(quick, shapes):
    clf = quick(device="cpu:0", init="class_mean").fit(*shapes)
    expected = quick(device="cpu", init="class_mean").fit(*shapes)
    assert np.array_equal(clf.predict_proba(shapes[0]), expected.predict_proba(shapes[0]))


def test_threads_build_the_same_model(quick, shapes):
    fit = delayed(lambda: quick(max_epochs=1).fit(*shapes).predict_proba(shapes[0]))
    results = Parallel(4, backend="threading")(fit() for _ in range(8))
    assert all(np.array_equal(results[0], other) for other in results)


@pytest.mark.slow
def test_workers_inside_workers(quick, shapes):
    search = GridSearchCV(
        quick(compute__num_workers=1, max_epochs=1), {"loss__tau": [0.5, 1]}, cv=2
    )
    search.set_params(n_jobs=2, error_score="raise").fit(*shapes)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class BuildsTorchLoss:
    """A user's recipe that knows nothing of ours."""

    def __init__(self, loss):
        self.loss = loss

    def build(self, class_counts, head):
        return self.loss


@pytest.mark.parametrize("loss", [torch.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy])
def test_a_recipe_may_build_any_loss(quick, shapes, loss):
    plain = quick(loss="cross_entropy").fit(*shapes).predict_proba(shapes[0])
    own = quick(loss=BuildsTorchLoss(loss)).fit(*shapes).predict_proba(shapes[0])
    np.testing.assert_allclose(own, plain, atol=1e-5)


def test_the_precision_of_predictions_can_be_changed(quick, shapes):
    clf = quick(compute__precision="bfloat16").fit(*shapes)
    rough = clf.decision_function(shapes[0])
    fine = clf.set_params(compute__precision="float32").decision_function(shapes[0])
    assert 0 < np.abs(fine - rough).max() < 0.5


def test_an_error_in_a_worker_is_the_error_itself(quick, shapes, tmp_path):
    from PIL import Image

    paths = [tmp_path / f"{i}.png" for i in range(24)]
    for path, image in zip(paths, shapes[0], strict=True):
        Image.fromarray(image).save(path)
    paths[13].write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"13\.png") as caught:
        quick(compute__num_workers=2).fit(paths, shapes[1])
    assert "DataLoader worker" not in str(caught.value)


def test_callbacks_are_a_list(quick, shapes):
    with pytest.raises(TypeError, match=r"net_params\['callbacks'\] must be a list, got 3"):
        quick(net_params={"callbacks": 3}).fit(*shapes)


@pytest.mark.parametrize("callback", [EarlyStopping, object(), "progress"])
def test_other_callbacks_are_refused(quick, shapes, callback):
    with pytest.raises(TypeError, match=r"callbacks'\]\[0\] is .*skorch callbacks .*set_callbacks"):
        quick(net_params={"callbacks": [callback]}).fit(*shapes)


def test_the_papers_spelling_of_a_backbone_is_understood():
    from sklift.backbones import resolve_spec

    assert resolve_spec("ViT-B/16").pretrained == "openai"


class TestRecompute:
    @pytest.mark.parametrize("adapter", ["adaptformer", ["vpt", "lora"], "full"])
    @pytest.mark.parametrize("augmentation", ["minimal", None])
    def test_same_model(self, quick, shapes, adapter, augmentation):
        settings = {"adapter": adapter, "augmentation": augmentation}
        kept, again = (quick(compute__recompute=r, **settings).fit(*shapes) for r in (False, True))
        for name, tensor in kept.model_.trained_state().items():
            other = again.model_.trained_state()[name]
            torch.testing.assert_close(tensor, other, atol=1e-6, rtol=1e-5, msg=name)

    @pytest.mark.parametrize("layers", [None, 2])
    def test_activations_are_let_go(self, quick, shapes, layers):
        """What a step keeps for its backward pass."""
        kept = {}
        for recompute in (False, True):
            sizes = kept[recompute] = []
            with torch.autograd.graph.saved_tensors_hooks(
                lambda t, sizes=sizes: sizes.append(t.nbytes) or t, lambda t: t
            ):
                params = {"adapter": AdaptFormer(2, layers=layers), "augmentation": None}
                quick(compute__recompute=recompute, max_epochs=1, init="random", **params).fit(
                    *shapes
                )
        assert sum(kept[True]) < 0.3 * sum(kept[False])

    def test_towers_without_blocks(self, shapes):
        with pytest.raises(
            ValueError, match=r"recompute=True: precomputed .* no transformer blocks"
        ):
            LiftClassifier("precomputed", compute__recompute=True).fit(np.eye(4), [0, 0, 1, 1])


class TestAhead:
    """Batches that a thread prepares while a GPU computes: here beside the CPU, to compare."""

    @pytest.fixture
    def ahead(self, monkeypatch):
        def switch():
            for module in (_net_arguments, _loading):
                monkeypatch.setattr(module, "n_ahead", lambda device, num_workers: 2)
            monkeypatch.setattr(
                _loader, "prepared_ahead", lambda b, n: used.append(n) or prepared_ahead(b, n)
            )
            return used

        used = []
        return switch

    @pytest.mark.parametrize(
        "params",
        [{}, {"validation_fraction": 0.25}, {"augmentation": None, "adapter": "feature"}],
        ids=str,
    )
    def test_same_model(self, quick, shapes, ahead, params):
        params |= {"compute__cache": False, "max_epochs": 3}
        wanted = quick(**params).fit(*shapes)
        predicted = wanted.predict_proba(shapes[0])
        used = ahead()
        ours = quick(**params).fit(*shapes)
        assert set(used) == {2}
        np.testing.assert_array_equal(ours.predict_proba(shapes[0]), predicted)

    def test_what_draws_numbers_stays_in_turn(self, quick, shapes, ahead):
        def noise(image):
            view = image[:, :40, :40].float() + torch.rand(1)
            return view.to(torch.uint8)

        used = ahead()
        quick(augmentation=noise).fit(*shapes)
        quick(net_params={"iterator_train__shuffle": False}).fit(*shapes)
        assert used == []

    def test_an_error_names_the_file(self, quick, shapes, ahead, tmp_path):
        from PIL import Image

        paths = [tmp_path / f"{i}.png" for i in range(24)]
        for path, image in zip(paths, shapes[0], strict=True):
            Image.fromarray(image).save(path)
        with open(paths[13], "r+b") as file:
            file.truncate(60)
        ahead()
        with pytest.raises(ValueError, match=r"13\.png"):
            quick(init="random").fit(paths, shapes[1])
