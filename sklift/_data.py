"""What is learned from: pictures seen through a backbone, or rows of features that are there."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b

import numpy as np
import torch
from torch.utils.data import Dataset, Subset, default_collate

from ._features import frozen_features
from .backbones import Backbone, BackboneSpec, load_backbone
from .images._cache import CachedSource
from .images._dataset import PlainViews, TestViews, TrainViews, map_items
from .images._sources import PickedSource


class Pictures:
    """Pictures, and the views of them that a backbone is given."""

    dtype = None  # pixels have none that matters

    def __init__(self, source, is_cached: bool = False):
        self.source = source
        self._is_cached = is_cached

    def __len__(self) -> int:
        return len(self.source)

    @property
    def labels(self):
        """Labels that came with the pictures, or None."""
        return self.source.labels

    def identity(self) -> str:
        """A text that tells these pictures from others."""
        return self.source.identity()

    def cached(self) -> Pictures:
        """The same, with each file decoded once."""
        return self if self._is_cached else Pictures(CachedSource(self.source), is_cached=True)

    def readable(self):
        """Those that can be read, their indices, and of the others what is wrong with them."""
        source = CachedSource(self.source)
        wrong = map_items(partial(_what_is_wrong, source), range(len(source)))
        kept = np.array([i for i, text in enumerate(wrong) if text is None], dtype=np.intp)
        picked = Pictures(PickedSource(source, kept), is_cached=True)
        return picked, kept, {i: text for i, text in enumerate(wrong) if text is not None}

    def backbone(self, load) -> Backbone:
        """The backbone that pictures go through."""
        return load()

    def training(self, backbone, codes, weights, augmentation, n_epochs: int, seed: int):
        """Labelled views for training; ``augmentation=None`` gives the test view."""
        preprocess = backbone.preprocess
        labelled = (self.source, codes, weights, preprocess.size, preprocess.interpolation)
        return TrainViews(*labelled, augmentation, n_epochs, seed)

    def prediction(self, backbone, tta, expand: int):
        """Views for prediction."""
        preprocess = backbone.preprocess
        return TestViews(self.source, preprocess.size, preprocess.interpolation, tta, expand=expand)

    def features(self, backbone, chosen: np.ndarray, **compute) -> np.ndarray:
        """Frozen features of the pictures ``chosen``, by index."""
        preprocess = backbone.preprocess
        views = PlainViews(self.source, preprocess.size, preprocess.interpolation)
        return frozen_features(backbone, Subset(views, chosen), **compute)


def _what_is_wrong(source, i: int) -> str | None:
    """Why a picture can't be read, or None."""
    try:
        source[i]
    except (OSError, ValueError, TypeError) as error:
        return str(error)
    return None


class Rows:
    """Rows of features that were computed before; they have one view, themselves."""

    labels = None

    def __init__(self, X: np.ndarray):
        self.X = torch.from_numpy(np.array(X))  # a copy: torch can't promise to leave it unchanged
        self.dtype = self.X.dtype

    def __len__(self) -> int:
        return len(self.X)

    def identity(self) -> str:
        """A text that tells these features from others."""
        return blake2b(self.X.numpy(), digest_size=16).hexdigest() + str(tuple(self.X.shape))

    def readable(self):
        """All of them."""
        return self, np.arange(len(self)), {}

    def cached(self) -> Rows:
        """Itself: nothing has to be decoded."""
        return self

    def backbone(self, load) -> Backbone:
        """The tower that passes features through."""
        return load_backbone(BackboneSpec("precomputed", None, (("n_features", self.X.shape[1]),)))

    def training(self, backbone, codes, weights, augmentation, n_epochs: int, seed: int):
        """Labelled rows; augmentation is for pictures."""
        return LabelledRows(self.X, codes, weights)

    def prediction(self, backbone, tta, expand: int):
        """Rows for prediction."""
        return LabelledRows(self.X)

    def features(self, backbone, chosen: np.ndarray, **compute) -> np.ndarray:
        """The rows ``chosen``, by index."""
        return self.X[chosen].numpy()


class LabelledRows(Dataset):
    """Items ``row``, ``(row, target)`` or ``((row, weight), target)``, taken a batch at a time."""

    def __init__(self, X: torch.Tensor, codes=None, weights=None):
        self.X = X
        self.codes = None if codes is None else torch.as_tensor(codes)
        self.weights = None if weights is None else torch.as_tensor(weights, dtype=X.dtype)

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, i):
        if self.codes is None:
            return self.X[i]
        row = self.X[i] if self.weights is None else (self.X[i], self.weights[i])
        return row, self.codes[i]

    def __getitems__(self, indices):
        return Whole(self[torch.as_tensor(indices)])

    def set_epoch(self, epoch: int) -> None:
        """Rows are the same in every epoch."""


class Whole:
    """A batch that is put together already."""

    def __init__(self, batch):
        self.batch = batch


def collate(items):
    """What a data loader makes of the items of a batch."""
    return items.batch if isinstance(items, Whole) else default_collate(items)
