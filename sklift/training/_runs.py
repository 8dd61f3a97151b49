"""Runs of experiment trackers: one for each fit, with its hyperparameters and its figures."""

from __future__ import annotations

import json
import secrets
from abc import abstractmethod
from hashlib import blake2b
from typing import Any

from sklearn.base import BaseEstimator


class Runs(BaseEstimator):
    """Base of callbacks that write a run for each fit: skorch calls them as it calls its own.

    A search copies callbacks for each of its fits: they hold settings only until training begins,
    and then a run of their own.
    """

    _run: Any = None

    def on_train_begin(self, net, **kwargs) -> None:
        """Open a run."""
        if not net.is_first:  # of several processes, which train together
            return
        values = net.hyperparameters
        text = json.dumps(values, sort_keys=True, default=str)
        group = blake2b(text.encode(), digest_size=4).hexdigest()
        self._last: dict[str, float] = {}
        self._run = self._open(f"{group}-{secrets.token_hex(3)}", group, values)

    def on_epoch_end(self, net, **kwargs) -> None:
        """Write the figures of the epoch."""
        if self._run is not None:
            self._last = net.figures
            self._log(self._last, len(net.history))

    def on_train_end(self, net, X=None, **kwargs) -> None:
        """Close the run, which has failed if there is no training data any more."""
        if self._run is not None:
            self._close(self._last, X is None)
            self._run = None

    def initialize(self) -> Runs:
        """Return the callback: nothing is to be done before training."""
        return self

    def on_epoch_begin(self, net, **kwargs) -> None:
        """Do nothing, as at all other moments."""

    on_batch_begin = on_batch_end = on_grad_computed = on_epoch_begin

    @abstractmethod
    def _open(self, name: str, group: str, hyperparameters: dict[str, Any]) -> Any:
        """Open a run; fits of the same hyperparameters, as of a candidate, are a group."""

    @abstractmethod
    def _log(self, figures: dict[str, float], epoch: int) -> None:
        """Write the figures of an epoch, counted from 1."""

    @abstractmethod
    def _close(self, figures: dict[str, float], failed: bool) -> None:
        """Close the run, whose last figures these are."""

    def __getstate__(self) -> dict:
        """The settings: a run is of one process and one fit."""
        return {name: value for name, value in vars(self).items() if name[0] != "_"}


def missing(package: str, error: ImportError) -> ImportError:
    """The error of a tracker that is not installed."""
    return ImportError(f'{error}: pip install "scikit-lift[{package}]"')


class TensorBoardRuns(Runs):
    """Runs in a folder for TensorBoard, one for each fit: a callback of ``net_params``.

    Parameters
    ----------
    folder : path, default="runs"
        The folder. Each run is a sub-folder, whose name begins alike for all fits of the same
        hyperparameters, as for the folds of a candidate. They stand in the tab "HParams".

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.training import TensorBoardRuns
    >>> clf = LiftClassifier(net_params={"callbacks": [TensorBoardRuns("runs")]})
    """

    def __init__(self, folder="runs") -> None:
        self.folder = folder

    def _open(self, name, group, hyperparameters):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise missing("tensorboard", error) from error
        self._hyperparameters = {k: _simple(v) for k, v in hyperparameters.items()}
        return SummaryWriter(f"{self.folder}/{name}")

    def _log(self, figures, epoch):
        for name, value in figures.items():
            self._run.add_scalar(name, value, epoch)

    def _close(self, figures, failed):
        if figures:
            figures = {f"last/{name}": value for name, value in figures.items()}
            self._run.add_hparams(self._hyperparameters, figures, run_name=".")
        self._run.close()


class MLflowRuns(Runs):
    """Runs of MLflow, one for each fit: a callback of ``net_params``.

    Parameters
    ----------
    uri : str, optional
        Where MLflow keeps runs, such as ``"sqlite:///runs.db"`` or the address of a server. By
        default where it always does.
    experiment : str, default="sklift"
        The experiment. Fits of the same hyperparameters, as the folds of a candidate, have the same
        tag "group".

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.training import MLflowRuns
    >>> runs = MLflowRuns("sqlite:///runs.db", experiment="birds")
    >>> clf = LiftClassifier(net_params={"callbacks": [runs]})
    """

    def __init__(self, uri=None, experiment="sklift") -> None:
        self.uri = uri
        self.experiment = experiment

    def _open(self, name, group, hyperparameters):
        try:
            from mlflow import MlflowClient
            from mlflow.entities import Param
        except ImportError as error:
            raise missing("mlflow", error) from error
        # a client, not MLflow's present run: that is one for all threads, and stays after a failure
        self._client = MlflowClient(self.uri)
        known = self._client.get_experiment_by_name(self.experiment)
        number = known.experiment_id if known else self._client.create_experiment(self.experiment)
        run = self._client.create_run(number, run_name=name, tags={"group": group}).info.run_id
        params = [Param(k, str(v)) for k, v in hyperparameters.items()]
        self._client.log_batch(run, params=params)
        return run

    def _log(self, figures, epoch):
        for name, value in figures.items():
            self._client.log_metric(self._run, name, value, step=epoch)

    def _close(self, figures, failed):
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")


class WandbRuns(Runs):
    """Runs of Weights & Biases, one for each fit: a callback of ``net_params``.

    Parameters
    ----------
    project : str, default="sklift"
        The project. Fits of the same hyperparameters, as the folds of a candidate, are a group.
    options : dict, optional
        More arguments of ``wandb.init``, such as ``{"mode": "offline", "dir": "runs"}``.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.training import WandbRuns
    >>> runs = WandbRuns("birds", {"mode": "offline"})
    >>> clf = LiftClassifier(net_params={"callbacks": [runs]})
    """

    def __init__(self, project="sklift", options=None) -> None:
        self.project = project
        self.options = options

    def _open(self, name, group, hyperparameters):
        try:
            import wandb
        except ImportError as error:
            raise missing("wandb", error) from error
        own = {"name": name, "group": group, "config": hyperparameters, "reinit": "create_new"}
        return wandb.init(project=self.project, **own | dict(self.options or {}))

    def _log(self, figures, epoch):
        self._run.log(figures, step=epoch)

    def _close(self, figures, failed):
        self._run.finish(exit_code=int(failed))


def _simple(value) -> bool | float | int | str:
    """A value as TensorBoard takes it."""
    return value if isinstance(value, (bool, int, float, str)) else str(value)
