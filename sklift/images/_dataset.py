"""Torch datasets of views, for a data loader."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate, get_worker_info

from .._compute._counter import shared_counter
from .._compute._threads import map_items
from ._augmentations import CallableView, MinimalistCrop, ResizedCrop, StoredViews, views_of
from ._augmentations._stored_views import progress_of
from ._sources import ImageSource
from ._tta import FiveCrop, resolve_tta
from ._views import draw_view, draw_views, plain_view

_LEAST_AREA = 0.08  # smallest area of a training crop, as a share of the picture
_ENOUGH = 4  # shorter side of a reduced picture, in sides of a view
AT_ONCE = 32  # pictures decoded together: a whole batch of large ones may not fit in memory
MOST_PIXELS = 1 << 26  # of them together, where headers tell: 192 MiB once decoded


class FailedBatch:
    """Error of a batch in a worker, passed on as it is: raised there, torch would wrap it."""

    def __init__(self, error: Exception):
        self.error = error


def collate(items):
    """Put the items of a batch together for a data loader; a failed batch stays as it is."""
    return items if isinstance(items, FailedBatch) else default_collate(items)


def raise_failed(batches: Iterable) -> Iterator:
    """Pass on the batches of a data loader; an error of a worker is raised here."""
    for batch in batches:
        if isinstance(batch, FailedBatch):
            raise batch.error
        yield batch


def in_parts(source: ImageSource, indices: Iterable) -> Iterator[list[int]]:
    """Indices of images that may be in memory together."""
    some: list[int] = []
    n_pixels = 0
    for i in map(int, indices):
        own = source.n_pixels(i)
        if some and (len(some) == AT_ONCE or n_pixels + own > MOST_PIXELS):
            yield some
            some, n_pixels = [], 0
        some.append(i)
        n_pixels += own
    if some:
        yield some


class _Views(Dataset):
    """A map from picture to item, by index.

    Pictures from files that are far larger than a view are decoded at a half, quarter or eighth of
    their size: the smallest that divides both sides and leaves the shorter one ``_ENOUGH`` times
    the side of a view. The smallest crop of training, 8 % of the area, has 1.13 times the side of a
    view then, and no crop is seen in less detail than a view holds. Where crops may be smaller, or
    the picture is resized to more than twice a view, the reduced picture is larger.

    Right at this limit, views of photographs at half their size differ from those of the whole by
    0.6 of 255 on average for minimalist crops (at the second of five epochs), 0.8 for the crops of
    LIFT, 0.6 for test views, and 2.5 if all crops were the smallest; at a quarter, by 0.8, 1.0, 0.6
    and 3.6. (250 photographs of GroceryStore, shorter side 128, views of 16 and 8. On three larger
    ones, views of 25 to 56, no average was above 0.9.) See ``benchmarks/decode.py`` for the speed.
    """

    _map: Callable[..., Iterable] = staticmethod(map_items)

    def __init__(self, source: ImageSource, size: int, interpolation: str, recipe=None):
        enough = _ENOUGH * size
        if isinstance(recipe, (MinimalistCrop, ResizedCrop)):
            enough *= math.sqrt(max(1.0, _LEAST_AREA / recipe.least_area))
        if isinstance(recipe, FiveCrop):
            enough = max(enough, 2 * (size + recipe.expand))
        self.source = source.reduced(math.ceil(enough))
        self.size = size
        self.interpolation = interpolation

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, i: int):
        return self._item(self.source[i], int(i))

    def __getitems__(self, indices: Sequence[int]) -> list | FailedBatch:
        try:
            items: list = []
            for some in in_parts(self.source, indices):
                images = self.source.fetch(some)
                items += self._map(lambda pair: self._item(*pair), zip(images, some, strict=True))
                del images  # before the next ones come
            return items
        except Exception as error:
            if get_worker_info() is None:
                raise
            return FailedBatch(error)


class FixedViews(_Views):
    """One stored view of each picture: item i is (3, size, size) uint8.

    Parameters
    ----------
    source, size, interpolation
        As in ``TrainViews``.
    view : int
        Index of the stored view, from 0.
    recipe : StoredViews
        The recipe that draws the views.
    """

    def __init__(self, source, size, interpolation, view: int, recipe: StoredViews):
        super().__init__(source, size, interpolation, recipe.single_views())
        self.view = view
        self.stored = recipe.stored()

    def _item(self, image: np.ndarray, i: int) -> torch.Tensor:
        return self.stored(image, self.view, self.size, self.interpolation)


class TrainViews(_Views):
    """Random views: item i is (view (3, size, size) uint8, target), or ((view, weight), target).

    The view of picture i in epoch e is drawn from the seed [seed, e, i]: the same for any number of
    workers and any order.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    targets : array-like of int, shape (n_images,)
        Encoded labels; or zeros and ones of shape (n_images, n_labels).
    weights : array-like of float, shape (n_images,), or None
        Sample weights, float32 in the items; None: no weights in the items.
    size : int
        Side of a view.
    interpolation : str
        How pixels are interpolated.
    augmentation : str, recipe, callable or None
        See :func:`~sklift.images.resolve_augmentation`; of a recipe that mixes, only its views.
    n_epochs : int
        The length of training.
    seed : int
        Seed of the views; not negative.
    """

    def __init__(self, source, targets, weights, size, interpolation, augmentation, n_epochs, seed):
        self.recipe = recipe = views_of(augmentation)
        self.stored = recipe.stored() if isinstance(recipe, StoredViews) else None
        drawn_by = recipe.single_views() if isinstance(recipe, StoredViews) else recipe
        super().__init__(source, size, interpolation, drawn_by)
        if isinstance(recipe, CallableView):
            self.source = source  # a function may need all of the pixels
            self._map = map  # and draw from a global random state, in order of the items
        self.targets = np.asarray(targets)
        if self.targets.ndim == 1:
            self.targets = self.targets.astype(np.int64, copy=False)
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float32)
        for name, values in (("targets", self.targets), ("weights", self.weights)):
            if values is not None and values.shape[:1] != (len(source),):
                raise ValueError(
                    f"{name} must have one value for each of the {len(source)} pictures, got shape "
                    f"{values.shape}"
                )
        self.n_epochs = n_epochs
        self.seed = seed
        self.epoch = shared_counter()

    def set_epoch(self, epoch: int) -> None:
        """Start an epoch, counted from 0."""
        self.epoch.fill_(epoch)

    def _item(self, image: np.ndarray, i: int):
        view, target = self._view(image, i, int(self.epoch)), self.targets[i]
        target = int(target) if target.ndim == 0 else target
        return (view, target) if self.weights is None else ((view, self.weights[i]), target)

    def _view(self, image: np.ndarray, i: int, epoch: int) -> torch.Tensor:
        if self.stored is not None:
            return self.stored(image, epoch % self.recipe.n_views, self.size, self.interpolation)
        rng = np.random.default_rng([self.seed, epoch, i])
        progress = progress_of(epoch, self.n_epochs)
        return draw_view(self.recipe, image, self.size, self.interpolation, progress, rng)


class TestViews(_Views):
    """Test views: item i is (v, 3, size, size) uint8, v views whose logits are averaged.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    size : int
        Side of a view.
    interpolation : str
        How pixels are interpolated.
    tta : str, int, recipe or None
        See :func:`~sklift.images.resolve_tta`.
    seed : int
        Seed of the random crops; not negative.
    """

    __test__ = False  # no test case, whatever pytest makes of the name

    def __init__(self, source, size, interpolation, tta=None, seed=0):
        self.recipe = resolve_tta(tta)
        super().__init__(source, size, interpolation, self.recipe)
        self.seed = seed
        self.n_views: int | None = None

    def _item(self, image: np.ndarray, i: int) -> torch.Tensor:
        rng = np.random.default_rng([self.seed, i])
        views = draw_views(self.recipe, image, self.size, self.interpolation, rng)
        self.n_views = self.n_views or len(views)
        if len(views) != self.n_views:
            raise ValueError(
                f"tta must cut as many views of every picture: {len(views)} of X[{i}], "
                f"{self.n_views} of others"
            )
        return views


class PlainViews(_Views):
    """Centre of each picture: item i is (3, size, size) uint8, see ``plain_view``."""

    def _item(self, image: np.ndarray, i: int) -> torch.Tensor:
        return plain_view(image, self.size, self.interpolation)
