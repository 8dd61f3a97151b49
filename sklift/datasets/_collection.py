"""What all loaders of picture files return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._classes._look_alikes import warn_of_look_alikes
from .._core._text import counted
from .._core._warn import warn
from ._split import part_of

_NO_GROUP = ("", "nan", "NaN", "<NA>", "None", "null", "NULL")


def collection(
    data,
    target,
    *,
    filenames=None,
    target_names=None,
    split: Sequence | np.ndarray | None = None,
    groups: Sequence | np.ndarray | None = None,
    left_out: dict[str, str] | None = None,
    where: object,
    return_X_y: bool = False,
    **others,
) -> Any:
    """Put what a loader has found together, and warn of groups that a split tears apart.

    Parameters
    ----------
    data : ndarray of str, or ImageCrops
        Pictures.
    target : ndarray, or None
        Labels.
    filenames : ndarray of str or None
        The file of each picture; None: ``data``.
    target_names : sequence of str or None
        Names of the classes; None: the sorted labels, if these are text.
    split, groups : sequence or None
        Part of the split and group of each picture; a picture that has no group (None, "") is one
        of its own.
    left_out : dict of str to str
        Files that are left out, with the reason.
    where : object
        What was read, for messages.
    return_X_y : bool
        Return ``(data, target)``.
    **others
        What this loader has to say besides.
    """
    filenames = data if filenames is None else filenames
    split = None if split is None else np.array(split)
    groups = None if groups is None else _groups(groups, filenames)
    if split is not None and groups is not None:
        _warn_of_leaks(split, groups)
    if target is not None and target.dtype.kind not in "iu":
        target_names = np.unique(target) if target_names is None else np.array(target_names)
        warn_of_look_alikes(target_names)
    if return_X_y:
        if split is not None and len(parts := {part_of(part) for part in split.tolist()}) > 1:
            warn(
                f"pictures of {', '.join(sorted(parts))} come together: without return_X_y, split "
                "tells which is which"
            )
        return data, target
    counts = None
    if target is not None and target.dtype.kind in "iu":
        counts = np.bincount(target, minlength=0 if target_names is None else len(target_names))
    elif target is not None and target_names is not None:
        of_class = Counter(target.tolist())
        counts = np.array([of_class[name] for name in target_names.tolist()])
    n_classes = "" if counts is None else f" of {counted(len(counts), 'class')}"
    return Bunch(
        data=data,
        filenames=filenames,
        target=target,
        target_names=None if target_names is None else np.array(target_names),
        class_counts=counts,
        split=split,
        groups=groups,
        left_out=left_out or {},
        DESCR=f"{counted(len(data), 'picture')}{n_classes} {where}",
        **others,
    )


def _groups(groups: Sequence | np.ndarray, filenames) -> np.ndarray:
    """Groups as text; a picture without one is alone."""
    return np.array(
        [
            str(file) if group is None or str(group).strip() in _NO_GROUP else str(group)
            for group, file in zip(groups, filenames, strict=True)
        ]
    )


def _warn_of_leaks(split: np.ndarray, groups: np.ndarray) -> None:
    parts: dict[str, set[str]] = {}
    for part, group in zip(split.tolist(), groups.tolist(), strict=True):
        parts.setdefault(group, set()).add(part_of(part))
    torn = [group for group, some in parts.items() if len(some) > 1]
    if torn:
        names = sorted({part for group in torn for part in parts[group]})
        warn(
            f"{len(torn)} of {len(parts)} groups ({', '.join(map(repr, sorted(torn)[:3]))}"
            f"{', ...' if len(torn) > 3 else ''}) have pictures in several of "
            f"{', '.join(names)}: scores on the one are too good where the other was trained on; "
            "split by group instead, as StratifiedGroupKFold does"
        )
