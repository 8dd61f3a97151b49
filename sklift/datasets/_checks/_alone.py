"""Faults of single pictures: unreadable, tiny, with little to be seen, masks among photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ._kinds import Found
from ._seen import Seen

BLANK, DARK, FLAT = 8, 48, 32  # of 256 levels of grey
BLURRED = 0.65  # twice what sharp photographs have, which is 0.2 to 0.5
ABOVE = 0.15  # by which a picture is more blurred than half of the others
DRAWN = 0.5  # share of equal neighbours from which on a picture is no photograph
NATURE = 0.2  # share of the pictures from which on a property is no fault but their nature


def faults_of_each(seen: Sequence[Seen], least: int) -> Iterator[Found]:
    """Faults of single pictures.

    Parameters
    ----------
    seen : sequence of Seen
        What was seen of each.
    least : int
        Pixels of a side below which a picture is tiny.
    """
    readable = [i for i, one in enumerate(seen) if one.reason is None]
    for i, one in enumerate(seen):
        if one.reason is not None:
            yield Found("can't be read", (i,), (one.reason,))
    for i in readable:
        if seen[i].side < least:
            yield Found("tiny", (i,), (f"{seen[i].side} pixels",))
        if kind := _of_light(seen[i]):
            yield Found(kind, (i,))
    yield from _blurred(seen, [i for i in readable if not _of_light(seen[i])])
    yield from _masks(seen, [i for i in readable if not is_blank(seen[i])])


def is_blank(one: Seen) -> bool:
    """Whether a picture has one colour, so that it is like others without being a copy."""
    return one.ends[-1] - one.ends[0] < BLANK


def _of_light(one: Seen) -> str | None:
    """The kind of a picture on which little is to be seen."""
    _, low, high, _ = one.ends
    if is_blank(one):
        return "blank"
    if high < DARK:
        return "dark"
    if low > 255 - DARK:
        return "bright"
    return "low in contrast" if high - low < FLAT else None


def _blurred(seen: Sequence[Seen], of: list[int]) -> Iterator[Found]:
    """Pictures that are blurred, where most are not."""
    blur = np.array([seen[i].blur for i in of])
    if not len(blur):
        return
    found = np.flatnonzero((blur > BLURRED) & (blur > np.median(blur) + ABOVE))
    if len(found) <= NATURE * len(blur):
        order = found[np.argsort(-blur[found], kind="stable")]
        yield from (
            Found("blurred", (of[k],), (f"blur {blur[k]:.2f} of 1",)) for k in order.tolist()
        )


def _masks(seen: Sequence[Seen], of: list[int]) -> Iterator[Found]:
    """Pictures of few colours, where nearly all others are photographs."""
    masks = [i for i in of if seen[i].few is not None]
    others = np.array([seen[i].flat for i in of if seen[i].few is None])
    if 0 < len(masks) <= len(others) and np.quantile(others, 1 - NATURE) < DRAWN:
        for i in masks:
            yield Found("masks among photographs", (i,), (f"{seen[i].few} colours",))
