"""Precomputed features, as rows of a table."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from .._core._lazy_rows import LazyRows
from ..backbones import Backbone, BackboneSpec, load_backbone
from ..images._arrays import is_tensor
from ._labelled_rows import LabelledRows, dtype_of


def as_table(X):
    """Features that scikit-learn can read, with NaN where one is masked."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.getmaskarray(X).any():
        return np.ma.filled(X.astype(float), np.nan)
    if not is_tensor(X):
        return X
    X = X.detach().cpu()
    return X.float() if str(X.dtype) == "torch.bfloat16" else X


def float_types(X) -> tuple[type, ...]:
    """The types that features may have, the first of which those of other types become.

    scikit-learn does not know the types of tensors and of tables that are not pandas'.
    """
    try:
        is_single = np.asarray(X[:1]).dtype == np.float32
    except (IndexError, KeyError, RuntimeError, TypeError, ValueError):
        is_single = False
    return (np.float32, np.float64) if is_single else (np.float64, np.float32)


class Rows:
    """Rows of precomputed features: the input for ``backbone="precomputed"``."""

    labels = None
    source = None  # there are no pictures

    def __init__(self, X: np.ndarray):
        self.X = X
        self.dtype = dtype_of(X)

    def __len__(self) -> int:
        return len(self.X)

    def identity(self) -> str:
        """A text that is different for different features."""
        return blake2b(np.ascontiguousarray(self.X), digest_size=16).hexdigest() + str(
            tuple(self.X.shape)
        )

    def by_frame(self) -> tuple[Rows, None]:
        """Rows have no frames."""
        return self, None

    def check_header(self, name: str = "X") -> None:
        """Do nothing: rows have no files that could be damaged."""

    def skipping(self):
        """These rows: none of them is unreadable."""
        return self

    def joined(self, other: Rows) -> Rows:
        """These rows, followed by others, in the type of these."""
        return Rows(np.concatenate([self.X, other.X.astype(self.X.dtype, copy=False)]))

    def readable(self):
        """All rows, their indices, and no errors."""
        return self, np.arange(len(self)), {}

    def backbone(self, load) -> Backbone:
        """An empty tower, which returns features unchanged."""
        return load_backbone(BackboneSpec("precomputed", None, (("n_features", self.X.shape[1]),)))

    def training(self, backbone, codes, weights, augmentation, n_epochs: int, seed: int):
        """Labelled rows for training; augmentation applies to pictures only."""
        return LabelledRows(self.X, codes, weights)

    def prediction(self, backbone, tta):
        """Rows for prediction."""
        return LabelledRows(self.X)

    def features(self, backbone, chosen, plan) -> LazyRows:
        """The rows ``chosen``, by index; they are not copied as a whole."""
        shape = (len(chosen), self.X.shape[1])
        return LazyRows(shape, self.X.dtype, lambda index: self.X[chosen[index]])

    def features_of_views(self, backbone, chosen, views, plan) -> None:
        """Return None: training uses the rows themselves."""
