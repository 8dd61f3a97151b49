"""Names of the parts of a split data set."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PARTS = {
    "train": r"train(ing)?|trn",
    "val": r"val(id(ation|ate)?)?|dev(elopment)?",
    "test": r"test(ing)?|tst|eval(uation)?|hold[ _-]?out",
    "unlabelled": r"unlabell?ed",
}
_FOLD = r"(fold|split)[ _-]?\d+"
_AROUND = r"([ _-]?(set|data|images|split))?[ _-]?\d*"
ORDER = ("train", "val", "test", "unlabelled")


def part_of(name: str) -> str:
    """Part of a split that a name stands for; other names stay as they are.

    Examples
    --------
    >>> from sklift.datasets._split import part_of
    >>> part_of("Training_set"), part_of("val2017"), part_of("testudo")
    ('train', 'val', 'testudo')
    """
    for part, pattern in _PARTS.items():
        if re.fullmatch(f"({pattern}){_AROUND}", name.strip().lower()):
            return part
    return name


def is_part(name: str) -> bool:
    """Whether a name is that of a part of a split."""
    return part_of(name) in ORDER


def parts_among(names: Sequence[str]) -> list[str]:
    """The names that are plainly those of parts of a split, if there are several.

    Examples
    --------
    >>> from sklift.datasets._split import parts_among
    >>> parts_among(["seg_test", "seg_train"]), parts_among(["fold1", "fold2"])
    (['seg_test', 'seg_train'], ['fold1', 'fold2'])
    >>> parts_among(["bullet_train", "steam_train", "train"])
    []
    """
    parts = {name: part_of(name) for name in names if is_part(name)}
    behind = {name: part_of(re.split("[ _-]", name)[-1]) for name in names}
    folds = {name: name for name in names if re.fullmatch(_FOLD, name.strip().lower())}
    for found in (parts, {k: v for k, v in behind.items() if v in ORDER}, folds):
        if len(set(found.values())) > 1:
            return list(found)
    return list(parts) if len(parts) > 1 else []
