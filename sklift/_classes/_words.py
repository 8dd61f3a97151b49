"""Words of class names, as a text tower reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from .._core._warn import warn

_NUMBERED = re.compile(r"^(?:\d+\.|0\d+|\d{3,}[_-])[\s._-]*(?=[^\W\d_])")
_COUNTED = re.compile(
    r"^(?:[(\[#]?\d+[\s._)\]:-]+|\d+(?=[A-Z][^\W\d_A-Z]))(?=[^\W\d_])"  # also "1RedHeart"
)
_WORDNET = re.compile(r"^n\d{8}[\s._-]+(?=[^\W\d_])|(?<=\w)\.[nvars]\.\d+$")
_HUMPS = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z])")
_NUMBER_AT_END = re.compile(r"\d+\Z")
_WITHOUT_VOWEL = ("cd", "dvd", "lcd", "pc", "tv")
# what stands before a number and names nothing
_GENERIC = re.compile(
    "category|class|classes|cluster|cls|folder|group|id|idx|image|img|item|label|sample|species|"
    "taxon|type"
)
_LABELLED = re.compile(
    rf"^(?:(?:{_GENERIC.pattern})[\s._-]*\d+|[a-z]0\d+)[\s._:-]+(?=[^\W\d_]{{2}})",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"(?<=[^\W\d_])[\s._-]+(\d{2,})$")


def as_words(names: Sequence[str]) -> list[str]:
    """Class names as words: "red heart" of "001.red_heart", "RedHeart" and "red-heart".

    Underscores become blanks, and so do hyphens, points and humps of a name without blanks, if no
    part is a single letter ("t-shirt", "iPhone"). Numbers in front or behind go where they are no
    part of the name: with a point or leading zeros, or on every name; and ids of WordNet in front
    of a word.

    Parameters
    ----------
    names : sequence of str
        The names of all classes: whether a number belongs to a name shows in the others.

    Returns
    -------
    list of str
        Of the same length.

    Examples
    --------
    >>> from sklift._classes._words import as_words
    >>> as_words(["001.Red_heart", "AnnualCrop", "stop-sign", "t-shirt"])
    ['Red heart', 'annual crop', 'stop sign', 't-shirt']
    """
    kept = [_WORDNET.sub("", unquote(name).strip()) for name in names]
    for counter in (_COUNTED, _LABELLED):
        if len(kept) > 1 and all(map(counter.match, kept)):
            kept = [counter.sub("", name) for name in kept]
    kept = [_NUMBERED.sub("", name) for name in kept]
    behind = [found[1] for found in map(_BEHIND.search, kept) if found]
    # "fox_01", "lynx_02", ..., "owl_12"
    if len(behind) == len(kept) > 1 and len(set(map(len, behind))) == 1 and min(behind)[0] == "0":
        kept = [_BEHIND.sub("", name) for name in kept]
    if len(set(kept)) < len(set(names)):  # "1 euro" and "2 euro": the number tells them apart
        kept = [name.strip() for name in names]
    return [_split(name) for name in kept]


def wordless(names: Sequence[str]) -> list[str]:
    """The names that hold no word: numbers, codes, "class 3".

    A name that is a letter passes: it is the word for it, in pictures of an alphabet.

    Examples
    --------
    >>> from sklift._classes._words import wordless
    >>> wordless(["7", "n01503061", "class_3", "bkl", "red fox"])
    ['7', 'n01503061', 'class_3', 'bkl']
    """
    return [
        name
        for name, words in zip(names, as_words(names), strict=True)
        if not (len(words) == 1 and words.isalpha())
        and not any(map(_is_word, re.findall(r"[^\W_]+", words)))
    ]


def warn_of_wordless(names: Sequence[str], why: str, given: bool) -> None:
    """Warn of names that are no words: labels, or most of the names that a user has ``given``."""
    codes = wordless(names)
    if len(codes) > (len(names) // 2 if given else 0):
        what, remedy = ("class_names", "names in words") if given else ("labels", "class_names")
        warn(
            f"{len(codes)} of {len(names)} {what} are no words ({shown(codes)}): {why}; give "
            f"{remedy}"
        )


def shown(names: Sequence[str], most: int = 3) -> str:
    """The first names, for a message."""
    return ", ".join(map(repr, names[:most])) + (", ..." if len(names) > most else "")


def _split(name: str) -> str:
    words = " ".join(name.replace("_", " ").split())
    if " " not in words:
        parts = re.split(r"[-.+~|:/\u2010-\u2013]+", words)  # R puts points for blanks
        if len(parts) > 1 and all(len(part) > 1 and part.isalpha() for part in parts):
            words = " ".join(parts)
    # humps of each word: in "Permanent_CropLand" as well
    return " ".join(_humps(word) for word in words.split(" "))


def _humps(word: str) -> str:
    letters = _NUMBER_AT_END.sub("", word)
    number = word[len(letters) :]
    parts = _HUMPS.split(letters)
    if len(parts) < 2 or not letters.isalpha() or min(map(len, parts)) < 2:
        return word
    if parts[0] in ("Mc", "Mac", "De", "La", "Le", "Van"):  # McDonald
        return word
    parts = [part if part.isupper() else part.lower() for part in parts]
    return " ".join([*parts, number] if number else parts)


def _is_word(token: str) -> bool:
    """Whether letters make a word: more than one of them, with a vowel; beside digits, three."""
    if token.lower() in _WITHOUT_VOWEL:
        return True
    least = 2 if token.isalpha() else 3
    for letters in re.findall(r"[^\W\d_]+", token.lower()):
        if not letters.isascii():  # one may be a word, in Chinese for instance
            return True
        if (
            len(letters) >= least
            and not _GENERIC.fullmatch(letters)
            and re.search("[aeiouy]", letters)
        ):
            return True
    return False
