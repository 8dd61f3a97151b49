"""What the frozen blocks before the first trained one make of views, computed once."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch.utils.data import Subset

from ._data import LabelledRows, repeated_views
from ._feature_cache import MemoryFeatures
from ._features import frozen_features, known_features

MAX_BYTES = 1 << 30  # for all views of one fit, and again for what other fits have left
_in_memory = MemoryFeatures(MAX_BYTES)


def tokens_of_views(pictures, model, chosen, augmentation, *, cache, **compute):
    """Tokens of the views that training repeats, per picture and view, or None.

    They are kept in the memory of the process, as precisely as the tower has them, and None is
    returned where they would take too much of it.

    Parameters
    ----------
    pictures : Pictures
        What is trained on.
    model : TunedModel
        Whose first blocks are frozen.
    chosen : array-like of int
        Indices of the pictures.
    augmentation : str, callable or None
        As given to ``fit``.
    cache
        None: other fits are not to find them.
    **compute
        Arguments of :func:`~sklift._features.frozen_features`.
    """
    views = repeated_views(augmentation)
    if views is None:
        return None
    backbone, precision, device = model.backbone, compute["precision"], compute["device"]
    preprocess = backbone.preprocess
    half = precision in (torch.bfloat16, torch.float16)
    with torch.no_grad(), torch.autocast(device.type, precision, enabled=half):
        one = model.before(torch.zeros(1, 3, preprocess.size, preprocess.size, device=device))
    if len(chosen) * len(views) * one.nbytes > MAX_BYTES:
        return None
    compute = partial(
        frozen_features, backbone, tower=model.before, finish=partial(_packed, one.dtype), **compute
    )
    every = []
    for make, name in views:
        seen = make(pictures.source, preprocess.size, preprocess.interpolation)
        place = (device.type, precision, model.n_frozen_blocks)
        kind = (*backbone.identity, *place, *name)
        kept = None if cache is None else _in_memory
        every.append(known_features(compute, Subset(seen, chosen), kept, kind))
    return [list(of_picture) for of_picture in zip(*every, strict=True)]


def _packed(dtype: torch.dtype, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens as NumPy can hold them, which has no bfloat16."""
    tokens = tokens.to(dtype)
    return tokens.view(torch.int16) if dtype == torch.bfloat16 else tokens


def _unpacked(tokens: np.ndarray) -> torch.Tensor:
    tokens = torch.from_numpy(tokens)
    return tokens.view(torch.bfloat16) if tokens.dtype == torch.int16 else tokens


class TokenRows(LabelledRows):
    """Items ``(tokens, target)`` or ``((tokens, weight), target)``, taken a batch at a time.

    ``views`` holds an array for each picture and view: shared with the cache, never copied.
    """

    def __init__(self, views: list[list[np.ndarray]], codes, weights=None):
        super().__init__(torch.empty(len(views), len(views[0]), 0), codes, weights)
        self.views = views

    def _rows(self, i, view: int):
        if torch.is_tensor(i) and i.ndim:
            return torch.stack([_unpacked(self.views[j][view]) for j in i.tolist()])
        return _unpacked(self.views[int(i)][view])
