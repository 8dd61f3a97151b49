"""Pictures that can't be read: found, and passed over in predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from .._compute._counter import shared_flags
from .._compute._threads import map_items
from .._core._text import counted
from .._core._warn import warn
from ..images._read_errors import READ_ERRORS, first_of, read_errors
from ..images._sources import ImageSource
from ..images._wrapped import WrappedSource

_NAMED = 5  # pictures that a message names
_SIDE = 64  # of a picture in place of one that can't be read
_UNREAD = bytes(16)  # fingerprint of a picture that can't be read


class SkippingSource(WrappedSource):
    """A source that gives a black picture in place of one that can't be read, and takes note.

    Pictures keep their places, so that the others get the batches and the random views that they
    would have without the unread ones. A source serves one prediction: threads share no notes.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    flags : Tensor of bool, optional
        The notes, which workers share; by default new ones.
    """

    def __init__(self, source: ImageSource, flags=None):
        super().__init__(source)
        self.flags = shared_flags(len(source)) if flags is None else flags

    @property
    def unread(self) -> np.ndarray:
        """Whether each picture could not be read so far, bool of shape (n_images,)."""
        return self.flags.numpy()

    def __getitem__(self, i: int) -> np.ndarray:
        return self._read(self.source.__getitem__, i, np.zeros((_SIDE, _SIDE, 3), np.uint8))

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures; if one of them can't be read, each is tried by itself."""
        try:
            return self.source.fetch(indices)
        except READ_ERRORS:
            return map_items(self.__getitem__, indices)

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture, 1 of one that can't be read."""
        return self._read(self.source.n_frames, i, 1)

    def key(self, i: int) -> tuple | None:
        """Key of a picture, or None where there is no file now: it may have been read before."""
        try:
            return self.source.key(i)
        except READ_ERRORS:
            return None

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture, the same for all unread ones."""
        return self._read(self.source.fingerprint, i, _UNREAD)

    def reduced(self, least: int) -> SkippingSource:
        """Return this source at a lower resolution, with the same notes."""
        return SkippingSource(self.source.reduced(least), self.flags)

    def identity(self) -> str:
        """Identity of the source."""
        return self.source.identity()

    def _read(self, read: Callable, i: int, otherwise):
        try:
            return read(i)
        except READ_ERRORS:
            self.unread[i] = True
            return otherwise


def without_unread(batches: Iterable[np.ndarray], source) -> Iterator[np.ndarray]:
    """Pass on the rows of predictions, those of unread pictures as NaN; warn at the end, once.

    Parameters
    ----------
    batches : iterable of ndarray of shape (n_batch, n_columns)
        The rows of all pictures, in their order.
    source : ImageSource or None
        The pictures; None for rows without any.
    """
    if not isinstance(source, SkippingSource):
        yield from batches
        return
    unread, n = source.unread, 0
    for batch in batches:
        here = unread[n : n + len(batch)]
        n += len(batch)
        if here.any():
            batch = np.where(here[:, None], np.asarray(np.nan, batch.dtype), batch)
        yield batch
    if unread.any():
        _warn_unread(source, np.flatnonzero(unread))


def _warn_unread(source: SkippingSource, indices: np.ndarray) -> None:
    first = indices[:_NAMED].tolist()
    texts = read_errors(partial(_read_all, source.source), first)  # it may have been in a worker
    texts = {i: texts.get(i, "it could not be read a moment ago, and now can") for i in first}
    warn(
        f"{len(indices)} of {counted(len(source), 'picture')} in X can't be read, and are NaN "
        f"or masked in the result: {by_index(texts, len(indices))}"
    )


def _read_all(source: ImageSource, i: int) -> None:
    """Read what a prediction has read of a picture."""
    if source.reading.frame != "all":
        source[i]
        return
    for frame in range(source.n_frames(i)):
        source.at_frame(frame)[i]


def by_index(texts: dict[int, str], n: int, name: str = "X") -> str:
    """The first error texts of ``n`` unread pictures, each with the index of its picture."""
    return first_of([f"{name}[{i}]: {text}" for i, text in texts.items()], _NAMED, n=n)
