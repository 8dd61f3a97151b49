"""Bad pictures in memory."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from scipy.sparse import csr_matrix

from .bench import BadFit


class Dataset:
    """Items by index."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Stream(torch.utils.data.IterableDataset):
    """Items in a row."""

    def __iter__(self):
        return iter(())


def changed(array: np.ndarray, value) -> np.ndarray:
    """A copy with one value in the last picture changed."""
    array = array.copy()
    array[-1, 3, 4] = value
    return array


IN_MEMORY = [
    BadFit("no pictures", ValueError, "X is empty: give at least one", lambda b: {"X": []}),
    BadFit("X is None", TypeError, "X is of type NoneType; give file", lambda b: {"X": None}),
    BadFit(
        "a generator",
        TypeError,
        "X is of type generator; give file paths",
        lambda b: {"X": (image for image in b.X)},
    ),
    BadFit("a dict", TypeError, "X is of type dict; give", lambda b: {"X": {"X": b.X}}),
    BadFit("a set", TypeError, "X is of type set; give", lambda b: {"X": set(b.good)}),
    BadFit(
        "a sparse matrix",
        TypeError,
        "X is of type csr_matrix; give",
        lambda b: {"X": csr_matrix(b.features)},
    ),
    BadFit("a stream of pictures", TypeError, "X is of type Stream", lambda b: {"X": Stream()}),
    BadFit(
        "a data set of something else",
        TypeError,
        r"X\[0\] is of type dict: a picture is a PIL image",
        lambda b: {"X": Dataset([{"image": image} for image in b.X])},
    ),
    BadFit(
        "a single picture (array)",
        ValueError,
        r"a single picture as X\[None\]",
        lambda b: {"X": b.X[0]},
    ),
    BadFit(
        "a single picture (Pillow)",
        TypeError,
        r"X is a single Image; give a list: \[X\]",
        lambda b: {"X": Image.fromarray(b.X[0])},
    ),
    BadFit(
        "an array of one dimension", ValueError, r"shape \(12,\)", lambda b: {"X": np.zeros(12)}
    ),
    BadFit(
        "an array of five dimensions",
        ValueError,
        r"shape \(1, 12, 30, 30, 3\); give an array",
        lambda b: {"X": b.X[None]},
    ),
    BadFit(
        "flattened pictures without image_shape",
        ValueError,
        "give reader__image_shape=.*flattened pictures of 2700 values",
        lambda b: {"X": b.X.reshape(12, -1)},
    ),
    BadFit(
        "flattened pictures of another shape",
        ValueError,
        r"image_shape=\(28, 28, 3\) means 2352 columns, but X has 2700",
        lambda b: {"X": b.X.reshape(12, -1), "reader__image_shape": (28, 28, 3)},
    ),
    BadFit(
        "flattened pictures of different lengths",
        ValueError,
        r"X\[11\] has 9 values, X\[0\] has 2700: rows of .* are of one length",
        lambda b: {
            "X": [*b.X.reshape(12, -1)[:-1].tolist(), [0] * 9],
            "reader__image_shape": (30, 30, 3),
        },
    ),
    BadFit(
        "image_shape with two channels",
        ValueError,
        r"image_shape must be .*with 1, 3 or 4 channels, got \(30, 45, 2\)",
        lambda b: {"X": b.X.reshape(12, -1), "reader__image_shape": (30, 45, 2)},
    ),
    BadFit(
        "pictures of no size",
        ValueError,
        r"X: the picture is empty, its shape is \(0, 30, 3\)",
        lambda b: {"X": b.X[:, :0]},
    ),
    BadFit(
        "one picture of no size",
        ValueError,
        r"X\[11\]: the picture is empty, its size is \(0, 5\)",
        lambda b: {"X": b.pictures(Image.new("RGB", (0, 5)))},
    ),
    BadFit(
        "two channels",
        ValueError,
        r"c in 1, 3, 4, got \(30, 30, 2\)",
        lambda b: {"X": b.X[..., :2]},
    ),
    BadFit(
        "channels first (array)",
        ValueError,
        r"move the channels last: np.moveaxis\(X, -3, -1\)",
        lambda b: {"X": b.X.transpose(0, 3, 1, 2)},
    ),
    BadFit(
        "channels last (tensor)",
        ValueError,
        r"move the channels first: .movedim\(-1, -3\)",
        lambda b: {"X": torch.from_numpy(b.X)},
    ),
    BadFit(
        "floats from 0 to 255",
        ValueError,
        r"X: float pictures are in \[0, 1\], found 255; divide by 255",
        lambda b: {"X": b.X.astype(np.float32)},
    ),
    BadFit(
        "normalised floats",
        ValueError,
        r"found -1; undo any normalisation",
        lambda b: {"X": changed(b.floats, -1)},
    ),
    BadFit(
        "floats out of range in one picture of a list",
        ValueError,
        r"X\[11\]: float pictures are in \[0, 1\], found 2; divide by 255",
        lambda b: {"X": b.pictures(np.full((30, 30, 3), 2.0))},
    ),
    BadFit(
        "NaN in a picture",
        ValueError,
        r"X holds NaN or infinite values, the first in X\[11\]",
        lambda b: {"X": changed(b.floats, np.nan)},
    ),
    BadFit(
        "infinity in a picture",
        ValueError,
        r"X holds NaN or infinite values, the first in X\[11\]",
        lambda b: {"X": changed(b.floats, np.inf)},
    ),
    BadFit(
        "NaN in one picture of a list",
        ValueError,
        r"X\[11\] holds NaN or infinite",
        lambda b: {"X": b.pictures(changed(b.floats, np.nan)[-1])},
    ),
    BadFit(
        "whole numbers of 64 bits",
        ValueError,
        r"X has dtype int64; .*use uint8",
        lambda b: {"X": b.X.astype(np.int64)},
    ),
    BadFit(
        "signed pixels",
        ValueError,
        r"X has dtype int16; .*reader__value_range=\(low, high\)",
        lambda b: {"X": b.X.astype(np.int16)},
    ),
    BadFit("complex pixels", ValueError, "X has dtype complex128", lambda b: {"X": b.X + 0j}),
    BadFit(
        "objects that are no pictures",
        TypeError,
        r"X\[11\] is of type NoneType: a picture is",
        lambda b: {"X": b.pictures(None)},
    ),
    BadFit(
        "a picture of mode F",
        ValueError,
        r"X\[11\] is a picture of mode 'F'.*give it as an array of floats",
        lambda b: {"X": b.pictures(Image.new("F", (30, 30)))},
    ),
]
