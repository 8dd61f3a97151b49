"""The stores for one value of the setting ``cache``."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ._features import StoredFeatures
from ._folder_arrays import stored_arrays
from ._memory import MemoryArrays
from ._speeds import StoredSpeeds

_MOST_FEATURES = 1 << 28
_MOST_TOKENS = 1 << 30
_MOST_PICTURES = 1 << 30
_MOST_IN_FOLDER = 1 << 34


class Cache:
    """Stores of features, of tokens of frozen blocks, and of decoded pictures.

    Each attribute is a store or None. A store has ``find(keys)``, which returns a dict of the
    stored arrays; ``add(arrays, make_room=True)``, which stores a dict of arrays while there is
    room; ``max_bytes``, its bound; and ``outlives_process``: whether other processes see its
    arrays, so that keys must depend on contents, not on paths. No store touches a disk before its
    first use. No store fails: an array that can't be read or written causes a warning and is
    computed anew.

    Parameters
    ----------
    features, tokens, pictures : store, optional
        The stores. None: nothing of that sort is stored.
    speeds : StoredSpeeds, optional
        Measured speeds of this machine; None where the memory of the process is all.
    folder : Path, optional
        The folder of the stores; None for stores in memory.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._store._cache import Cache
    >>> cache = Cache.in_memory()
    >>> cache.features.add({b"key": np.zeros(4, np.float32)})
    >>> cache.features.find([b"key", b"another"])
    {b'key': array([0., 0., 0., 0.], dtype=float32)}
    """

    def __init__(self, features=None, tokens=None, pictures=None, speeds=None, folder=None):
        self.features: Any = features
        self.tokens: Any = tokens
        self.pictures: Any = pictures
        self.speeds: StoredSpeeds | None = speeds
        self.folder: Path | None = folder

    @classmethod
    def in_memory(cls) -> Cache:
        """New stores in the memory of the process."""
        return cls(
            MemoryArrays(_MOST_FEATURES),
            MemoryArrays(_MOST_TOKENS),
            # every epoch uses all pictures again
            MemoryArrays(_MOST_PICTURES, evict_at_random=True),
        )

    @classmethod
    def in_folder(cls, folder: Path) -> Cache:
        """The stores of a folder, which is created when the first array is stored."""
        return cls(
            StoredFeatures(folder),
            stored_arrays(folder, "tokens-1", _MOST_IN_FOLDER),
            stored_arrays(folder, "pictures-2", _MOST_IN_FOLDER),
            StoredSpeeds(folder),
            folder,
        )

    def __deepcopy__(self, memo) -> Cache:
        """The same stores: a clone of an estimator shares them, as it shares a folder."""
        return self

    def __reduce__(self):
        in_memory = None if self.features is None else "auto"
        return resolve_cache, (in_memory if self.folder is None else self.folder,)


_of_process = Cache.in_memory()
_of_folder = lru_cache(maxsize=16)(Cache.in_folder)
_NOTHING = Cache()


def resolve_cache(cache) -> Cache:
    """The stores that the parameter means.

    Parameters
    ----------
    cache : {"auto", False, None}, str, path or Cache
        ``"auto"``: memory that all estimators of the process share. A folder: files in it. False or
        None: nothing is stored.

    Returns
    -------
    cache : Cache
        The same object for all calls with the same meaning.

    Raises
    ------
    TypeError, ValueError
        If it is none of these.

    Examples
    --------
    >>> from sklift._store._cache import resolve_cache
    >>> resolve_cache("auto") is resolve_cache("auto")
    True
    >>> print(resolve_cache(False).features)
    None
    """
    if isinstance(cache, Cache):
        return cache
    if cache is False or cache is None:
        return _NOTHING
    if isinstance(cache, str) and cache == "auto":
        return _of_process
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"cache must be 'auto', False or a folder, got {cache!r}")
    folder = Path(cache).expanduser().absolute()
    # of a folder that can't be entered, ``Path.exists`` raises an error
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ValueError(f"cache={os.fspath(cache)!r} is not a folder")
    return _of_folder(folder)
