"""Names of the parts of a split data set."""

from __future__ import annotations

import re

_PARTS = {
    "train": r"train(ing)?",
    "val": r"val(id(ation)?)?|dev(elopment)?",
    "test": r"test(ing)?|eval(uation)?|hold[ _-]?out",
    "unlabelled": r"unlabell?ed",
}
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
