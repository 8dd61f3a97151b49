"""Features of the frozen tower, for whatever starts from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from .._compute._micro_batches import FEWEST, Parts
from .._compute._plan import ComputePlan
from .._compute._threads import map_items
from ..backbones import Backbone
from ..backbones._fast._precision import hold_products
from ._loading import loaded


@torch.no_grad()
def frozen_features(
    backbone: Backbone,
    dataset,
    plan: ComputePlan,
    *,
    finish: Callable[[Tensor], Tensor] | None = None,
    n_all: int | None = None,
    tower: Callable[[Tensor], Tensor] | None = None,
) -> np.ndarray:
    """Features ``(n, n_features)`` float32 of the views of a dataset, in its order.

    ``dataset`` gives views ``(3, s, s)`` or ``(n_views, 3, s, s)`` uint8; the features of several
    views are averaged, after ``finish`` has made of them what is wanted. ``n_all``: how many there
    would be if none were known already. ``tower``: what to compute of normalised pixels, by default
    the features of the backbone's.
    """
    # features must not depend on how many pictures of a batch were known already
    fewest = min(FEWEST, n_all or len(dataset))
    device, precision = plan.device, plan.precision
    if tower is None:
        tower = own = backbone.open(device).finished()
        hold_products(own, precision)

    def embed(pixels):
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            return tower(backbone.preprocess.normalize(pixels))

    in_parts, out = Parts(), []
    for views in loaded(dataset, plan):
        views = views if views.ndim == 5 else views[:, None]
        pixels = views.flatten(0, 1)
        n = len(pixels)
        if n < fewest:
            pixels = pixels[torch.arange(fewest) % n]
        features = in_parts(embed, pixels.to(device), device)
        features = features.float() if finish is None else finish(features.float())
        features = features[:n].unflatten(0, views.shape[:2])
        out.append((features.mean(1) if views.shape[1] > 1 else features[:, 0]).cpu())
    return torch.cat(out).numpy()


def cached_features(compute: Callable, views, cache, kind: tuple) -> np.ndarray:
    """Rows of :func:`known_features` in one array."""
    if cache is None:  # as it is: stacking would copy
        return compute(views)
    return np.stack(known_features(compute, views, cache, kind))


def known_features(compute: Callable, views, cache, kind: tuple) -> list[np.ndarray]:
    """The rows of ``compute(views)``, but for pictures whose features are known.

    Parameters
    ----------
    compute : callable
        From a dataset of views to features ``(n, n_features)``.
    views : dataset
        The views of a ``source`` of pictures, or a subset of them.
    cache : MemoryFeatures, StoredFeatures, StoredArrays or None
        Known features.
    kind : tuple
        All that the features depend on besides the picture, with a telling ``repr``.
    """
    if cache is None:
        return list(compute(views))
    whole, indices = views, range(len(views))
    if isinstance(views, Subset):
        whole, indices = views.dataset, views.indices
    files = [whole.source.key(i) for i in indices]  # as they are before they are read
    keys = keys_of(whole.source, indices, kind)
    known = cache.find(keys)
    first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in known}
    if first:
        missing = sorted(first.items(), key=lambda item: item[1])
        features = compute(Subset(views, [i for _, i in missing]), n_all=len(keys))
        new = dict(zip((key for key, _ in missing), features, strict=True))
        known |= new
        if len(keys) >= FEWEST:  # what a smaller batch gave may differ in the last digit
            same = {key for key, i in missing if whole.source.key(indices[i]) == files[i]}
            cache.add({key: vector for key, vector in new.items() if key in same})
        known |= cache.find(new)  # what the cache has copied is kept once
    return [known[key] for key in keys]


def keys_of(source, indices, kind: tuple) -> list[bytes]:
    """What tells the features of some pictures of a source from all others."""
    prefix = hashlib.blake2b(repr(kind).encode(), digest_size=16).digest()
    return [prefix + content for content in map_items(source.fingerprint, indices)]
