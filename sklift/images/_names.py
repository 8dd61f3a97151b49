"""Names of the pictures of a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ._picked import PickedSource
from ._sources import ImageSource


def picture_names(source: ImageSource) -> Callable[[int], str]:
    """What messages call the pictures of a source: their paths, or their places in X."""
    if isinstance(source, PickedSource):
        name, indices = picture_names(source.source), source.indices
        return lambda i: name(int(indices[i]))
    paths = picture_paths(source)
    return (lambda i: f"X[{i}]") if paths is None else (lambda i: paths[i])


def picture_paths(source: ImageSource) -> Sequence[str] | None:
    """The files of the pictures of a source that was not picked from; None: they have none."""
    return getattr(getattr(source, "source", source), "paths", None)
