"""Training that is stopped, by whatever, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift.losses import Focal
from sklift.training import SGD


class Probe(Callback):
    """Does what the test wants; as a callback always the same, as its parameters count."""

    begin = end = start = None

    def on_train_begin(self, net, **kwargs):
        if Probe.start is not None:
            Probe.start()

    def on_batch_begin(self, net, training=False, **kwargs):
        row = net.history[-1]
        if training and Probe.begin is not None:
            Probe.begin(row["epoch"], len(row["batches"]))

    def on_batch_end(self, net, training=False, **kwargs):
        row = net.history[-1]
        if training and Probe.end is not None:
            Probe.end(row["epoch"], len(row["batches"]))


@pytest.fixture(autouse=True)
def _probe_is_idle(monkeypatch):
    for name in ("begin", "end", "start"):
        monkeypatch.setattr(Probe, name, None)


@pytest.fixture
def make(tmp_path):
    def make(**params):
        defaults = {
            "max_epochs": 4,
            "batch_size": 5,
            "compute__precision": "float32",
            "random_state": 0,
            "checkpoint": tmp_path / "checkpoints",
            "net_params": {"callbacks": [Probe()]},
        }
        return LiftClassifier("emoji-tiny", **{**defaults, **params})

    return make


def state(clf):
    return clf.model_.trained_state()


def assert_same(one, other):
    ours, theirs = state(one), state(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    times = ("dur",)
    strip = [
        [{k: v for k, v in r.items() if k not in times} for r in c.history_] for c in (one, other)
    ]
    assert strip[0] == strip[1]


def crash(clf, X, y, epoch, batch):
    """Fit until the power goes."""

    def power_cut(*now):
        if now == (epoch, batch):
            raise OSError("power cut")

    Probe.end = power_cut
    with pytest.raises(OSError, match="power cut"):
        clf.fit(X, y)
    Probe.end = None


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"optimizer": "adamw", "lr": 1e-3, "adapter": "lora"},
        {"sampler": "balanced", "loss": "ldam", "compute__accumulate": 2},
        {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 1},
        {"loss": Focal(top_fraction=0.5, top_smoothing=0.5)},
        {"optimizer": SGD(warmup_epochs=2.7, head_lr_factor=np.float64(3), schedule="linear")},
        {"regularizer": "distillation", "lr": 0.005},
    ],
    ids=[
        "default",
        "adamw",
        "sampler",
        "early_stopping",
        "threshold",
        "rates",
        "regularizer",
    ],
)
@pytest.mark.parametrize(("minutes", "batch"), [(10, 3), (0, 1), (0, 4)])
def test_it_ends_with_the_same_model(make, shapes, params, minutes, batch):
    undisturbed = make(checkpoint=None, **params).fit(*shapes)
    clf = make(checkpoint__minutes=minutes, **params)
    crash(clf, *shapes, 2, batch)
    made = []
    Probe.end = lambda *now: made.append(now)
    assert_same(clone(clf).fit(*shapes), undisturbed)
    # our callbacks come after the user's: the state is that after the batch before
    saved = batch - 1 if minutes == 0 else 0
    assert made[0] == (2, saved + 1)


def test_a_finished_fit_is_not_made_again(make, shapes):
    first = make().fit(*shapes)
    made = []
    Probe.end = lambda *now: made.append(now)
    assert_same(first, make().fit(*shapes))
    assert made == []


def test_a_seed_that_was_drawn_is_kept(make, shapes):
    clf = make(random_state=None)
    crash(clf, *shapes, 3, 1)
    (file,) = Path(clf.checkpoint).glob("*.pt")
    before = torch.load(file, weights_only=True)["seed"]
    assert len(make(random_state=None).fit(*shapes).history_) == 4
    (file,) = clf.checkpoint_dir.glob("*.pt")
    assert torch.load(file, weights_only=True)["seed"] == before


class TestOtherTraining:
    @pytest.fixture
    def stopped(self, make, shapes):
        crash(make(), *shapes, 2, 1)

    @pytest.mark.parametrize(
        ("params", "names"),
        [({"lr": 0.1}, "lr"), ({"loss__tau": 0.5}, "loss"), ({"max_epochs": 3}, "max_epochs")],
    )
    def test_parameters(self, make, shapes, stopped, params, names):
        clf = make(checkpoint__mismatch="raise").set_params(**params)
        with pytest.raises(ValueError, match=f"unfinished training .* differs in {names}; give"):
            clf.fit(*shapes)
        with pytest.warns(UserWarning, match=f"differs in {names}; this training starts afresh"):
            clf.set_params(checkpoint__mismatch="restart").fit(*shapes)
        assert len(clf.history_) == clf.max_epochs

    def test_data(self, make, shapes, stopped):
        X, y = shapes
        other = X.copy()
        other[0, 0, 0, 0] ^= 1
        clf = make(checkpoint__mismatch="raise")
        with pytest.raises(ValueError, match="differs in X;"):
            clf.fit(other, y)
        with pytest.raises(ValueError, match="differs in y;"):
            clf.fit(X, y[::-1])
        with pytest.raises(ValueError, match="differs in sample_weight;"):
            clf.fit(X, y, sample_weight=np.arange(1.0, 25))

    def test_what_changes_nothing_is_no_difference(self, make, shapes, stopped):
        clf = make(checkpoint__mismatch="raise", verbose=1, target_prior="train").fit(*shapes)
        assert len(clf.history_) == 4


def test_a_search_goes_on(make, shapes):
    grid, kwargs = {"lr": [0.01, 0.02, 0.03]}, {"cv": 2, "error_score": "raise"}
    expected = GridSearchCV(make(checkpoint=None), grid, **kwargs).fit(*shapes)
    n_fits = 0

    def power_cut():
        nonlocal n_fits
        n_fits += 1
        if n_fits == 4:
            raise OSError("power cut")

    Probe.start = power_cut
    with pytest.raises(OSError, match="power cut"):
        GridSearchCV(make(), grid, **kwargs).fit(*shapes)
    Probe.start, made = None, []
    Probe.end = lambda *now: made.append(now)
    search = GridSearchCV(make(), grid, **kwargs).fit(*shapes)
    assert len(made) == 3 * 4 * 3 + 4 * 5  # three of six folds, and the last fit
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    assert_same(search.best_estimator_, expected.best_estimator_)


class TestInterrupt:
    """Ctrl-C."""

    @pytest.fixture(autouse=True)
    def _as_in_a_terminal(self):
        """A process in the background may have been started with the signal ignored."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)

    @staticmethod
    def press(epoch, batch, times=1):
        def press(*now):
            if now == (epoch, batch):
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)

        Probe.begin = press

    def test_the_batch_is_finished_and_the_state_saved(self, make, shapes):
        undisturbed = make(checkpoint=None).fit(*shapes)
        self.press(2, 2)
        clf = make()
        with pytest.raises(KeyboardInterrupt):
            clf.fit(*shapes)
        assert len(clf.history_) == 1 and clf.predict(shapes[0]).shape == (24,)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        assert len(torch.load(file, weights_only=True)["resumed"]["batches"]) == 2
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        Probe.begin = None
        assert_same(make().fit(*shapes), undisturbed)

    def test_twice_is_at_once(self, make, shapes):
        self.press(2, 2, times=2)
        clf = make()
        with pytest.raises(KeyboardInterrupt):
            clf.fit(*shapes)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        assert torch.load(file, weights_only=True)["resumed"] is None

    def test_a_search_ends(self, make, shapes):
        self.press(1, 1)
        with pytest.raises(KeyboardInterrupt):
            GridSearchCV(make(checkpoint=None), {"lr": [0.1, 0.2]}, cv=2).fit(*shapes)

    def test_other_threads_leave_signals_alone(self, make, shapes):
        clf = make(checkpoint=None)
        thread = threading.Thread(target=clf.fit, args=shapes)
        thread.start()
        thread.join()
        assert clf.predict(shapes[0]).shape == (24,)

    def test_partial_fit(self, make, shapes):
        self.press(1, 1)
        clf = make()
        with pytest.raises(KeyboardInterrupt):
            clf.partial_fit(*shapes, classes=np.unique(shapes[1]))
        assert clf.predict(shapes[0]).shape == (24,)


