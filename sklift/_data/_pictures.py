"""Pictures, their views, and their features in a frozen tower."""

from __future__ import annotations

from functools import partial

import numpy as np
from torch.utils.data import Subset

from .._compute._plan import ComputePlan
from .._core._text import counted
from .._store._cache import Cache
from ..backbones import Backbone
from ..images._cache import CachedSource
from ..images._dataset import TestViews, TrainViews, in_parts
from ..images._frames import FramesSource
from ..images._joined import JoinedSource
from ..images._picked import PickedSource
from ..images._read_errors import READ_ERRORS, first_of, read_errors
from ._features import cached_features, frozen_features
from ._repeated_views import PLAIN
from ._unread import SkippingSource


class Pictures:
    """Pictures, with the data sets of their views and with their features."""

    dtype = None  # the dtype of pixels has no influence on the model

    def __init__(self, source):
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    @property
    def labels(self):
        """Labels that came with the pictures, or None."""
        return self.source.labels

    def identity(self) -> str:
        """A text that is different for different pictures."""
        return self.source.identity()

    def cached(self, cache: Cache, make_room: bool) -> Pictures:
        """Cached pictures, decoded once. ``make_room``: whether they may replace stored ones."""
        store = cache.pictures
        return self if store is None else Pictures(CachedSource(self.source, make_room, store))

    def joined(self, other: Pictures) -> Pictures:
        """These pictures, followed by others."""
        return Pictures(JoinedSource(self.source, other.source))

    def by_frame(self) -> tuple[Pictures, np.ndarray | None]:
        """All frames, and how many each picture has; None: one of each is chosen."""
        if self.source.reading.frame != "all":
            return self, None
        frames = FramesSource(self.source)
        return Pictures(frames), frames.counts

    def readable(self):
        """Readable pictures, their indices, and an error text for each unreadable one."""
        errors: dict[int, str] = {}
        for indices in in_parts(self.source, range(len(self))):
            try:
                self.source.fetch(indices)
            except READ_ERRORS:
                errors |= read_errors(self.source.__getitem__, indices)
        kept = np.setdiff1d(np.arange(len(self)), list(errors))
        return Pictures(PickedSource(self.source, kept)), kept, errors

    def skipping(self) -> Pictures:
        """The pictures for a prediction that passes over those that can't be read."""
        return Pictures(SkippingSource(self.source))

    def check_header(self, name: str = "X") -> None:
        """Read the first bytes of each file of ``name``, before anything starts with damaged ones.

        Raises
        ------
        ValueError
            If files can't be read; the message names them.
        """
        if errors := read_errors(self.source.check_header, range(len(self))):
            first = first_of(list(errors.values()))
            raise ValueError(
                f"{len(errors)} of the {counted(len(self), 'file')} in {name} can't be read: "
                f"{first}; leave them out, or give reader__on_error='skip'"
            )

    def backbone(self, load) -> Backbone:
        """The backbone, loaded."""
        return load()

    def training(self, backbone, codes, weights, augmentation, n_epochs: int, seed: int):
        """A dataset of labelled views for training; ``augmentation=None``: the test views."""
        preprocess = backbone.preprocess
        labelled = (self.source, codes, weights, preprocess.size, preprocess.interpolation)
        return TrainViews(*labelled, augmentation, n_epochs, seed)

    def prediction(self, backbone, tta):
        """A dataset of views for prediction."""
        preprocess = backbone.preprocess
        return TestViews(self.source, preprocess.size, preprocess.interpolation, tta)

    def features(self, backbone, chosen, plan: ComputePlan, view=PLAIN) -> np.ndarray:
        """Features ``(n, n_features)`` of a view of the pictures with the indices ``chosen``.

        The cache is not used for a view without a name.
        """
        make, name = view
        known = None if name is None else plan.cache.features
        preprocess = backbone.preprocess
        views = make(self.source, preprocess.size, preprocess.interpolation)
        context = (*backbone.identity, plan.device.type, plan.precision, name, None)
        compute = partial(frozen_features, backbone, plan=plan)
        like = np.empty(backbone.n_features, np.float32)
        return cached_features(compute, Subset(views, chosen), known, context, like)

    def features_of_views(self, backbone, chosen, views, plan: ComputePlan) -> np.ndarray:
        """Features ``(n, n_views, n_features)`` of several views of the pictures ``chosen``."""
        each = [self.features(backbone, chosen, plan, view) for view in views]
        return each[0][:, None] if len(each) == 1 else np.stack(each, axis=1)  # the first: no copy
