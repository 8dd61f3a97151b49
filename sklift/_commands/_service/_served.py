"""A trained classifier that predicts the contents of files, from whomever they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._estimator import resolve_recipe
from ...images._as_source import as_image_source
from ...images._read_errors import READ_ERRORS
from .._model_file import CLASSIFIERS, identity, load_model
from .._reading import Part
from .._reference import Reference, read_reference
from .._sets import read_threshold, sets_by

_BLANK = np.full((1, 64, 64, 3), 128, np.uint8)


class Picture(NamedTuple):
    """A picture of a request.

    Parameters
    ----------
    content : bytes
        Its file.
    n_pixels : int
        The number of its pixels; 0 where it is not known.
    refusal : str or None
        Why it is not predicted.
    """

    content: bytes
    n_pixels: int = 0
    refusal: str | None = None


class Served:
    """A classifier with what stands beside its file.

    Parameters
    ----------
    clf : LiftClassifier or ZeroShotClassifier
        The classifier; it stays as it is.
    name : str, optional
        What tells it from others.
    sets : callable, optional
        A function from probabilities to sets of labels.
    reference : Reference, optional
        Its predictions of pictures that it was not trained on.

    Raises
    ------
    TypeError
        If the classifier is none of this package.
    ValueError
        If it takes no pictures.
    """

    def __init__(
        self,
        clf,
        name: str | None = None,
        sets: Callable[[np.ndarray], list] | None = None,
        reference: Reference | None = None,
    ):
        if not isinstance(clf, CLASSIFIERS):
            kinds = ", or a fitted ".join(kind.__name__ for kind in CLASSIFIERS)
            raise TypeError(
                f"model must be the path of a file, a fitted {kinds}; got {type(clf).__name__}"
            )
        check_is_fitted(clf)
        if clf.backbone == "precomputed":
            raise ValueError("model was trained on features: a service takes pictures")
        self.clf = copy(clf).set_params(
            verbose=0, reader__on_error="skip", compute__cache=False, compute__num_workers=0
        )
        self.name = name
        self.sets = sets
        self.reference = reference
        self._reading = resolve_recipe("reader", clf.reader).build(_BLANK).reading
        self.clf.predict_proba(_BLANK)  # loads what is loaded late

    def look(self, content: bytes, max_megapixels: int) -> Picture:
        """Look at the first bytes of a file."""
        source = as_image_source([content], reading=self._reading)
        why = _error_of(source.check_header, 0)
        n_pixels = 0 if why else source.n_pixels(0)
        if n_pixels > max_megapixels * 1e6:
            why = f"it has {n_pixels / 1e6:.1f} million pixels; {max_megapixels} are taken"
        return Picture(content, n_pixels, why)

    def predict(self, contents: Sequence[bytes]) -> Part:
        """Probabilities of pictures in the contents of files, called "0", "1" and so on."""
        names = [str(i) for i in range(len(contents))]
        source = as_image_source(list(contents), reading=self._reading)
        values = self.clf.predict_proba(source)
        unread = np.isnan(values).any(axis=1)
        reasons = {
            names[i]: _error_of(source.__getitem__, i) or "it can't be read"
            for i in np.flatnonzero(unread).tolist()
        }
        return Part(names, values[~unread], reasons)


def load_served(
    path, device: str | None = None, settings: Mapping[str, Any] | None = None
) -> Served:
    """A classifier in a file, with its sets and its reference where they are beside it.

    Parameters
    ----------
    path : str
        The file.
    device : str, optional
        The one to compute on.
    settings : mapping, optional
        Parameters of predictions. With others than those that were held out there are no sets, and
        no reference.

    Raises
    ------
    OSError, ValueError
        If one of the files is damaged, or holds no classifier of pictures.
    """
    clf, name = load_model(path, device=device), identity(path, settings)
    if settings:
        return Served(clf.set_params(**settings), name)
    threshold = read_threshold(Path(path), name)
    reference = read_reference(Path(path), name, len(clf.classes_))
    if threshold is not None:  # as predict calls it
        name = identity(path, {"sets": threshold})
    return Served(clf, name, sets_by(clf, threshold), reference)


def _error_of(read: Callable[[int], Any], i: int) -> str | None:
    """Why a picture can't be read; None where it can."""
    try:
        read(i)
    except (*READ_ERRORS, ImportError) as error:
        return str(error).removeprefix(f"X[{i}]").removeprefix(":").strip()
    return None
