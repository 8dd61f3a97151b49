"""Kinds of faults: how bad each one is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")

# In the order in which they are told. An error spoils training or scores.
KINDS = {
    "can't be read": (ERROR, "remove or replace them; fit leaves them out"),
    "the same picture in several classes": (
        ERROR,
        "keep it in the right class only: scores on copies are worth nothing",
    ),
    "the same picture in several parts of the split": (
        ERROR,
        "keep it in one part: what was trained on is no test",
    ),
    "nearly the same picture in several classes": (
        WARNING,
        "look at them: if they are one picture, keep it in the right class",
    ),
    "nearly the same picture in several parts of the split": (
        WARNING,
        "keep it in one part: what was trained on is no test",
    ),
    "bursts in several parts of the split": (
        WARNING,
        "split by burst, place or day: give groups, so that they stay together",
    ),
    "groups in several parts of the split": (
        WARNING,
        "split by group, as StratifiedGroupKFold does: scores are too good otherwise",
    ),
    "labels that look wrong": (WARNING, "look at them: another class fits far better"),
    "class names that look alike": (WARNING, "rename the folders, if they are one class"),
    "odd folders or lists": (WARNING, "follow what is said of them"),
    "copies within a class": (
        WARNING,
        "keep one: a copy in the held-out part makes scores too good",
    ),
    "near-copies within a class": (
        WARNING,
        "keep one, or keep them on one side of each split, as a group",
    ),
    "smaller copies of other pictures": (WARNING, "keep the large ones: these are thumbnails"),
    "tiny": (WARNING, "look for the originals: these may be thumbnails"),
    "masks among photographs": (WARNING, "remove them, if they are masks or drawings"),
    "blank": (WARNING, "remove them: one colour shows nothing"),
    "dark": (
        WARNING,
        "look at some; if files have 10 to 14 bits, give --set reader__value_range=12",
    ),
    "bright": (WARNING, "look at some: they are overexposed, or nearly white"),
    "low in contrast": (WARNING, "look at some"),
    "blurred": (WARNING, "look at some: if the object can't be made out, remove them"),
    "classes of one picture": (WARNING, "find more: with one picture, a class is not scored"),
    "class names in singular and plural": (NOTE, "rename the folders, if they are one class"),
    "files left out": (NOTE, "nothing, if they are no pictures to train on"),
}


class Found(NamedTuple):
    """One fault.

    Parameters
    ----------
    kind : str
        A key of ``KINDS``.
    indices : tuple of int
        The pictures, of which the first is the one that the others are compared with; none where
        the fault is not one of pictures.
    details : tuple of str
        What is said of each; of the fault, where there are no pictures.
    """

    kind: str
    indices: tuple[int, ...] = ()
    details: tuple[str, ...] = ()


def table_of(
    found: Iterable[Found],
    names: Sequence[str],
    labels: np.ndarray | None,
    parts: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Table with a row for each picture of each fault, by severity.

    Parameters
    ----------
    found : iterable of Found
        The faults, those of one kind in the order wanted.
    names : sequence of str
        What each picture is called.
    labels, parts : ndarray of shape (n_pictures,) or None
        Its class, and its part of a split.
    """
    order = {kind: row for row, kind in enumerate(KINDS)}
    rows: list[tuple[Any, ...]] = []
    for number, fault in enumerate(sorted(found, key=lambda fault: order[fault.kind])):
        severity, remedy = KINDS[fault.kind]
        members = fault.indices or (-1,) * len(fault.details)
        details = fault.details or ("",) * len(members)
        for i, detail in zip(members, details, strict=True):
            name = names[i] if i >= 0 else ""
            of_it = [str(v[i]) if v is not None and i >= 0 else "" for v in (labels, parts)]
            rows.append((severity, fault.kind, number, i, name, *of_it, detail, remedy))
    columns = list(zip(*rows, strict=True)) or [()] * 9
    whole = dict(
        zip(
            ("severity", "kind", "fault", "index", "picture", "label", "part", "detail", "remedy"),
            columns,
            strict=True,
        )
    )
    return {
        name: np.array(values, dtype=int if name in ("fault", "index") else object)
        for name, values in whole.items()
    }
