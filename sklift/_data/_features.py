"""Features of the frozen tower, computed or read from a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from .._compute._micro_batches import FEWEST, MicroBatches, enough_rows
from .._compute._plan import ComputePlan
from .._compute._progress import with_progress
from .._compute._threads import map_items
from .._store._keeper import Keeper
from ..backbones import Backbone
from ..backbones._fast._precision import cast_frozen_weights
from ._loading import loaded

_AT_ONCE = 4096  # rows in one look-up


@torch.no_grad()
def frozen_features(
    backbone: Backbone,
    dataset,
    plan: ComputePlan,
    *,
    finish: Callable[[Tensor], Tensor] | None = None,
    n_all: int | None = None,
    tower: Callable[[Tensor], Tensor] | None = None,
) -> Iterator[np.ndarray]:
    """Features ``(n, n_features)`` float32 of the views of a dataset, in order, batch by batch.

    ``dataset`` gives views ``(3, s, s)`` or ``(n_views, 3, s, s)`` uint8. The features of several
    views are averaged, after the function ``finish`` has been applied. ``n_all``: the number of
    pictures, those with stored features included. ``tower``: the function of normalised pixels to
    compute; by default the backbone's features.
    """
    # Features must not depend on the number of pictures whose features are stored already.
    fewest = min(FEWEST, n_all or len(dataset))
    device, precision = plan.device, plan.precision
    if tower is None:
        tower = frozen = backbone.open(device).finished()
        cast_frozen_weights(frozen, precision)

    def embed(pixels):
        half = precision != torch.float32
        with torch.inference_mode(), torch.autocast(device.type, precision, enabled=half):
            return tower(backbone.preprocess.normalize(pixels))

    def finished(features):
        if finish is None:
            return features
        with torch.inference_mode():
            return finish(enough_rows(features))[: len(features)]

    in_parts = MicroBatches()

    def of_batch(views):
        views = views if views.ndim == 5 else views[:, None]
        pixels = views.flatten(0, 1)
        n = len(pixels)
        if n < fewest:
            pixels = pixels[torch.arange(fewest) % n]
        features = in_parts(embed, pixels.to(device), device)
        features = finished(features.float())[:n]
        features = features.unflatten(0, views.shape[:2])
        return (features.mean(1) if views.shape[1] > 1 else features[:, 0]).cpu().numpy()

    batches = map(of_batch, loaded(dataset, plan))
    yield from with_progress(batches, len(dataset), "features", plan.verbose)


def cached_features(
    compute: Callable, views, store, context: tuple, like: np.ndarray | None = None
) -> np.ndarray:
    """The rows of :func:`known_features`, in one array."""
    out: np.ndarray | None = None

    def put(places, row):
        nonlocal out
        if out is None:
            out = np.empty((len(views), *row.shape), row.dtype)
        out[places] = row

    _put_rows(put, compute, views, store, context, like)
    assert out is not None  # every data set has a picture
    return out


def known_features(
    compute: Callable, views, store, context: tuple, like: np.ndarray | None = None
) -> list[np.ndarray]:
    """Rows of features: read from the store where they are there, else computed.

    Computed rows are stored after each batch. After an interruption, the next call continues there.

    Parameters
    ----------
    compute : callable
        A function from a dataset of views to batches of features ``(n, n_features)``, in order.
    views : dataset
        A dataset with the views of a ``source`` of pictures, or a subset of it.
    store : store or None
        The stored features, see :class:`~sklift._store._cache.Cache`.
    context : tuple
        Everything that the features depend on besides the picture. It is part of the key, as its
        ``repr``.
    like : ndarray, optional
        A row of the same shape and type. Stored rows of another one are damaged: they are computed
        anew.
    """
    rows: list = [None] * len(views)

    def put(places, row):
        for place in places:
            rows[place] = row

    new = _put_rows(put, compute, views, store, context, like)
    for key, row in ({} if store is None else found_like(like, store, new)).items():
        put(new[key], row)  # the store's copy, so that each row is in memory once
    return rows


def found_like(like: np.ndarray | None, store, keys) -> dict[bytes, np.ndarray]:
    """The stored rows among ``keys`` that have the shape and type of ``like``."""
    found = store.find(keys)
    if like is None:
        return found
    return {k: a for k, a in found.items() if (a.shape, a.dtype) == (like.shape, like.dtype)}


def _put_rows(
    put: Callable, compute: Callable, views, store, context: tuple, like: np.ndarray | None
) -> dict[bytes, list[int]]:
    """Call ``put(places, row)`` for all stored rows, then for all computed ones.

    Return the keys of the computed rows, with the places (row numbers) of each.
    """
    if store is None:
        place = 0
        for batch in compute(views):
            for row in batch:
                put([place], row)
                place += 1
        return {}
    whole, indices = views, range(len(views))
    if isinstance(views, Subset):
        whole, indices = views.dataset, views.indices
    files = [whole.source.key(i) for i in indices]  # the state of the files before reading
    places: dict[bytes, list[int]] = {}
    for place, key in enumerate(keys_of(whole.source, indices, context)):
        places.setdefault(key, []).append(place)
    new = {}
    keys = list(places)
    for part in (keys[i : i + _AT_ONCE] for i in range(0, len(keys), _AT_ONCE)):
        known = found_like(like, store, part)
        for key in part:
            if key in known:
                put(places[key], known[key])
            else:
                new[key] = places[key]
    if not new:
        return new
    # Features of a smaller batch may differ in the last digit: they are not stored.
    keeper = Keeper(store) if len(views) >= FEWEST else None
    coming = iter(new)
    unread = getattr(whole.source, "unread", None)
    first = [indices[new[key][0]] for key in new]
    try:
        for batch in compute(Subset(whole, first), n_all=len(views)):
            for row in batch:
                key = next(coming)
                put(new[key], row)
                place = new[key][0]
                if unread is not None and unread[indices[place]]:
                    unread[[indices[p] for p in new[key]]] = True  # it stands for all of them
                    continue
                if keeper is not None and whole.source.key(indices[place]) == files[place]:
                    keeper.add(key, row)
            if keeper is not None:
                keeper.keep_if_due()
    finally:  # a damaged file, or Ctrl-C, must not lose computed rows
        if keeper is not None:
            keeper.keep()
    return new


def keys_of(source, indices, context: tuple) -> list[bytes]:
    """Keys of the features of pictures, by index in a source."""
    prefix = hashlib.blake2b(repr(context).encode(), digest_size=16).digest()
    return [prefix + content for content in map_items(source.fingerprint, indices)]
