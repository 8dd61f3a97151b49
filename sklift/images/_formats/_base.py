"""Base of the formats of picture files, and what one gives: the numbers of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from io import BytesIO

import numpy as np
from sklearn.base import BaseEstimator


@dataclass(frozen=True, eq=False)
class Raster:
    """Numbers of a picture as its file holds them, with what the file says of them.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, channels)
        Of any type that pictures in arrays have.
    value_range : tuple (low, high), optional
        The numbers that are black and white, unless the user gives a ``reader__value_range``. By
        default those that the type of the numbers has.
    bits : int, optional
        The depth of the numbers, where it is a fact that no user's range changes.
    white_is_zero : bool, default=False
        Whether the lowest number is white.
    curve : callable, optional
        A function of ``pixels`` to what is shown where the user gives no range; ``value_range`` is
        that of its outcome.
    channels : tuple of int, optional
        The channels that are seen, a fourth of them as opacity, unless the user chooses others; by
        default all. Empty: the user has to choose.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.images import Raster
    >>> Raster(np.zeros((4, 4), np.int16), value_range=(-160, 240)).white_is_zero
    False
    """

    pixels: np.ndarray
    value_range: tuple[float, float] | None = None
    bits: int | None = None
    white_is_zero: bool = False
    curve: Callable[[np.ndarray], np.ndarray] | None = None
    channels: tuple[int, ...] | None = None


class FileFormat(BaseEstimator):
    """Kind of picture file that Pillow doesn't read; the base of your own.

    A subclass has the method :meth:`read`, and either ``suffixes`` or its own :meth:`recognizes`.
    It is used by the readers that hold it: ``reader__formats=[MyFormat()]``.

    Attributes
    ----------
    suffixes : tuple of str
        Endings of its files, with the point, in small letters.
    packages : tuple of str
        Names of the distributions that decode it. Their versions are part of the key under which
        decoded pictures are kept, so that a new version decodes them again.

    Examples
    --------
    Pictures that NumPy has saved:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklift.images import FileFormat, Raster, Reader
    >>> class Npy(FileFormat):
    ...     suffixes = (".npy",)
    ...     def read(self, file, frame):
    ...         return Raster(np.load(file), value_range=(0, 1000))
    >>> path = Path(tempfile.mkdtemp()) / "scan.npy"
    >>> np.save(path, np.full((8, 8), 1000, np.int32))
    >>> Reader(formats=[Npy()]).build([path])[0].max()
    np.uint8(255)
    """

    suffixes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def recognizes(self, head: bytes, suffix: str) -> bool:
        """Tell whether a file is of this format.

        Parameters
        ----------
        head : bytes
            The first 512 bytes of the file, or all of a shorter one.
        suffix : str
            The ending of its name, in small letters; empty for bytes in memory.
        """
        return suffix in self.suffixes

    def n_frames(self, file: str | BytesIO) -> int:
        """Count the frames; one, unless a subclass says otherwise."""
        return 1

    def size(self, file: str | BytesIO, frame: int) -> tuple[int, int]:
        """Width and height of a frame; a subclass may take them from the header, to be quicker."""
        height, width = as_raster(self.read(file, frame)).pixels.shape[:2]
        return width, height

    def read(self, file: str | BytesIO, frame: int) -> Raster | np.ndarray:
        """Decode a frame.

        Parameters
        ----------
        file : str or BytesIO
            The path, or the content of a file that is in memory.
        frame : int
            The frame, from 0 to ``n_frames(file) - 1``.

        Returns
        -------
        Raster or ndarray
            The numbers as they are stored.

        Raises
        ------
        Exception
            Any, for a damaged file; what the user sees is a ValueError that names the file.
        """
        raise NotImplementedError

    def mark(self) -> str:
        """A text that is different for other settings or versions of decoders."""
        settings = sorted(self.get_params(deep=False).items())
        versions = [(name, _version(name)) for name in self.packages]
        return f"{type(self).__module__}.{type(self).__qualname__}{settings}{versions}"

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and self.mark() == other.mark()

    def __hash__(self) -> int:
        return hash(self.mark())


class OptionalFormat(FileFormat):
    """Built-in format whose decoder is an optional package.

    Attributes
    ----------
    title : str
        What messages call it.
    extra : str
        Name of the extra of this package that brings the decoder.
    module : str
        The module that decodes.
    """

    title = ""
    extra = ""
    module = ""

    def is_installed(self) -> bool:
        """Whether the decoder is there."""
        try:
            return find_spec(self.module) is not None
        except ValueError:  # somebody has put a hole in its place
            return False

    def missing(self) -> str:
        """What a message says where the decoder is not installed."""
        return (
            f'{self.title} is read with {self.packages[0]}: pip install "scikit-lift[{self.extra}]"'
        )


class PillowPlugin(OptionalFormat):
    """Built-in format that Pillow reads once a plug-in is registered."""

    def register(self) -> None:
        """Register the plug-in, if it is not yet."""
        raise NotImplementedError


def as_raster(read: Raster | np.ndarray) -> Raster:
    """What a format has read, as a Raster."""
    return read if isinstance(read, Raster) else Raster(np.asarray(read))


@cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
