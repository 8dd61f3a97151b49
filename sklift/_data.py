"""What is learned from: pictures seen through a backbone, or rows of features that are there."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b

import numpy as np
import torch
from torch.utils.data import Dataset, Subset

from ._feature_cache import cache_folder
from ._features import cached_features, frozen_features
from .backbones import Backbone, BackboneSpec, load_backbone
from .images._cache import CachedSource
from .images._dataset import (
    AT_ONCE,
    N_FIXED,
    FixedViews,
    PlainViews,
    TestViews,
    TrainViews,
    map_items,
)
from .images._dataset import collate as collate_views
from .images._sources import PickedSource
from .images._stored import stored_images

# Views that a picture has only one of, with a name that tells them from each other.
PLAIN = (PlainViews, ("plain",))
TEST = (TestViews, ("test",))
FIXED = [(partial(FixedViews, view=v), ("fixed", v, N_FIXED)) for v in range(N_FIXED)]
_WRONG = (OSError, ValueError, TypeError)  # what damaged pictures raise


def repeated_views(augmentation, n_epochs: int) -> list | None:
    """The views of each picture that training repeats; None where each epoch draws new ones."""
    if augmentation is None:
        return [TEST]
    is_fixed = isinstance(augmentation, str) and augmentation == "fixed"
    return FIXED[:n_epochs] if is_fixed else None


class Pictures:
    """Pictures, and the views of them that a backbone is given."""

    dtype = None  # pixels have none that matters

    def __init__(self, source, cache="auto"):
        self.source = source
        self.cache = cache

    def __len__(self) -> int:
        return len(self.source)

    @property
    def labels(self):
        """Labels that came with the pictures, or None."""
        return self.source.labels

    def identity(self) -> str:
        """A text that tells these pictures from others."""
        return self.source.identity()

    def cached(self, make_room: bool) -> Pictures:
        """The same, with files decoded once; what is kept may have to make room for them."""
        folder = cache_folder(self.cache)
        kept = () if folder is None else (stored_images(folder),)  # else in memory
        return Pictures(CachedSource(self.source, make_room, *kept))

    def readable(self):
        """Those that can be read, their indices, and of the others what is wrong with them."""
        wrong: dict[int, str] = {}
        for start in range(0, len(self), AT_ONCE):
            some = range(start, min(start + AT_ONCE, len(self)))
            try:
                self.source.fetch(some)
            except _WRONG:
                wrong |= _what_is_wrong(self.source.__getitem__, some)
        kept = np.setdiff1d(np.arange(len(self)), list(wrong))
        return Pictures(PickedSource(self.source, kept)), kept, wrong

    def glance(self) -> None:
        """Look at the first bytes of each file, so that no training starts on what is no picture.

        Raises
        ------
        ValueError
            Naming the files.
        """
        if wrong := _what_is_wrong(self.source.glance, range(len(self))):
            first = "; ".join(list(wrong.values())[:3]) + ("; ..." if len(wrong) > 3 else "")
            raise ValueError(
                f"{len(wrong)} of the {len(self)} files in X can't be read: {first}; leave them "
                "out, or have fit do so: on_error='skip'"
            )

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

    def features(self, backbone, chosen, view=PLAIN, *, cache, **compute) -> np.ndarray:
        """Features ``(n, n_features)`` of the pictures ``chosen``, by index, in a view of them."""
        make, name = view
        preprocess = backbone.preprocess
        views = make(self.source, preprocess.size, preprocess.interpolation)
        place = (compute["device"].type, compute["precision"])
        kind = (*backbone.identity, *place, *name, None)
        compute = partial(frozen_features, backbone, **compute)
        return cached_features(compute, Subset(views, chosen), cache, kind)

    def features_of_views(self, backbone, chosen, views, **compute) -> np.ndarray:
        """Features ``(n, n_views, n_features)`` of the pictures ``chosen`` in some views."""
        each = [self.features(backbone, chosen, view, **compute) for view in views]
        return np.stack(each, axis=1)


def _what_is_wrong(look, indices: range) -> dict[int, str]:
    """What is raised at a look at each of some pictures, by index."""

    def reason(i: int) -> str | None:
        try:
            look(i)
        except _WRONG as error:
            return str(error)
        return None

    reasons = zip(indices, map_items(reason, indices), strict=True)
    return {i: text for i, text in reasons if text is not None}


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

    def glance(self) -> None:
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

    def prediction(self, backbone, tta, expand: int):
        """Rows for prediction."""
        return LabelledRows(self.X)

    def features(self, backbone, chosen, **compute) -> np.ndarray:
        """The rows ``chosen``, by index."""
        return self.X[chosen].numpy()

    def features_of_views(self, backbone, chosen, views, **compute) -> None:
        """None: the rows are what is trained on already."""


class LabelledRows(Dataset):
    """Items ``row``, ``(row, target)`` or ``((row, weight), target)``, taken a batch at a time.

    ``X`` is ``(n, n_features)``, or ``(n, n_views, n_features)``, of which an epoch sees one view.
    """

    def __init__(self, X: torch.Tensor, codes=None, weights=None):
        self.views = X if X.ndim == 3 else X[:, None]
        self.n_views = self.views.shape[1]
        # In shared memory, so that workers that outlive an epoch see the next one begin.
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self.codes = None if codes is None else torch.as_tensor(codes)
        self.weights = None if weights is None else torch.as_tensor(weights, dtype=X.dtype)

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, i):
        row = self._rows(i, int(self.epoch) % self.n_views)
        if self.codes is None:
            return row
        return row if self.weights is None else (row, self.weights[i]), self.codes[i]

    def _rows(self, i, view: int):
        return self.views[i, view]

    def __getitems__(self, indices):
        return Whole(self[torch.as_tensor(indices)])

    def set_epoch(self, epoch: int) -> None:
        """Start an epoch, counted from 0."""
        self.epoch.fill_(epoch)


class Whole:
    """A batch that is put together already."""

    def __init__(self, batch):
        self.batch = batch


def collate(items):
    """What a data loader makes of the items of a batch."""
    return items.batch if isinstance(items, Whole) else collate_views(items)
