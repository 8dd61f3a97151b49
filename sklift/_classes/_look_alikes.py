"""Labels that are probably one class, spelt in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from .._core._warn import warn

_EMPTY = ("nan", "none", "<na>", "nat", "null")  # missing values that became text


def look_alikes(labels: Iterable) -> list[list[str]]:
    """Groups of texts that differ only by case, surrounding blanks, Unicode form or separators.

    Examples
    --------
    >>> from sklift._classes._look_alikes import look_alikes
    >>> look_alikes(["Raccoon", "raccoon ", "red fox", "red_fox", "lynx"])
    [['Raccoon', 'raccoon '], ['red fox', 'red_fox']]
    """
    groups = defaultdict(list)
    for label in labels:
        if isinstance(label, str):
            groups[_key(label)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def warn_of_look_alikes(classes) -> None:
    """Warn of classes that look like one, and of missing values that became text."""
    labels = classes.tolist()
    if groups := look_alikes(labels):
        first = "; ".join(" and ".join(map(_shown, group)) for group in groups[:5])
        more = "; ..." if len(groups) > 5 else ""
        warn(
            f"labels that differ only by case, blanks, Unicode form or separators are different "
            f"classes: {first}{more}; if they are one, give them one spelling"
        )
    empty = [v for v in labels if isinstance(v, str) and v.strip().lower() in ("", *_EMPTY)]
    if empty:
        warn(
            f"the label {empty[0]!r} is taken as a class; if it was a missing value that became "
            "text, leave those pictures out or label them"
        )


def _key(label: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # marks without width
    return re.sub(r"(?<=\w)[\s_.\-\u2010-\u2015]+(?=\w)|(?<=\w)_+|_+(?=\w)", " ", text).strip()


def _shown(label: str) -> str:
    """In quotes; letters that only look alike by their numbers."""
    composed = unicodedata.normalize("NFC", label) == label
    return repr(label) if composed and label.isprintable() else ascii(label)
