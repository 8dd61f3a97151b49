"""Copies, near-copies and bursts: pictures that are alike, by their pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...images._sources import ImageSource
from ._alone import is_blank
from ._kinds import Found
from ._seen import GREY, Seen

CLOSE = 0.95  # correlation of pictures that are compared further
NEAREST = 4  # others that a picture is compared with further, at most
BLOCK = 1 << 24  # correlations that are held at once
COARSE, FINE = 14.0, 18.0  # levels by which copies differ, at most, of 32 and of 64 pixels a side
GAINS = (0.6, 1.6)  # by which their contrasts differ, at most
THUMBNAIL = 2  # times that the sides of a picture are longer than those of a thumbnail


def copies(seen: Sequence[Seen]) -> list[list[int]]:
    """Groups of equal pictures, without blank ones, which are alike without that."""
    groups = defaultdict(list)
    for i, one in enumerate(seen):
        if one.reason is None and not is_blank(one):
            groups[one.digest].append(i)
    return [group for group in groups.values() if len(group) > 1]


def descriptors(seen: Sequence[Seen], of: Sequence[int]) -> np.ndarray:
    """Pictures as unit vectors, whose products are the correlations of their levels of grey.

    Returns
    -------
    vectors : ndarray of shape (n, 256), float32
        Of pictures of 16 pixels a side.
    """
    vectors = np.empty((len(of), 256), np.float32)
    for row, i in enumerate(of):
        grey = seen[i].grey
        assert grey is not None
        vectors[row] = grey.reshape(16, 4, 16, 4).mean(axis=(1, 3)).ravel()
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.float32(1e-6))


def close_pairs(vectors: np.ndarray, places: np.ndarray) -> list[tuple[int, int, float]]:
    """Pairs of rows that are alike: for each row the nearest of its place, and those of others.

    Parameters
    ----------
    vectors : ndarray of shape (n, n_features)
        Unit vectors.
    places : ndarray of shape (n,), int
        The class and part of the split of each. With both kinds of pairs, a copy elsewhere is not
        hidden by many that are beside it.

    Returns
    -------
    pairs : list of (int, int, float)
        Rows i < j and their correlation, each pair once.
    """
    found: dict[tuple[int, int], float] = {}
    n = len(vectors)
    step = max(1, BLOCK // max(n, 1))
    for start in range(0, n, step):
        products = vectors[start : start + step] @ vectors.T
        own = np.arange(len(products))
        products[own, start + own] = -1
        for row in np.flatnonzero((products > CLOSE).any(axis=1)).tolist():
            others = np.flatnonzero(products[row] > CLOSE)
            beside = places[others] == places[start + row]
            for some in (others[beside], others[~beside]):
                nearest = some[np.argsort(-products[row, some], kind="stable")[:NEAREST]]
                for other in nearest.tolist():
                    pair = (min(start + row, other), max(start + row, other))
                    found[pair] = float(products[row, other])
    return [(i, j, likeness) for (i, j), likeness in sorted(found.items())]


def near_copies(seen: Sequence[Seen], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that are one picture, saved again at another size, quality or brightness.

    They are compared at 32 pixels a side in each colour, and at 64 in grey, of which JPEG keeps
    more.
    """
    bounds = np.array([COARSE, FINE])
    return [(i, j) for i, j in pairs if (differences(seen[i], seen[j]) <= bounds).all()]


def differences(first: Seen, second: Seen) -> np.ndarray:
    """Levels by which two pictures differ, at 32 pixels a side and at 64, of shape (2,)."""
    coarse = _rest(first.small, second.small, 8)
    # a picture of less than 64 pixels has no more to compare
    if min(first.side, second.side) < GREY:
        return np.array([coarse, 0.0])
    return np.array([coarse, _rest(first.grey, second.grey, 16)])


def with_same_pixels(
    groups: Sequence[list[int]],
    pairs: Sequence[tuple[int, int]],
    seen: Sequence[Seen],
    source: ImageSource,
) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Groups of copies with those of other encodings, and the near-copies that are left.

    Parameters
    ----------
    groups : sequence of list of int
        Pictures of equal files.
    pairs : sequence of (int, int)
        Near-copies, of which a group has its first picture.
    seen : sequence of Seen
        The pictures.
    source : ImageSource
        Where near-copies are read again, in all their pixels.
    """
    same = [(i, j) for i, j in pairs if seen[i].side == seen[j].side and _is_same(source, i, j)]
    whole = joined([*((g[0], i) for g in groups for i in g[1:]), *same], len(seen))
    first = {i: group[0] for group in whole for i in group}
    rest = {(first.get(i, i), first.get(j, j)) for i, j in pairs}
    return whole, sorted((min(pair), max(pair)) for pair in rest if pair[0] != pair[1])


def _is_same(source: ImageSource, i: int, j: int) -> bool:
    try:
        return np.array_equal(source[i], source[j])
    except Exception:  # one is there no more
        return False


def _rest(a: np.ndarray | None, b: np.ndarray | None, n_cells: int) -> float:
    """What of a small picture another one doesn't explain by brightness and contrast.

    Parameters
    ----------
    a, b : ndarray of shape (side, side[, n_channels]), uint8
        The pictures.
    n_cells : int
        Cells along each side.

    Returns
    -------
    levels : float
        The largest mean difference in a cell and channel; infinite if contrasts differ too much.
    """
    assert a is not None and b is not None
    first = a - a.mean(axis=(0, 1), dtype=np.float32)
    second = b - b.mean(axis=(0, 1), dtype=np.float32)
    gain = float((first * second).sum() / max(float((first * first).sum()), 1e-6))
    if not GAINS[0] < gain < GAINS[1]:
        return np.inf
    side = len(a) // n_cells
    rest = np.abs(second - gain * first).reshape(n_cells, side, n_cells, side, -1)
    return float(rest.mean(axis=(1, 3)).max())


def joined(pairs: Sequence[tuple[int, int]], n: int) -> list[list[int]]:
    """Groups of pictures that pairs connect, in the order of their first ones."""
    if not pairs:
        return []
    rows, columns = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(n, n))
    members = defaultdict(list)
    for i, label in enumerate(connected_components(graph, directed=False)[1].tolist()):
        members[label].append(i)
    return [group for group in members.values() if len(group) > 1]


def told(groups, seen, labels, parts, *, exact: bool) -> Iterator[Found]:
    """Groups of copies or near-copies as faults, by the classes and parts that they are in."""
    words = "the same" if exact else "nearly the same"
    for group in groups:
        sides = [seen[i].side for i in group]
        if labels is not None and len(set(labels[group].tolist())) > 1:
            kind = f"{words} picture in several classes"
        elif parts is not None and len(set(parts[group].tolist())) > 1:
            kind = f"{words} picture in several parts of the split"
        elif exact:
            kind = "copies within a class"
        elif max(sides) >= THUMBNAIL * min(sides):
            kind = "smaller copies of other pictures"
        else:
            kind = "near-copies within a class"
        details = ("",) * len(group) if exact else tuple(f"{side} pixels" for side in sides)
        yield Found(kind, tuple(group), details)
