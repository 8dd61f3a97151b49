"""Estimators of files that were written by ``save``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..classifier import LiftClassifier
from ..zero_shot import ZeroShotClassifier

CLASSIFIERS = (LiftClassifier, ZeroShotClassifier)


def load_model(path: str, kinds: Sequence[type] = CLASSIFIERS, *, device: str | None = None) -> Any:
    """The fitted classifier in a file, which says of itself what it is.

    ``device``: the one to compute on, instead of that of the file.

    Raises
    ------
    ValueError
        If the file holds none of these kinds, or is damaged.
    OSError
        If it can't be read, or the weights of its backbone are not available.
    """
    from .._persistence._file import read

    name = read(path)[0].get("estimator")
    by_name: dict[str, Any] = {kind.__name__: kind for kind in kinds}
    if name not in by_name:
        raise ValueError(f"{path} holds a {name}; this command needs a {' or a '.join(by_name)}")
    return by_name[name].load(path, device=device).set_params(verbose=0)


def identity(file: str | Path, settings: Mapping[str, Any] | None = None) -> str:
    """What tells the model in a file, predicting with these settings, from others."""
    digest = hashlib.sha256(Path(file).read_bytes())
    digest.update(json.dumps(dict(settings or {}), sort_keys=True).encode())
    return digest.hexdigest()[:12]
