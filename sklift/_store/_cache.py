"""The cache of an estimator: one object that holds the stores of features, tokens and pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._features import MemoryFeatures, StoredFeatures
from ._folder_arrays import MAX_BYTES, StoredArrays, stored_arrays

MAX_TOKENS = 1 << 30  # bytes in memory
_features = MemoryFeatures()
_tokens = MemoryFeatures(MAX_TOKENS)


@dataclass(frozen=True)
class Cache:
    """The stores of an estimator; those that are None keep nothing.

    Attributes
    ----------
    features : MemoryFeatures, StoredFeatures or None
        Features of the frozen tower.
    tokens : MemoryFeatures, StoredArrays or None
        Tokens of frozen blocks.
    keeps_pictures : bool
        Whether decoded pictures outlive a fit.
    folder : Path or None
        The folder of decoded pictures; None for the memory of the process.
    """

    features: Any = None
    tokens: Any = None
    keeps_pictures: bool = False
    folder: Path | None = None


def resolve_cache(cache) -> Cache:
    """Return the cache that a parameter means: "auto", a folder, or False.

    Raises
    ------
    TypeError, ValueError
        If it is none of them.
    """
    if cache is False or cache is None:
        return Cache()
    if isinstance(cache, str) and cache == "auto":
        return Cache(_features, _tokens, True)
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"cache must be 'auto', False or a folder, got {cache!r}")
    folder = Path(cache).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cache={os.fspath(cache)!r} is not a folder")
    tokens = stored_arrays(StoredArrays, folder, "tokens-1", MAX_BYTES)
    return Cache(StoredFeatures(folder), tokens, True, folder)
