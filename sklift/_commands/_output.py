"""Words for people on stderr, results on stdout, and files that are complete or not there."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._core._text import counted, visible


def say(text: str) -> None:
    """Tell something that is no result, on stderr."""
    print(visible(text), file=sys.stderr, flush=True)


def tell_unreadable(unreadable: Mapping[str, str], n_most: int = 5) -> None:
    """Name files that could not be read, on stderr."""
    if not unreadable:
        return
    say(f"{counted(len(unreadable), 'picture')} could not be read:")
    for path, reason in list(unreadable.items())[:n_most]:
        say(f"  {path}: {reason}")
    if len(unreadable) > n_most:
        say(f"  ... and {len(unreadable) - n_most} more")


def bar(n: int, what: str):
    """A progress bar on stderr, if that is a terminal."""
    from tqdm import tqdm

    return tqdm(total=n, desc=what, unit="picture", disable=None)


def to_json(value: Any) -> str:
    """JSON text, with null for what is no number."""
    return json.dumps(_plain(value), indent=1)


def check_output(path: str, *, endings: tuple[str, ...] = ()) -> Path:
    """The path of a file to write, refused now rather than after hours of work.

    Raises
    ------
    ValueError
        If its ending is another one.
    OSError
        If its folder is not there or can't be written to.
    """
    file = Path(path)
    if endings and file.suffix.lower() not in endings:
        raise ValueError(f"the output {path} must end with {' or '.join(endings)}")
    if file.is_dir():
        raise IsADirectoryError(f"the output {path} is a folder: name a file in it")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {file.parent} for the output {path}")
    try:  # rights alone don't tell: file systems may be read-only, or no place for files
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise PermissionError(
            f"the folder {file.parent} of the output can't be written to"
        ) from error
    return file


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
