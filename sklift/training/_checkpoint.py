"""The recipe of checkpoints: their folder, and the time between them."""

from __future__ import annotations

import os
from numbers import Real
from pathlib import Path

from sklearn.base import BaseEstimator, clone

from .._core._sklearn import Interval, StrOptions, validate_params

__all__ = ["Checkpoint", "resolve_checkpoint"]


class Checkpoint(BaseEstimator):
    """Checkpoints of training in a folder, from which an interrupted fit continues.

    The state of training is written after each epoch and every ``minutes``. After a crash, for
    instance, a ``fit`` with the same data and parameters continues from this state, and ends with
    the same model. Several fits, such as those of a search, may share the folder.

    Parameters
    ----------
    folder : path
        The folder, which is created if necessary.
    minutes : float, default=10
        Minutes between checkpoints within an epoch.
    mismatch : {"restart", "raise"}, default="restart"
        The reaction if the folder holds only unfinished training of other data or parameters:
        "restart" starts a new training beside it, with a warning; "raise" raises an error. The
        latter does not suit searches, which have several unfinished candidates at once.

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
    """Return the recipe of checkpoints: for a folder, a copy of a given recipe, or None.

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
