"""Near-copies among pictures that are all alike, as products, X-rays and drawings of one kind."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PIL import Image

from ...images._sources import ImageSource
from ._alike import NEAREST, differences
from ._seen import Seen, levels_of

CROWD = NEAREST  # others that are alike, from which on they are a crowd
QUALITY = 20  # of JPEG: the worst that pictures are kept in


def crowded(pairs: Sequence[tuple[int, int]]) -> set[int]:
    """Pictures that are much like several others, by the outcome of :func:`close_pairs`."""
    n_others = Counter(i for pair in pairs for i in pair)
    return {i for i, n in n_others.items() if n >= CROWD}


def nearest(
    pairs: Sequence[tuple[int, int]],
    crowd: set[int],
    seen: Sequence[Seen],
    source: ImageSource,
    each: Callable[[Callable, Iterable], Iterable] = map,
) -> list[tuple[int, int]]:
    """Pairs of near pictures without those that are near only as all of their kind are.

    In a crowd, two pictures may differ by no more than one of them does from itself, when it is
    saved again as small as the other one and at the worst quality.

    Parameters
    ----------
    pairs : sequence of (int, int)
        The outcome of :func:`near_copies`.
    crowd : set of int
        Pictures of which the kind is alike.
    seen : sequence of Seen
        The pictures.
    source : ImageSource
        Where those in a crowd are read again.
    each : callable
        As ``map``; in threads, where the source allows it.

    Returns
    -------
    pairs : list of (int, int)
    """
    doubted = [pair for pair in pairs if not crowd.isdisjoint(pair)]
    wanted = sorted({(i, seen[j].side) for a, b in doubted for i, j in ((a, b), (b, a))})
    losses = dict(zip(wanted, each(lambda which: _loss(source, seen, *which), wanted), strict=True))

    def is_saved_again(i: int, j: int) -> bool:
        loss = np.maximum(losses[i, seen[j].side], losses[j, seen[i].side])
        return bool((differences(seen[i], seen[j]) <= loss).all())

    return [pair for pair in pairs if crowd.isdisjoint(pair) or is_saved_again(*pair)]


def _loss(source: ImageSource, seen: Sequence[Seen], i: int, side: int) -> np.ndarray:
    """How much a picture differs from itself when it is saved again, of that side at most."""
    try:
        image = Image.fromarray(source[i])
    except Exception:  # it is there no more
        return np.zeros(2)
    factor = min(1.0, side / min(image.size))
    size = [max(1, round(length * factor)) for length in image.size]
    file = io.BytesIO()
    image.resize(size).save(file, "JPEG", quality=QUALITY)
    with Image.open(file) as again:
        small, grey = levels_of(again)
    return np.array(differences(seen[i], Seen(None, seen[i].side, small=small, grey=grey)))
