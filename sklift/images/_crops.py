"""Parts of picture files: what a detector has found in them."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from PIL import Image

from .._core._text import visible
from ._decode import read
from ._files import FileSource
from ._reading import PLAIN, Reading

_SLACK = 0.01  # detectors round, and boxes may reach beyond the picture by a little


class ImageCrops:
    """Rectangles of picture files, which are cut out when an estimator asks for them.

    A file may have several, or none. scikit-learn's splitters and searches index them without
    reading a file; what is cut is cached by the content of the file, as whole pictures are.

    Parameters
    ----------
    paths : array-like of shape (n,), str or path-like
        The file of each.
    boxes : array-like of shape (n, 4)
        Left side, upper side, width and height, as shares of the width and height of the picture
        when it stands upright (as its EXIF orientation says): numbers in [0, 1]. This is how
        MegaDetector gives them; pixels are divided by the size of the picture.

    Attributes
    ----------
    shape : tuple (n,)
        The length, as numpy gives it.

    Raises
    ------
    ValueError
        If there isn't one box for each path, or a box is empty or not within the picture.

    See Also
    --------
    sklift.datasets.load_megadetector : makes them from what MegaDetector has written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.images import ImageCrops
    >>> file = Path(tempfile.mkdtemp()) / "1.png"
    >>> Image.new("RGB", (40, 20)).save(file)
    >>> crops = ImageCrops([file, file], [[0, 0, 0.5, 0.5], [0.75, 0, 0.25, 1]])
    >>> crops[1].size
    (10, 20)
    >>> crops[[1]]
    ImageCrops(n_images=1)
    """

    def __init__(self, paths, boxes) -> None:
        self.paths = np.array([os.fspath(path) for path in paths], dtype=str)
        self.boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
        if len(self.paths) != len(self.boxes) or np.size(boxes) != 4 * len(self.paths):
            raise ValueError(
                f"boxes must be of shape ({len(self.paths)}, 4), one box for each path; got "
                f"{np.shape(boxes)}"
            )
        start, sides = self.boxes[:, :2], self.boxes[:, 2:]
        good = np.isfinite(self.boxes).all(1) & (start >= -_SLACK).all(1) & (sides > 0).all(1)
        good &= (start < 1).all(1) & (start + sides <= 1 + _SLACK).all(1)
        if not good.all():
            i = int(np.flatnonzero(~good)[0])
            raise ValueError(
                f"boxes[{i}] = {self.boxes[i].tolist()} is no part of a picture "
                f"({visible(self.paths[i])}): give left side, upper side, width and height as "
                "shares of its sides, in [0, 1]; pixels are to be divided by its width and height"
            )

    @property
    def shape(self) -> tuple[int]:
        return (len(self.paths),)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, key):
        """Return a PIL image for an int; such crops for a slice, an integer array or a mask."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # sklearn writes X[indices, ...]
        if isinstance(key, numbers.Integral) and not isinstance(key, bool):
            return Image.fromarray(_cut(read(self.paths[key]), self.boxes[key]))
        rows = np.arange(len(self))[key]
        return ImageCrops(self.paths[rows], self.boxes[rows])

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"ImageCrops(n_images={len(self)})"


class CropSource(FileSource):
    """Parts of picture files, each at all of its pixels."""

    def __init__(self, crops: ImageCrops, must_exist: bool = True, reading: Reading = PLAIN):
        super().__init__(crops.paths, must_exist, reading)
        self.boxes = crops.boxes

    def __getitem__(self, i: int) -> np.ndarray:
        return _cut(read(self.paths[i], self.reading), self.boxes[i])

    def factor(self, i: int) -> int:
        """Return 1: a crop is small, and the file is read whole for it."""
        return 1

    def key(self, i: int) -> tuple:
        """That of the file, and the box."""
        return (*super().key(i), self.boxes[i].tobytes())

    def fingerprint(self, i: int) -> bytes:
        """That of the file with that of the box."""
        return self._with_box(super().fingerprint(i), i)

    def original_fingerprint(self, i: int) -> bytes:
        """That of the file with that of the box."""
        return self._with_box(super().original_fingerprint(i), i)

    def _with_box(self, fingerprint: bytes, i: int) -> bytes:
        return blake2b(fingerprint + self.boxes[i].tobytes(), digest_size=16).digest()

    def identity(self) -> str:
        """That of the files with that of the boxes."""
        content = super().identity().encode() + self.boxes.tobytes()
        return blake2b(content, digest_size=16).hexdigest()


def _cut(pixels: np.ndarray, box: np.ndarray) -> np.ndarray:
    """All pixels that a box touches, at least one."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    columns = _span(left, right, width)
    rows = _span(top, bottom, height)
    return np.ascontiguousarray(pixels[rows, columns])


def _span(start: float, stop: float, length: int) -> slice:
    # rounded first: 0.1 + 0.2 times 10 is 3.0000000000000004, which touches no fourth pixel
    first = min(max(math.floor(round(start * length, 6)), 0), length - 1)
    last = min(max(math.ceil(round(stop * length, 6)), first + 1), length)
    return slice(first, last)