class TestFiles:
    def test_a_full_disk_loses_nothing(self, make, shapes, monkeypatch):
        crash(make(), *shapes, 2, 1)
        clf = make()
        (file,) = Path(clf.checkpoint).glob("*.pt")
        before = file.read_bytes()

        def full(state, file):
            file.write(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(torch, "save", full)
        with pytest.warns(
            UserWarning, match="No space left on device.*last one .* stays"
        ) as record:
            clf.fit(*shapes)
        assert len(record) == 1 and len(clf.history_) == 4
        assert [path.name for path in Path(clf.checkpoint).iterdir()] == [file.name]
        assert file.read_bytes() == before

    @pytest.mark.parametrize("content", [b"", b"nonsense" * 50, None])
    def test_a_damaged_file_says_so(self, make, shapes, content):
        clf = make().fit(*shapes)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        file.write_bytes(file.read_bytes()[:-200] if content is None else content)
        with pytest.raises(ValueError, match=r"checkpoint .*\.pt can.t be read.*delete it"):
            make().fit(*shapes)

    def test_no_code_is_run_from_a_file(self, make, shapes, tmp_path):
        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "pwned"),)

        clf = make().fit(*shapes)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        torch.save({"format": 1, "identity": {}, "finished": False, "x": Evil()}, file)
        with pytest.raises(ValueError, match="can't be read"):
            make().fit(*shapes)
        assert not (tmp_path / "pwned").exists()


def test_kill_9(tmp_path, shapes):
    np.savez(tmp_path / "data.npz", X=shapes[0], y=shapes[1])
    program = textwrap.dedent(
        """
        import os, signal, sys
        import numpy as np, torch
        from skorch.callbacks import Callback
        from sklift import LiftClassifier

        class Kill(Callback):
            n = 0
            def on_batch_end(self, net, **kwargs):
                self.n += 1
                if self.n == int(sys.argv[2]):
                    os.kill(os.getpid(), signal.SIGKILL)

        data = np.load(sys.argv[1] + "/data.npz")
        clf = LiftClassifier(
            "emoji-tiny", max_epochs=3, batch_size=5, random_state=0, checkpoint__minutes=0,
            checkpoint=sys.argv[1] + "/" + sys.argv[3], net_params={"callbacks": [Kill()]},
        ).fit(data["X"], data["y"])
        torch.save(clf.model_.trained_state(), sys.argv[1] + "/" + sys.argv[3] + ".pt")
        """
    )

    def run(kill_at, name):
        command = [sys.executable, "-c", program, str(tmp_path), str(kill_at), name]
        return subprocess.run(command, capture_output=True, text=True).returncode

    assert run(0, "undisturbed") == 0
    assert [run(n, "killed") for n in (4, 6, 0)] == [-9, -9, 0]
    one, other = (torch.load(tmp_path / f"{n}.pt") for n in ("undisturbed", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)
