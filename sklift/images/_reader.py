"""Recipe of reading: from X to pictures, and the treatment of unreadable files."""

from __future__ import annotations

import math
from numbers import Integral, Real

from sklearn.base import BaseEstimator

from .._core._recipes import resolve
from .._core._sklearn import Interval, StrOptions, validate_params
from ._as_source import as_image_source
from ._formats import FileFormat
from ._framing import FRAMINGS, FramedSource
from ._look import warn_of_surprises
from ._reading import Reading
from ._sources import ImageSource

__all__ = ["READERS", "Reader", "resolve_reader"]


class Reader(BaseEstimator):
    """Reader of X: files, arrays, tensors, PIL images or data sets.

    Parameters
    ----------
    image_shape : tuple of int, optional
        ``(h, w)`` or ``(h, w, c)`` of pictures that come as flattened rows of a 2-D array.
    on_error : {"raise", "skip"}, default="raise"
        Treatment of pictures that can't be read. ``"raise"``: an error. Before anything is
        computed, it names all files that are missing, empty or no pictures; files that are damaged
        further inside are errors when they are decoded. ``"skip"``: a warning that names them.
        ``fit`` leaves them out, see ``skipped_``; the results of predictions are NaN, labels are
        masked.
    value_range : int, tuple (low, high) or "percentiles", optional
        Which numbers are black and white, where a file doesn't say it: a number of bits, such as 12
        for 0 to 4095; two numbers, beyond which all is black or white; or for each picture its own
        0.5 and 99.5 percentiles, whatever its file says. By default the whole range of the type:
        255, 65535, or 1 for floats. Pictures of 8 bits are left as they are by a range that goes
        beyond 0 to 255.
    channels : tuple of int, optional
        The channels that are seen, counted from 0: one is grey, three are red, green and blue, two
        are red and green. Then none is opacity. By default pictures have 1, 3 or 4 channels, and
        the fourth is opacity.
    frame : int, "middle" or "all", default=0
        Which page or frame of a file that has many, counted from 0, or from the end if negative.
        ``"all"``: predictions are the mean of the probabilities of all frames, features their mean;
        in training, the middle one is seen.
    framing : {"crop", "squash", "pad"}, default="crop"
        What a model sees of pictures that are not square, in training and after it. ``"crop"``: the
        middle, as in the papers; of a picture three times as long as wide, a third. ``"squash"``:
        all of it, resized to a square; where what matters may lie anywhere, and shapes are told
        apart even so. ``"pad"``: all of it, in proportion and smaller, with its mean colour around.
    formats : list of FileFormat, optional
        Formats of your own, each a :class:`FileFormat`, that are asked about a file before others.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.images import Reader
    >>> len(Reader(image_shape=(4, 5)).build(np.zeros((3, 20), np.uint8)))
    3
    >>> dark = np.full((1, 8, 8), 4095, np.uint16)
    >>> Reader(value_range=12).build(dark)[0].max()
    np.uint8(255)
    """

    _parameter_constraints = {
        "image_shape": [tuple, list, None],
        "on_error": [StrOptions({"raise", "skip"})],
        "value_range": [
            Interval(Integral, 1, 32, closed="both"),
            tuple,
            list,
            StrOptions({"percentiles"}),
            None,
        ],
        "channels": [tuple, list, None],
        "frame": [Integral, StrOptions({"middle", "all"})],
        "framing": [StrOptions(set(FRAMINGS))],
        "formats": [list, tuple, None],
    }

    def __init__(
        self,
        image_shape=None,
        on_error="raise",
        value_range=None,
        channels=None,
        frame=0,
        framing="crop",
        formats=None,
    ) -> None:
        self.image_shape = image_shape
        self.on_error = on_error
        self.value_range = value_range
        self.channels = channels
        self.frame = frame
        self.framing = framing
        self.formats = formats

    def build(self, X, *, must_exist: bool = True) -> ImageSource:
        """Return the pictures of X, which are decoded when they are asked for.

        Parameters
        ----------
        X : file paths, pictures or data set
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes.
        must_exist : bool, default=True
            Whether a missing file is an error now, rather than when it is read.

        Raises
        ------
        TypeError, ValueError
            If X or a setting is not usable.
        FileNotFoundError
            If files are missing.

        Warns
        -----
        UserWarning
            If some pictures that are looked at leave most of their range unused, or are hidden by
            a fourth channel.
        """
        self.check()
        reading = self._reading()
        source = as_image_source(X, self.image_shape, must_exist=must_exist, reading=reading)
        if source is not X:
            warn_of_surprises(source, reading)
        return source if self.framing == "crop" else FramedSource(source, self.framing)

    def check(self) -> None:
        """Raise an error for a setting of a wrong type or value."""
        validate_params(self)
        self._reading()

    def _reading(self) -> Reading:
        frame = self.frame if isinstance(self.frame, str) else int(self.frame)
        formats = _as_formats(self.formats)
        return Reading(_as_range(self.value_range), _as_channels(self.channels), frame, formats)


def _as_range(value) -> int | tuple[float, float] | str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    real = all(isinstance(v, Real) and math.isfinite(v) for v in value)
    if len(value) != 2 or not real or not value[0] < value[1]:
        raise ValueError(
            f"value_range must be a number of bits, (low, high) with low < high, or 'percentiles', "
            f"got {value!r}"
        )
    return float(value[0]), float(value[1])


def _as_channels(value) -> tuple[int, ...] | None:
    if value is None:
        return None
    valid = all(isinstance(v, Integral) and not isinstance(v, bool) and int(v) >= 0 for v in value)
    if not valid or len(value) not in (1, 2, 3):
        raise ValueError(
            f"channels must be one, two or three indices, counted from 0, got {value!r}"
        )
    return tuple(int(v) for v in value)


def _as_formats(value) -> tuple[FileFormat, ...]:
    formats = tuple(value or ())
    for each in formats:
        if not isinstance(each, FileFormat):
            got = f"the class {each.__name__}" if isinstance(each, type) else repr(each)
            raise TypeError(
                f"formats must be instances of subclasses of sklift.images.FileFormat, got {got}"
            )
        if type(each).read is FileFormat.read:
            raise TypeError(f"formats: {each!r} has no method read(file, frame) of its own")
    return formats


READERS = {"auto": Reader}


def resolve_reader(value) -> Reader:
    """Return the recipe of reading that ``value`` names or is.

    Examples
    --------
    >>> from sklift.images import resolve_reader
    >>> resolve_reader("auto")
    Reader()
    """
    return resolve(value, READERS, "reader")
