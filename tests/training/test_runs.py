"""Runs of trackers: one for each fit, of searches too. The trackers are stand-ins that remember."""

from __future__ import annotations

import sys
from collections import defaultdict
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklift import LiftClassifier
from sklift.training import MLflowRuns, TensorBoardRuns, WandbRuns

RUNS: dict = {}


class Remembered:
    """What a tracker was told, of whichever kind."""

    def __init__(self, name, hyperparameters=None, group=None):
        assert name not in RUNS
        RUNS[name] = self
        self.name, self.hyperparameters, self.group = name, hyperparameters, group
        self.figures, self.last, self.ended = defaultdict(dict), None, None

    def add_scalar(self, name, value, epoch):
        assert type(value) is float
        self.figures[epoch][name] = value

    def add_hparams(self, hyperparameters, figures, run_name):
        assert run_name == "." and all(
            isinstance(value, (bool, int, float, str)) for value in hyperparameters.values()
        )
        self.hyperparameters, self.last = hyperparameters, figures

    def close(self):
        self.ended = "closed"

    def log(self, figures, step):
        self.figures[step] |= figures

    def finish(self, exit_code):
        self.ended = exit_code


class Client:
    """MLflow's, for one experiment."""

    names: list = []

    def __init__(self, uri):
        assert uri == "sqlite:///runs.db"

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id="7") if name in self.names else None

    def create_experiment(self, name):
        self.names.append(name)
        return "7"

    def create_run(self, experiment, run_name, tags):
        assert experiment == "7"
        Remembered(run_name, group=tags["group"])
        return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

    def log_batch(self, run, params):
        RUNS[run].hyperparameters = dict(params)

    def log_metric(self, run, name, value, step):
        RUNS[run].figures[step][name] = value

    def set_terminated(self, run, status):
        RUNS[run].ended = status


def stand_in(name, **content):
    module = ModuleType(name)
    vars(module).update(content)
    return module


@pytest.fixture(autouse=True)
def trackers(monkeypatch):
    RUNS.clear()
    Client.names.clear()

    def writer(folder):
        place, _, name = folder.rpartition("/")
        assert place == "runs"
        return Remembered(name, group=name.partition("-")[0])

    def init(project, name, group, config, reinit, mode):
        assert (project, reinit, mode) == ("birds", "create_new", "offline")
        return Remembered(name, config, group)

    for module in (
        stand_in("torch.utils.tensorboard", SummaryWriter=writer),
        stand_in("mlflow", MlflowClient=Client),
        stand_in("mlflow.entities", Param=lambda key, value: (key, value)),
        stand_in("wandb", init=init),
    ):
        monkeypatch.setitem(sys.modules, module.__name__, module)


KINDS = {
    "tensorboard": (lambda: TensorBoardRuns("runs"), "closed", "closed"),
    "mlflow": (lambda: MLflowRuns("sqlite:///runs.db", "birds"), "FINISHED", "FAILED"),
    "wandb": (lambda: WandbRuns("birds", {"mode": "offline"}), 0, 1),
}


def rows():
    y = np.repeat(["a", "b", "c"], [12, 8, 6])
    X = np.random.default_rng(0).normal(size=(26, 8)).astype(np.float32)
    return X + np.eye(8, dtype=np.float32)[np.unique(y, return_inverse=True)[1]], y


def classifier(callback, **params):
    params = {"max_epochs": 2, "random_state": 0, "validation_fraction": 0.2} | params
    return LiftClassifier("precomputed", net_params={"callbacks": [callback]}, **params)


@pytest.mark.parametrize("kind", KINDS)
def test_each_fit_of_a_search_has_a_run(kind):
    make, finished, _ = KINDS[kind]
    grid = {"lr": [0.1, 0.2], "loss__tau": [0.5]}
    search = GridSearchCV(classifier(make()), grid, cv=2).fit(*rows())
    assert len(RUNS) == 5 and {run.ended for run in RUNS.values()} == {finished}
    of_rate = defaultdict(set)
    for run in RUNS.values():
        of_rate[str(run.hyperparameters["lr"])].add(run.group)
        assert str(run.hyperparameters["loss__tau"]) == "0.5"
        assert run.name.startswith(f"{run.group}-") and sorted(run.figures) == [1, 2]
    assert sorted(of_rate) == ["0.1", "0.2"]
    assert len(set.union(*of_rate.values())) == 2  # one for each candidate
    last = list(RUNS.values())[-1]
    history = search.best_estimator_.history_
    assert [last.figures[1], last.figures[2]] == history and "valid_acc" in history[0]
    if kind == "tensorboard":
        assert last.last == {f"last/{name}": value for name, value in history[-1].items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_fails_ends_its_run(kind):
    make, _, failed = KINDS[kind]
    callback = make()
    with pytest.raises(FloatingPointError):
        classifier(callback, lr=1e38).fit(*rows())
    (run,) = RUNS.values()
    assert run.ended == failed
    classifier(callback).fit(*rows())
    assert len(RUNS) == 2  # it has kept nothing of the first


def test_a_pass_of_partial_fit_has_one_epoch_more():
    clf = classifier(TensorBoardRuns("runs"), validation_fraction=None)
    X, y = rows()
    clf.partial_fit(X, y, classes=["a", "b", "c"]).partial_fit(X, y)
    assert [sorted(run.figures) for run in RUNS.values()] == [[1], [2]]


def test_one_process_of_several_writes():
    callback = TensorBoardRuns("runs")
    callback.on_train_begin(SimpleNamespace(is_first=False))
    net = SimpleNamespace(history=[{}], figures={})
    callback.on_epoch_end(net)
    callback.on_train_end(net)
    assert not RUNS


@pytest.mark.parametrize("kind", KINDS)
def test_missing_packages_are_named(kind, monkeypatch):
    name = {"tensorboard": "torch.utils.tensorboard"}.get(kind, kind)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf'pip install "scikit-lift\[{kind}\]"'):
        classifier(KINDS[kind][0]()).fit(*rows())
