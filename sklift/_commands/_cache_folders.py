"""Folders with caches, as the commands that look into them are told."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

CACHE_HELP = """\
a folder that was given to an estimator as compute__cache, instead of the one for prepared data sets
(the environment variable SKLIFT_DATA, or else ~/.cache/sklift); may be repeated"""


def add_cache_folders(parser: argparse.ArgumentParser) -> None:
    """Declare ``--cache``."""
    parser.add_argument(
        "--cache", action="append", type=Path, metavar="FOLDER", dest="folders", help=CACHE_HELP
    )


def cache_folders(options: argparse.Namespace) -> list[Path]:
    """The folders that were named, or the one for prepared data sets."""
    home = Path(os.environ.get("SKLIFT_DATA") or "~/.cache/sklift")
    return [path.expanduser() for path in options.folders or [home]]


def total(files: Sequence[Path]) -> str:
    """Number and size of files: "2 files, 3.0 MB"."""
    size = sum(path.stat().st_size for path in files)
    return f"{len(files)} file{'s' * (len(files) != 1)}, {size / 1e6:.1f} MB"
