"""Folder of prepared data sets."""

from __future__ import annotations

import os
from pathlib import Path


def get_data_home(data_home: str | os.PathLike | None = None) -> Path:
    """Return the folder in which prepared data sets are kept; it is made if it is not there.

    Parameters
    ----------
    data_home : path-like or None, default=None
        The folder. None: the environment variable ``SKLIFT_DATA``, or else ``~/.cache/sklift``.

    Returns
    -------
    folder : pathlib.Path

    Examples
    --------
    >>> import tempfile
    >>> from sklift.datasets import get_data_home
    >>> get_data_home(tempfile.mkdtemp()).is_dir()
    True
    """
    home = Path(data_home or os.environ.get("SKLIFT_DATA") or "~/.cache/sklift").expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home
