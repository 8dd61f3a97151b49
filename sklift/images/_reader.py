"""Recipe of reading: from X to pictures, and the treatment of unreadable files."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from .._core._recipes import resolve
from .._core._sklearn import StrOptions, validate_params
from ._as_source import as_image_source
from ._sources import ImageSource

__all__ = ["READERS", "Reader", "resolve_reader"]


class Reader(BaseEstimator):
    """Reader of X: files, arrays, tensors, PIL images or data sets.

    Parameters
    ----------
    image_shape : tuple of int, optional
        ``(h, w)`` or ``(h, w, c)`` of pictures that come as flattened rows of a 2-D array.
    on_error : {"raise", "skip"}, default="raise"
        Treatment of files that ``fit`` can't read: raise an error, or leave them out, with a
        warning that names them; see ``skipped_``. Predictions always raise.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.images import Reader
    >>> len(Reader(image_shape=(4, 5)).build(np.zeros((3, 20), np.uint8)))
    3
    """

    _parameter_constraints = {
        "image_shape": [tuple, list, None],
        "on_error": [StrOptions({"raise", "skip"})],
    }

    def __init__(self, image_shape=None, on_error="raise") -> None:
        self.image_shape = image_shape
        self.on_error = on_error

    def build(self, X, *, must_exist: bool = True) -> ImageSource:
        """Return the pictures of X, which are decoded when they are asked for.

        Parameters
        ----------
        X : file paths, pictures or data set
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes.
        must_exist : bool, default=True
            Whether a missing file is an error now, rather than when it is read.

        Raises
        ------
        TypeError, ValueError
            If X or a setting is not usable.
        FileNotFoundError
            If files are missing.
        """
        self.check()
        return as_image_source(X, self.image_shape, must_exist=must_exist)

    def check(self) -> None:
        """Raise an error for a setting of a wrong type or value."""
        validate_params(self)


READERS = {"auto": Reader}


def resolve_reader(value) -> Reader:
    """Return the recipe of reading that ``value`` names or is.

    Examples
    --------
    >>> from sklift.images import resolve_reader
    >>> resolve_reader("auto")
    Reader()
    """
    return resolve(value, READERS, "reader")
