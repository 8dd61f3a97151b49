"""Training that is stopped, by whatever, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch.nn import functional as F

from sklift import LiftClassifier
from sklift._fitting import _code
from sklift._net import _checkpoint
from sklift._store._private import warn_if_open
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
    (file,) = Path(clf.checkpoint).glob("*.pt")
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


class TestSharedFolder:
    """Of many fits."""

    @pytest.fixture
    def blobs(self):
        rng = np.random.default_rng(0)
        return rng.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 3

    @pytest.fixture
    def make_small(self, tmp_path):
        def make(**params):
            settings = {"max_epochs": 1, "random_state": 0, "checkpoint": tmp_path, **params}
            return LiftClassifier("precomputed", **settings)

        return make

    def test_a_fit_reads_no_more_files_than_the_one_before(self, make_small, blobs, monkeypatch):
        read, load = [], torch.load
        monkeypatch.setattr(torch, "load", lambda *a, **k: read.append(a) or load(*a, **k))
        for i in range(12):
            make_small(lr=0.01 * (i + 1)).fit(*blobs)
        assert read == []
        make_small(lr=0.01).fit(*blobs)
        assert len(read) == 1  # its own

    def test_a_few_are_read_where_many_are_unfinished(
        self, make_small, blobs, tmp_path, monkeypatch
    ):
        for i in range(6):
            make_small(lr=0.01 * (i + 1)).fit(*blobs)
        for path in tmp_path.glob("finished-*.pt"):
            path.rename(tmp_path / path.name.replace("finished", "fit"))
        read, load = [], torch.load
        monkeypatch.setattr(torch, "load", lambda *a, **k: read.append(a) or load(*a, **k))
        with pytest.warns(UserWarning, match="differs in lr; this training starts afresh"):
            make_small(lr=0.5).fit(*blobs)
        assert len(read) == 1

    @pytest.mark.parametrize("bound", ["number", "size"])
    def test_finished_ones_are_bounded(self, make_small, blobs, tmp_path, monkeypatch, bound):
        make_small(lr=0.01).fit(*blobs)
        (first,) = tmp_path.glob("finished-*.pt")
        os.utime(first, (1000, 1000))
        if bound == "number":
            monkeypatch.setattr(_checkpoint, "MOST_FINISHED", 3)
        else:
            monkeypatch.setattr(_checkpoint, "MOST_BYTES", int(3.5 * first.stat().st_size))
        for i in range(4):
            make_small(lr=0.1 * (i + 1)).fit(*blobs)
            assert len(list(tmp_path.iterdir())) == min(i + 2, 3)
            assert first.exists() == (i < 2)

    def test_a_clock_that_was_ahead_costs_no_new_one(
        self, make_small, blobs, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(_checkpoint, "MOST_FINISHED", 2)
        for lr in (0.1, 0.2):
            make_small(lr=lr).fit(*blobs)
        old = list(tmp_path.iterdir())
        for path in old:
            os.utime(path, (2e9 + 1e9, 2e9 + 1e9))
        make_small(lr=0.3).fit(*blobs)
        assert len(list(tmp_path.iterdir())) == 2
        assert len(set(tmp_path.iterdir()) - set(old)) == 1

    def test_one_that_is_larger_than_the_bound_is_kept(
        self, make_small, blobs, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(_checkpoint, "MOST_BYTES", 10)
        for lr in (0.1, 0.2):
            make_small(lr=lr).fit(*blobs)
            assert len(list(tmp_path.iterdir())) == 1


class Penalty:
    """A loss whose code is changed by the tests."""

    factor = 1.0

    def __call__(self, logits, target):
        return F.cross_entropy(logits, target) * self.factor


class WithLock(Penalty):
    def __init__(self):
        self.lock = threading.Lock()

    def __deepcopy__(self, memo):
        return WithLock()


class TestStaleModels:
    """A finished fit is given back only where nothing has changed that it came from."""

    @pytest.fixture
    def trained(self, make, shapes):
        def trained(loss) -> int:
            """How many batches a fit has trained."""
            made = []
            Probe.end = lambda *now: made.append(now)
            make(loss=loss, max_epochs=1).fit(*shapes)
            return len(made)

        return trained

    def test_code_of_a_class(self, trained, monkeypatch):
        assert [trained(Penalty()), trained(Penalty())] == [5, 0]
        monkeypatch.setattr(Penalty, "__call__", lambda self, z, t: F.cross_entropy(z, t) * 2)
        assert [trained(Penalty()), trained(Penalty())] == [5, 0]

    def test_values_of_a_class(self, trained, monkeypatch):
        assert trained(Penalty()) == 5
        monkeypatch.setattr(Penalty, "factor", 2.0)
        assert trained(Penalty()) == 5

    def test_a_private_setting(self, trained):
        one, other = Penalty(), Penalty()
        other._hidden = 1
        assert [trained(one), trained(other), trained(one)] == [5, 5, 0]

    def test_another_version_of_this_package(self, trained, monkeypatch):
        assert trained(Penalty()) == 5
        monkeypatch.setattr(_code, "_version", lambda name: "9.9")
        assert trained(Penalty()) == 5

    def test_what_cannot_be_seen_starts_afresh_and_says_so(self, trained):
        with pytest.warns(UserWarning, match=r"loss \(holds a lock\) .* starts afresh"):
            assert [trained(WithLock()), trained(WithLock())] == [5, 5]


@pytest.mark.usefixtures("in_a_terminal")
class TestInterrupt:
    """Ctrl-C."""

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
        assert torch.load(file, weights_only=True)["resumed"]["batches"]["n"] == 2
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

    @pytest.mark.parametrize("how", ["torch", "system", "anything"])
    def test_each_write_may_fail(self, make, shapes, monkeypatch, how):
        """Torch tells of a full disk by an error of its own."""
        undisturbed = make(checkpoint=None).fit(*shapes)
        error = {
            "torch": RuntimeError("[enforce fail at inline_container.cc] . file write failed"),
            "system": OSError(28, "No space left on device"),
            "anything": ValueError("no pickle for you"),
        }[how]

        def full(state, file):
            file.write(b"half")
            raise error

        monkeypatch.setattr(torch, "save", full)
        clf = make(checkpoint__minutes=0)
        with pytest.warns(UserWarning, match="could not be written.*training goes on") as record:
            clf.fit(*shapes)
        assert len(record) == 1 and list(Path(clf.checkpoint.folder).iterdir()) == []
        assert_same(clf, undisturbed)

    @pytest.mark.parametrize("name", ["file/folder", "a" * 300])
    def test_a_folder_that_cannot_be_made(self, make, shapes, tmp_path, name):
        (tmp_path / "file").touch()
        clf, made = make(checkpoint=tmp_path / name), []
        Probe.start = lambda: made.append(len(record))
        with pytest.warns(UserWarning, match="could not be written.*training goes on") as record:
            clf.fit(*shapes)
        assert len(record) == 1 and len(clf.history_) == 4

    def test_the_folder_is_private(self, make, shapes):
        clf = make().fit(*shapes)
        assert Path(clf.checkpoint).stat().st_mode & 0o777 == 0o700
        Path(clf.checkpoint).chmod(0o777)
        warn_if_open.cache_clear()
        with pytest.warns(UserWarning, match="others can write to the folder"):
            make(lr=0.1).fit(*shapes)

    def test_a_bit_that_has_changed_is_seen(self, make, shapes):
        clf = make().fit(*shapes)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        whole = file.read_bytes()
        weights = clf.model_.trained_state()["head.weight"].numpy().tobytes()
        damaged = bytearray(whole)
        damaged[whole.index(weights) + 5] ^= 1  # torch doesn't look at the checksums of the file
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="can't be read, it is damaged"):
            make().fit(*shapes)
        file.write_bytes(whole)
        assert_same(make().fit(*shapes), clf)

    def test_another_version_of_the_format_is_named(self, make, shapes):
        clf = make().fit(*shapes)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        for version in (1, 4):
            torch.save({"format": version, "something": "else"}, file)
            with pytest.raises(ValueError, match=f"is of checkpoint format {version}, this ver"):
                make().fit(*shapes)

    def test_values_that_stand_in_each_other_end(self, make, shapes):
        clf = make().fit(*shapes)
        (file,) = Path(clf.checkpoint).glob("*.pt")
        state = torch.load(file, weights_only=True)
        loop, wide = [], []
        loop.append(loop)
        wide += [wide] * 100
        for change in (
            {"history": loop},
            {"history": wide},
            {"random_state": torch.zeros(1).expand(10**12)},
        ):
            torch.save({**state, **change}, file)
            tracemalloc.start()
            with pytest.raises(ValueError, match="can't be read, it is damaged"):
                make().fit(*shapes)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 1 << 29

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
