"""Tokens of views: the output of the frozen blocks before the first trained one."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import Subset

from .._compute._micro_batches import FEWEST
from .._compute._plan import ComputePlan
from .._core._warn import warn
from .._model._tuned_model import TunedModel
from ._features import found_like, frozen_features, keys_of, known_features
from ._labelled_rows import LabelledRows
from ._pictures import Pictures
from ._repeated_views import TEST

MAX_BYTES = 1 << 30  # in memory, for one fit; the store for earlier fits may have as much
_AT_ONCE = 1 << 27


def tokens_of_views(pictures: Pictures, model: TunedModel, chosen, views, plan: ComputePlan):
    """Tokens of repeated views, by picture and view, or None.

    Tokens have the dtype of the tower. They are in the memory of the process, or in files of the
    cache folder, which are mapped into memory. If they would take too much room, the function warns
    and returns None.

    Parameters
    ----------
    pictures : Pictures
        The training pictures.
    model : TunedModel
        The model, whose first blocks are frozen.
    chosen : array-like of int
        Indices of the pictures.
    views : list
        Views of the pictures, see :func:`~sklift._data._repeated_views.repeated_views`.
    plan : ComputePlan
        Device, precision and stores.
    """
    # other fits can't find views without a name
    named = all(name is not None for _, name in views)
    store: Any = plan.cache.tokens if named else None
    in_folder = store is not None and store.outlives_process
    example = _example_tokens(model, plan)
    most = store.max_bytes if in_folder else MAX_BYTES
    if (n_bytes := len(chosen) * len(views) * example.nbytes) > most:
        _warn_of_room(n_bytes, most, in_folder)
        return None
    at_once = max(2 * FEWEST, _AT_ONCE // example.nbytes)
    pieces = np.array_split(np.asarray(chosen), math.ceil(len(chosen) / at_once))
    make = partial(
        frozen_features,
        model.backbone,
        tower=model.frozen_tokens,
        finish=partial(_packed, example.dtype),
        plan=plan,
    )
    like = _packed(example.dtype, example)[0].cpu().numpy()
    by_view, in_memory = [], 0
    for view in views:
        tokens: list[np.ndarray] = []
        for piece in pieces:
            seen = Subset(_view_dataset(pictures, model, view), piece)
            new = known_features(make, seen, store, _context(model, view, plan), like)
            in_memory += sum(a.nbytes for a in new if a.flags.writeable)  # the others are mapped
            if in_memory > MAX_BYTES:  # the folder can't store them, and has warned
                return None
            tokens += new
        by_view.append(tokens)
    return [list(of_picture) for of_picture in zip(*by_view, strict=True)]


def known_tokens(pictures: Pictures, model: TunedModel, plan: ComputePlan):
    """Tokens of the test views, if the store has all of them (from another fold), or None."""
    store = plan.cache.tokens
    # fewer views at a time are rounded differently, see ``frozen_features``
    if store is None or len(pictures) < FEWEST:
        return None
    source = _view_dataset(pictures, model, TEST).source
    context = _context(model, TEST, plan)
    found: dict[bytes, np.ndarray] = {}
    keys: list[bytes] = []
    for indices in (range(1), range(len(pictures))):  # if the first is missing, mostly all are
        keys = keys_of(source, indices, context)
        found = store.find(keys)
        if any(key not in found for key in keys):
            return None
    if store.outlives_process:  # others may have damaged it
        example = _example_tokens(model, plan)
        like = _packed(example.dtype, example)[0].cpu().numpy()
        found = found_like(like, store, keys)
        if len(found) < len(set(keys)):
            return None
    return [[found[key]] for key in keys]


def _warn_of_room(n_bytes: int, most: int, in_folder: bool) -> None:
    where, way_out = "memory", "a folder as cache keeps up to 16 GiB, and "
    if in_folder:
        where, way_out = "the cache folder", ""
    warn(
        f"what the frozen blocks make of the views takes {n_bytes / 2**30:.1f} GiB, more than the "
        f"{most / 2**30:.0f} GiB that are kept in {where}: each epoch computes it again; {way_out}"
        "fewer views take less"
    )


def _view_dataset(pictures: Pictures, model: TunedModel, view):
    preprocess = model.backbone.preprocess
    return view[0](pictures.source, preprocess.size, preprocess.interpolation)


def _context(model: TunedModel, view, plan: ComputePlan) -> tuple:
    """Part of the key of tokens: all that they depend on besides the picture."""
    computed = (plan.device.type, plan.precision, model.n_frozen_blocks)
    return (*model.backbone.identity, *computed, view[1])


@torch.no_grad()
def _example_tokens(model: TunedModel, plan: ComputePlan) -> torch.Tensor:
    """Tokens of a black view, whose size and dtype all views have."""
    size = model.backbone.preprocess.size
    half = plan.precision in (torch.bfloat16, torch.float16)
    with torch.autocast(plan.device.type, plan.precision, enabled=half):
        return model.frozen_tokens(torch.zeros(1, 3, size, size, device=plan.device))


def _packed(dtype: torch.dtype, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens in a dtype that NumPy has: int16 in place of bfloat16."""
    tokens = tokens.to(dtype)
    return tokens.view(torch.int16) if dtype == torch.bfloat16 else tokens


def _unpacked(tokens: np.ndarray) -> torch.Tensor:
    tensor = torch.from_numpy(tokens)
    return tensor.view(torch.bfloat16) if tensor.dtype == torch.int16 else tensor


class TokenRows(LabelledRows):
    """Dataset of items ``tokens``, ``(tokens, target)`` or ``((tokens, weight), target)``.

    ``views`` holds an array for each picture and view. The arrays are shared with the cache.
    """

    def __init__(self, views: list[list[np.ndarray]], codes=None, weights=None):
        super().__init__(np.empty((len(views), len(views[0]), 0), np.float32), codes, weights)
        self.views: Any = views

    def _rows(self, i, view: int):
        if isinstance(i, slice):
            i = torch.arange(*i.indices(len(self.views)))
        if torch.is_tensor(i) and i.ndim:
            return _unpacked(np.stack([self.views[j][view] for j in i.tolist()]))
        return _unpacked(np.array(self.views[int(i)][view]))
