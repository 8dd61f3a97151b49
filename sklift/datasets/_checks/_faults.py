"""All faults of a collection, from one pass over its pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ..._classes._look_alikes import look_alikes
from ..._classes._plurals import plurals
from ..._compute._threads import map_items
from ...images._names import picture_names, picture_paths
from ...images._sources import ImageSource
from ._alike import close_pairs, copies, descriptors, joined, near_copies, told, with_same_pixels
from ._alone import faults_of_each, is_blank
from ._bursts import torn_bursts
from ._crowds import crowded, nearest
from ._kinds import Found
from ._label_errors import wrong_labels
from ._seen import SIDE, Seen, see

NEAR = 0.99  # correlation of pictures that may be near-copies
VARIED = 0.8  # correlation that half of the pairs of varied pictures stay below
AT_ONCE = 256  # pictures between two signs of life
_PAIRS = 20_000  # pairs by which that is told


def faults(
    source: ImageSource,
    labels: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    features: np.ndarray | None = None,
    least: int = 32,
    advance: Callable[[int], object] = lambda n: None,
) -> Iterator[Found]:
    """Faults of pictures, as of :func:`check_images`.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    labels, parts, groups, features, least
        Checked.
    advance : callable
        It is told numbers of pictures that have been looked at.
    """
    seen = _seen(source, advance)
    yield from faults_of_each(seen, least)
    equal = copies(seen)
    again = {i for group in equal for i in group[1:]}
    of = [
        i
        for i, one in enumerate(seen)
        if one.reason is None and i not in again and not is_blank(one)
    ]
    vectors = descriptors(seen, of)
    places = _places(labels, parts, len(seen))[of]
    close = [(of[a], of[b], likeness) for a, b, likeness in close_pairs(vectors, places)]
    near = near_copies(seen, [(i, j) for i, j, likeness in close if likeness > NEAR])
    crowd = crowded([(i, j) for i, j, _ in close])
    near = nearest(near, crowd, seen, source.reduced(SIDE), _each(source))
    equal, near = with_same_pixels(equal, near, seen, source)
    yield from told(equal, seen, labels, parts, exact=True)
    alike = joined(near, len(seen))
    yield from told(alike, seen, labels, parts, exact=False)
    copied = joined([*near, *((group[0], i) for group in equal for i in group[1:])], len(seen))
    if parts is not None:
        pairs = [(i, j) for i, j, _ in close] if len(of) and _varied(vectors) else []
        torn = set(torn_bursts(seen, of, vectors, pairs, parts, picture_paths(source)))
        together = {i: k for k, group in enumerate(copied) for i in group}
        rest = [(i, j) for i, j in torn if together.get(i, -1) != together.get(j, -2)]
        for burst in joined(sorted(rest), len(seen)):
            yield Found("bursts in several parts of the split", tuple(burst), _times(seen, burst))
        yield from _torn_groups(groups, parts)
    if labels is not None:
        if features is not None:
            yield from _wrong(features, labels, groups, copied)
        yield from _names(labels)


def _seen(source: ImageSource, advance: Callable[[int], object]) -> list[Seen]:
    reduced, name, paths = source.reduced(SIDE), picture_names(source), picture_paths(source)
    each = _each(source)
    seen: list[Seen] = []
    for start in range(0, len(source), AT_ONCE):
        some = range(start, min(start + AT_ONCE, len(source)))
        seen += each(lambda i: see(reduced, i, name(i), None if paths is None else paths[i]), some)
        advance(len(some))
    return seen


def _each(source: ImageSource) -> Callable[..., Iterable]:
    """``map``, in threads where the source is for several."""
    # other sources than files may not be: file objects, data sets, HDF5
    return map if picture_paths(source) is None else map_items


def _places(labels: np.ndarray | None, parts: np.ndarray | None, n: int) -> np.ndarray:
    """A number for the class and part of each picture."""
    places = np.zeros(n, dtype=int)
    for values in (labels, parts):
        if values is not None:
            places = places * n + np.unique(values, return_inverse=True)[1]
    return places


def _varied(vectors: np.ndarray) -> bool:
    """Whether pictures differ so much that two that don't are of one moment.

    X-rays, or pictures of one fixed camera, are all alike.
    """
    first, second = np.random.default_rng(0).integers(0, len(vectors), (2, _PAIRS))
    first, second = first[first != second], second[first != second]
    likeness = np.einsum("ij,ij->i", vectors[first], vectors[second])
    return bool(len(likeness)) and bool(np.median(likeness) < VARIED)


def _times(seen: Sequence[Seen], burst: Sequence[int]) -> tuple[str, ...]:
    """When each picture of a burst was taken, after the first."""
    taken = [one.seconds if (one := seen[i].taken) else None for i in burst]
    first = min((time for time in taken if time is not None), default=0.0)
    return tuple("" if time is None else f"{time - first:.0f} s" for time in taken)


def _torn_groups(groups: np.ndarray | None, parts: np.ndarray) -> Iterator[Found]:
    if groups is None:
        return
    found: dict[str, set[str]] = {}
    for group, part in zip(groups.tolist(), parts.tolist(), strict=True):
        found.setdefault(group, set()).add(part)
    for group, some in found.items():
        if len(some) > 1:
            text = f"{group}: {', '.join(sorted(some))}"
            yield Found("groups in several parts of the split", (), (text,))


def _wrong(features, labels, groups, together) -> Iterator[Found]:
    """Labels that look wrong; copies are scored together, and so are groups, if there are some."""
    if groups is None:
        groups = np.arange(len(labels)).astype(str)
        for members in together:
            groups[members] = groups[members[0]]
    classes, codes = np.unique(labels, return_inverse=True)
    rows = np.flatnonzero(np.isfinite(features).all(axis=1))
    found = wrong_labels(
        features[rows], codes[rows], np.unique(groups, return_inverse=True)[1][rows]
    )
    for row, code, _ in found:
        yield Found("labels that look wrong", (int(rows[row]),), (f"more like {classes[code]}",))


def _names(labels: np.ndarray) -> Iterator[Found]:
    """What is odd about the names of classes and their sizes."""
    counts = Counter(labels.tolist())
    names = sorted(counts)
    for kind, pairs in {
        "class names that look alike": look_alikes(names),
        "class names in singular and plural": plurals(names),
    }.items():
        for pair in pairs:
            yield Found(kind, (), (" = ".join(map(repr, pair)),))
    for name in names:
        if counts[name] == 1:
            yield Found("classes of one picture", (), (str(name),))
