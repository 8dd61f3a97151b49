"""Settings of ``sklift fit`` in a file, from which it runs again."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from .._core._names import did_you_mean
from .._core._version import __version__

PATHS = ("pictures", "labels", "test", "output")  # relative to the file that names them
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(PATHS),
    "test_size": 0.2,
    "path_column": None,
    "label_column": None,
    "group_column": None,
    "parameters": {},
}


def config_beside(model: Path) -> Path:
    """The file of the settings that a model was trained by: "model.fit.json"."""
    return model.with_suffix(".fit.json")


def merged(options: argparse.Namespace, parameters: dict[str, Any]) -> dict[str, Any]:
    """What was given on the command line, else in the file of ``--config``, else the defaults."""
    chosen = DEFAULTS | (read(Path(options.config)) if options.config else {})
    given = {name: getattr(options, name, None) for name in DEFAULTS}
    given = {name: value for name, value in given.items() if value is not None}
    if "test_size" in given:  # a share of these pictures rather than the others of the file
        chosen["test"] = None
    return chosen | given | {"parameters": chosen["parameters"] | parameters}


def read(file: Path) -> dict[str, Any]:
    """Read settings.

    Raises
    ------
    ValueError
        If the file is not one of :func:`written`.
    OSError
        If it can't be read.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON ({error})") from error
    if not isinstance(content, dict) or content.pop("command", None) != "fit":
        raise ValueError(f"{file} has no settings of sklift fit")
    content.pop("version", None)
    for name, value in content.items():
        if name not in DEFAULTS:
            raise ValueError(
                f"{file} has an unknown setting {name!r}{did_you_mean(name, DEFAULTS)}"
            )
        if name in PATHS and not isinstance(value, (str, type(None))):
            raise ValueError(f"{file}: {name} must be a path, got {value!r}")
    if not isinstance(content.get("parameters", {}), dict):
        raise ValueError(f"{file}: parameters must be an object, name to value")
    places = {n: str(file.parent / content[n]) for n in PATHS if content.get(n) is not None}
    return content | places


def written(chosen: dict[str, Any], file: Path) -> str:
    """JSON text of settings for a file, with paths from its folder on, so that both can move."""
    places = {n: _relative(chosen[n], file.parent) for n in PATHS if chosen[n] is not None}
    kept = {name: chosen[name] for name in DEFAULTS}
    content = {"command": "fit", "version": __version__, **kept, **places}
    return json.dumps(content, indent=1) + "\n"


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return os.path.abspath(path)
