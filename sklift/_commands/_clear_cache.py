"""``sklift clear-cache``: the deletion of what sklift keeps in its cache."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .._core._text import visible
from .._store._cache_files import cache_files
from ._cache_folders import add_cache_folders, cache_folders, total

DESCRIPTION = """\
Delete the files that sklift wrote into its cache, and no others. All of them
are made anew when they are needed. The exit code is 1 if a file could not be
deleted."""

EXAMPLES = """\
  sklift clear-cache
  sklift clear-cache --cache features"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_cache_folders(parser)


def run(options: argparse.Namespace) -> int:
    """Delete sklift's files in the folders; return 1 if a file could not be deleted."""
    return clear(cache_folders(options))


def clear(folders: list[Path]) -> int:
    """Delete sklift's files in some folders; return 1 if a file could not be deleted."""
    status = 0
    for folder in folders:
        files = [path for kind in cache_files(folder).values() for path in kind]
        for path in files:
            size = total([path]).rpartition(", ")[2]
            try:
                path.unlink()
            except OSError as error:
                print(visible(f"can't delete {path}: {error}"), file=sys.stderr)
                status = 1
            else:
                print(f"deleted {visible(path)} ({size})")
        if not files:
            print(f"nothing to delete in {visible(folder)}")
    return status
