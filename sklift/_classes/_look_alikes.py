"""Labels that are probably one class, spelt in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from .._core._warn import warn

# Letters of other scripts that are drawn as Latin ones, in the order of these.
_CYRILLIC = (
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455"
)
_GREEK = (
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
)
_AS_LATIN = str.maketrans(_CYRILLIC + _GREEK, "ABEKMHOPCTYXaeopcyxijs" + "ABEZHIKMNOPTYXo")
_EMPTY = (
    "nan",
    "-nan",
    "none",
    "<na>",
    "n/a",
    "#n/a",
    "nat",
    "null",
)  # missing values that became text


def look_alikes(labels: Iterable) -> list[list[str]]:
    """Groups of texts that differ only by case, blanks, Unicode form, separators or leading zeros.

    "RedFox" and "red fox" are alike, and so are letters of two scripts that are drawn alike.

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
        first = "; ".join(" and ".join(_shown(v, group) for v in group) for group in groups[:5])
        more = "; ..." if len(groups) > 5 else ""
        warn(
            "labels that differ only by case, blanks, Unicode form, separators, leading zeros or "
            f"letters that look alike are different classes: {first}{more}; if they are one, give "
            "them one spelling"
        )
    empty = [v for v in labels if isinstance(v, str) and v.strip().lower() in ("", *_EMPTY)]
    if empty:
        warn(
            f"the label {empty[0]!r} is taken as a class; if it was a missing value that became "
            "text, leave those pictures out or label them"
        )


def _key(label: str) -> str:
    text = unicodedata.normalize("NFKC", label.translate(_AS_LATIN))
    text = unicodedata.normalize("NFKC", text.casefold())
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # marks without width
    text = re.sub(r"(?<=\w)[\s_.\-\u2010-\u2015]+(?=\w)|(?<=\w)_+|_+(?=\w)", " ", text).strip()
    text = re.sub(r"^(\d+) 0+$", r"\1", text)  # "1.0", which a table made of 1
    text = re.sub(r"(?<!\d)0+(?=\d)", "", text)
    return re.sub(r"(?<=[^\W\d]) (?=[^\W\d])", "", text)


def _shown(label: str, group: list[str]) -> str:
    """In quotes; letters that only look alike by their numbers."""
    composed = unicodedata.normalize("NFC", label) == label
    foreign = label.translate(_AS_LATIN) != label and any(map(str.isascii, group))
    return repr(label) if composed and label.isprintable() and not foreign else ascii(label)
