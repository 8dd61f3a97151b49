"""Estimators of files that were written by ``save``."""

from __future__ import annotations

from typing import Any


def load_model(path: str, kinds: tuple[str, ...] = ("LiftClassifier", "ZeroShotClassifier")) -> Any:
    """The fitted classifier in a file, which says of itself what it is.

    Raises
    ------
    ValueError
        If the file holds none of these kinds, or is damaged.
    OSError
        If it can't be read, or the weights of its backbone are not available.
    """
    import sklift

    from .._persistence._file import read

    kind = read(path)[0].get("estimator")
    if kind not in kinds:
        raise ValueError(f"{path} holds a {kind}; this command needs a {' or a '.join(kinds)}")
    return getattr(sklift, kind).load(path).set_params(verbose=0)
