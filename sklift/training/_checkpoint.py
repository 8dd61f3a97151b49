"""The recipe of checkpoints: a folder, how often, and what to do about those of other fits."""

from __future__ import annotations

import os
from numbers import Real
from pathlib import Path

from sklearn.base import BaseEstimator, clone

from .._core._sklearn import Interval, StrOptions, validate_params

__all__ = ["Checkpoint", "resolve_checkpoint"]


class Checkpoint(BaseEstimator):
    """The state of training in a folder, so that a fit goes on where it was stopped.

    It is written after each epoch and every ``minutes``. A ``fit`` with the same data and
    parameters goes on from there, after a crash for instance, and ends with the same model. Several
    fits, those of a search, may share the folder.

    Parameters
    ----------
    folder : path
        The folder, which is made where it is not there.
    minutes : float, default=10
        Minutes between checkpoints within an epoch.
    mismatch : {"restart", "raise"}, default="restart"
        The answer to a folder that holds only the unfinished training of other data or parameters:
        start afresh beside it, with a warning, or raise an error (not for searches, whose
        candidates are unfinished side by side).

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> clf = LiftClassifier(checkpoint="runs").set_params(checkpoint__minutes=5)
    >>> clf.checkpoint
    Checkpoint(folder='runs', minutes=5)
    """

    _parameter_constraints = {
        "folder": [str, os.PathLike],
        "minutes": [Interval(Real, 0, None, closed="left")],
        "mismatch": [StrOptions({"restart", "raise"})],
    }

    def __init__(self, folder, minutes=10, mismatch="restart") -> None:
        self.folder = folder
        self.minutes = minutes
        self.mismatch = mismatch

    def build(self) -> Path:
        """Check the settings, and return the folder.

        Raises
        ------
        TypeError, ValueError
            If a setting is of a wrong type or value.
        """
        validate_params(self)
        return Path(self.folder)


def resolve_checkpoint(value) -> Checkpoint | None:
    """Return the recipe of checkpoints: of a folder, a copy of one that is given, or None.

    Raises
    ------
    TypeError
        If ``value`` is none of these.

    Examples
    --------
    >>> from sklift.training import resolve_checkpoint
    >>> resolve_checkpoint("runs")
    Checkpoint(folder='runs')
    """
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)):
        return Checkpoint(value)
    if not isinstance(value, Checkpoint):
        raise TypeError(f"checkpoint must be a folder, a Checkpoint or None, got {value!r}")
    return clone(value)
