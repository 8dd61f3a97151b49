"""The cache files of sklift in a folder, recognised by their names."""

from __future__ import annotations

import re
from pathlib import Path

KINDS = {
    "rendered emoji": re.compile(r"openmoji-.+-\d+px-[0-9a-f]{8}\.npz"),
    "features": re.compile(r"features-\d+\.sqlite(-journal|-wal|-shm)?"),
    "decoded pictures": re.compile(r"pictures-\d+(\.sqlite(-journal|-wal|-shm)?|-\d+\.bin)"),
    "measured speeds": re.compile(r"speeds-\d+\.sqlite(-journal|-wal|-shm)?"),
    "tokens of frozen blocks": re.compile(r"tokens-\d+(\.sqlite(-journal|-wal|-shm)?|-\d+\.bin)"),
}


def cache_files(folder: Path) -> dict[str, list[Path]]:
    """The cache files of each kind in a folder; empty lists where the folder does not exist.

    Sub-folders are not searched, and links are ignored.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklift._store._cache_files import cache_files
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("features-1.sqlite", "my-features.sqlite"):
    ...     (folder / name).touch()
    >>> [path.name for path in cache_files(folder)["features"]]
    ['features-1.sqlite']
    """
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [path for path in entries if path.is_file() and not path.is_symlink()]
    return {
        kind: [path for path in files if name.fullmatch(path.name)] for kind, name in KINDS.items()
    }
