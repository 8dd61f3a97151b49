"""Pictures, and what a frozen tower makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from torch.utils.data import Subset

from .._compute._plan import ComputePlan
from .._compute._threads import map_items
from .._store._cache import Cache
from ..backbones import Backbone
from ..images._cache import CachedSource
from ..images._dataset import TestViews, TrainViews, in_parts
from ..images._sources import PickedSource
from ._features import cached_features, frozen_features
from ._repeated_views import PLAIN

_WRONG = (OSError, ValueError, TypeError)  # what damaged pictures raise


class Pictures:
    """Pictures, and the views of them that a backbone is given."""

    dtype = None  # pixels have none that matters

    def __init__(self, source):
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    @property
    def labels(self):
        """Labels that came with the pictures, or None."""
        return self.source.labels

    def identity(self) -> str:
        """A text that tells these pictures from others."""
        return self.source.identity()

    def cached(self, cache: Cache, make_room: bool) -> Pictures:
        """The same, with files decoded once; what is kept may have to make room for them."""
        store = cache.images
        return self if store is None else Pictures(CachedSource(self.source, make_room, store))

    def readable(self):
        """Those that can be read, their indices, and of the others what is wrong with them."""
        wrong: dict[int, str] = {}
        for some in in_parts(self.source, range(len(self))):
            try:
                self.source.fetch(some)
            except _WRONG:
                wrong |= _what_is_wrong(self.source.__getitem__, some)
        kept = np.setdiff1d(np.arange(len(self)), list(wrong))
        return Pictures(PickedSource(self.source, kept)), kept, wrong

    def check_header(self) -> None:
        """Look at the first bytes of each file, so that no training starts on what is no picture.

        Raises
        ------
        ValueError
            Naming the files.
        """
        if wrong := _what_is_wrong(self.source.check_header, range(len(self))):
            first = "; ".join(list(wrong.values())[:3]) + ("; ..." if len(wrong) > 3 else "")
            raise ValueError(
                f"{len(wrong)} of the {len(self)} files in X can't be read: {first}; leave them "
                "out, or have fit do so: reader__on_error='skip'"
            )

    def backbone(self, load) -> Backbone:
        """The backbone that pictures go through."""
        return load()

    def training(self, backbone, codes, weights, augmentation, n_epochs: int, seed: int):
        """Labelled views for training; ``augmentation=None`` gives the test view."""
        preprocess = backbone.preprocess
        labelled = (self.source, codes, weights, preprocess.size, preprocess.interpolation)
        return TrainViews(*labelled, augmentation, n_epochs, seed)

    def prediction(self, backbone, tta):
        """Views for prediction."""
        preprocess = backbone.preprocess
        return TestViews(self.source, preprocess.size, preprocess.interpolation, tta)

    def features(self, backbone, chosen, plan: ComputePlan, view=PLAIN) -> np.ndarray:
        """Features ``(n, n_features)`` of the pictures ``chosen``, by index, in a view of them.

        A view without a name is neither looked for nor kept in the cache.
        """
        make, name = view
        known = None if name is None else plan.cache.features
        preprocess = backbone.preprocess
        views = make(self.source, preprocess.size, preprocess.interpolation)
        kind = (*backbone.identity, plan.device.type, plan.precision, name, None)
        compute = partial(frozen_features, backbone, plan=plan)
        return cached_features(compute, Subset(views, chosen), known, kind)

    def features_of_views(self, backbone, chosen, views, plan: ComputePlan) -> np.ndarray:
        """Features ``(n, n_views, n_features)`` of the pictures ``chosen`` in some views."""
        each = [self.features(backbone, chosen, plan, view) for view in views]
        return np.stack(each, axis=1)


def _what_is_wrong(look, indices: Sequence[int]) -> dict[int, str]:
    """What is raised at a look at each of some pictures, by index."""

    def reason(i: int) -> str | None:
        try:
            look(i)
        except _WRONG as error:
            return str(error)
        return None

    reasons = zip(indices, map_items(reason, indices), strict=True)
    return {i: text for i, text in reasons if text is not None}
