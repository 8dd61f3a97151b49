"""JSON files beside a model, each of that model alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .._store._atomic import replace_file

Value = TypeVar("Value")


def write_beside(file: Path, content: Mapping[str, Any] | None, identity: str) -> None:
    """Write what belongs to a model; without content, remove that of an earlier one of its name.

    Parameters
    ----------
    file : Path
        The file beside it.
    content : mapping or None
        What JSON holds.
    identity : str
        What tells the model from others.
    """
    if content is None:
        file.unlink(missing_ok=True)
        return
    replace_file(file, (json.dumps({**content, "model": identity}) + "\n").encode())


def read_beside(
    file: Path, identity: str, parse: Callable[[dict[str, Any]], Value], lacks: str
) -> Value | None:
    """What was written for a model; None if there is none, or only that of another model.

    Parameters
    ----------
    file : Path
        The file beside it.
    identity : str
        What tells the model from others.
    parse : callable
        A function from the content of the file to what is returned. What it raises is told.
    lacks : str
        What is said of a file that can't be parsed, as in "is no ...".

    Raises
    ------
    ValueError
        If the file is damaged, or ``parse`` refuses it.
    """
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return parse(content) if content["model"] == identity else None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{file} {lacks} ({error}): remove it, or train the model again"
        ) from error
