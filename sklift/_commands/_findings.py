"""What may be wrong with a collection of labelled pictures, found without a model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from typing import NamedTuple

import numpy as np
from PIL import Image

from .._classes._look_alikes import look_alikes
from .._compute._threads import map_items
from ..images import Reader
from ._reading import why_unreadable

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")
BLANK, DARK, FLAT = 8, 48, 32  # of 256 levels of grey
_SEEN = 256  # pixels of a side that are looked at


@dataclass(frozen=True)
class Finding:
    """A kind of fault.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        An error spoils training or scores.
    kind : str
        What is wrong.
    items : list of str
        Where: paths, classes, or groups of them, with details.
    remedy : str
        What to do.
    """

    severity: str
    kind: str
    items: list[str]
    remedy: str


class Look(NamedTuple):
    """What was seen of a picture.

    Parameters
    ----------
    reason : str or None
        Why it can't be read.
    side : int
        Pixels of its shorter side.
    ends : tuple of int
        The levels of grey that 0, 1, 99 and 100 % of its pixels stay below.
    digest : bytes
        A digest of the content of its file.
    """

    reason: str | None
    side: int = 0
    ends: tuple[int, ...] = ()
    digest: bytes = b""


def findings(
    paths: Sequence[str],
    labels: Sequence,
    left_out: Mapping[str, str],
    said: Sequence[str] = (),
    *,
    least: int = 32,
    advance: Callable[[int], object] = lambda n: None,
) -> list[Finding]:
    """Look at all pictures.

    Parameters
    ----------
    paths : sequence of str
        The files.
    labels : sequence
        The class of each.
    left_out : dict of str to str
        Other files that were found, with the reason.
    said : sequence of str
        What the loader of the pictures warned of.
    least : int, default=32
        Pixels of a side below which a picture is tiny.
    advance : callable
        It is told numbers of pictures that are done.

    Returns
    -------
    findings : list of Finding
        By severity; kinds that were not found are left out.
    """
    looks: dict[str, Look] = {}
    for start in range(0, len(paths), 256):
        some = paths[start : start + 256]
        looks |= zip(some, map_items(look_at, some), strict=True)
        advance(len(some))
    across, within = _copies(looks, dict(zip(paths, labels, strict=True)))
    readable = {path: look for path, look in looks.items() if look.reason is None}
    tiny = [f"{p} ({look.side} pixels)" for p, look in readable.items() if look.side < least]
    found = [
        Finding(
            ERROR,
            "can't be read",
            [f"{path}: {look.reason}" for path, look in looks.items() if look.reason is not None],
            "remove or replace them; fit leaves them out",
        ),
        Finding(
            ERROR,
            "the same picture in several classes",
            across,
            "keep it in the right class only: scores on copies are worth nothing",
        ),
        Finding(
            WARNING,
            "class names that look alike",
            [" = ".join(map(repr, group)) for group in look_alikes(sorted(set(labels)))],
            "rename the folders, if they are one class",
        ),
        Finding(WARNING, "odd folders or lists", list(said), "follow what is said of them"),
        Finding(
            WARNING,
            "copies within a class",
            within,
            "keep one: a copy in the held-out part makes scores too good",
        ),
        Finding(WARNING, "tiny", tiny, "look for the originals: these may be thumbnails"),
        *_of_light(readable),
        Finding(
            WARNING,
            "classes of one picture",
            sorted(str(label) for label, n in Counter(labels).items() if n == 1),
            "find more: with one picture, a class is not scored",
        ),
        Finding(
            NOTE,
            "files left out",
            [f"{path}: {reason}" for path, reason in left_out.items()],
            "nothing, if they are no pictures to train on",
        ),
    ]
    return [finding for finding in found if finding.items]


def look_at(path: str) -> Look:
    """Look at one picture, reduced where it is large."""
    try:
        source = Reader().build([path])
        with Image.open(path) as image:
            side = min(image.size)
        grey = np.asarray(Image.fromarray(source.reduced(_SEEN)[0]).convert("L"))
        with open(path, "rb") as file:
            digest = file_digest(file, lambda: blake2b(digest_size=16)).digest()
    except Exception as error:  # whatever it is, it is the file's
        return Look(why_unreadable(path, Reader()) or str(error))
    ends = np.percentile(grey, (0, 1, 99, 100)).astype(int)
    return Look(None, side, tuple(ends.tolist()), digest)


def _of_light(readable: Mapping[str, Look]) -> Iterator[Finding]:
    """Findings about pictures on which little is to be seen, each in one of them."""
    kinds: dict[str, list[str]] = {"blank": [], "dark": [], "low in contrast": []}
    for path, look in readable.items():
        darkest, low, high, brightest = look.ends
        if brightest - darkest < BLANK:
            kinds["blank"].append(path)
        elif high < DARK:
            kinds["dark"].append(path)
        elif high - low < FLAT:
            kinds["low in contrast"].append(path)
    yield Finding(WARNING, "blank", kinds["blank"], "remove them: one colour shows nothing")
    yield Finding(
        WARNING,
        "dark",
        kinds["dark"],
        "look at some; if files have 10 to 14 bits, give --set reader__value_range=12",
    )
    yield Finding(WARNING, "low in contrast", kinds["low in contrast"], "look at some")


def _copies(looks: Mapping[str, Look], label_of: Mapping) -> tuple[list[str], list[str]]:
    """Groups of files of the same content: in several classes, and in one."""
    groups = defaultdict(list)
    for path, look in looks.items():
        if look.reason is None and look.ends[-1] - look.ends[0] >= BLANK:  # blank ones are alike
            groups[look.digest].append(path)
    across: list[str] = []
    within: list[str] = []
    for group in (group for group in groups.values() if len(group) > 1):
        several = len({label_of[path] for path in group}) > 1
        (across if several else within).append(" = ".join(sorted(group)))
    return across, within
