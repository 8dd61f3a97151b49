"""Features that were computed before, as rows of a table."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import torch

from ..backbones import Backbone, BackboneSpec, load_backbone
from ._labelled_rows import LabelledRows


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
    """Rows of features that were computed before; they have one view, themselves."""

    labels = None

    def __init__(self, X: np.ndarray):
        # a copy of what is read-only: torch can't promise to leave it unchanged
        self.X = torch.from_numpy(X if X.flags.writeable else X.copy())
        self.dtype = self.X.dtype

    def __len__(self) -> int:
        return len(self.X)

    def identity(self) -> str:
        """A text that tells these features from others."""
        return blake2b(self.X.numpy(), digest_size=16).hexdigest() + str(tuple(self.X.shape))

    def check_header(self) -> None:
        """Nothing is left to be read."""

    def readable(self):
        """All of them."""
        return self, np.arange(len(self)), {}

    def backbone(self, load) -> Backbone:
        """The tower that passes features through."""
        return load_backbone(BackboneSpec("precomputed", None, (("n_features", self.X.shape[1]),)))

    def training(self, backbone, codes, weights, augmentation, n_epochs: int, seed: int):
        """Labelled rows; augmentation is for pictures."""
        return LabelledRows(self.X, codes, weights)

    def prediction(self, backbone, tta):
        """Rows for prediction."""
        return LabelledRows(self.X)

    def features(self, backbone, chosen, plan) -> np.ndarray:
        """The rows ``chosen``, by index."""
        return self.X[chosen].numpy()

    def features_of_views(self, backbone, chosen, views, plan) -> None:
        """None: the rows are what is trained on already."""
