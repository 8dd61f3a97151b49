"""Names that are the singular and the plural of one English word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_LEAST = 3  # letters of a singular


def plurals(labels: Iterable) -> list[list[str]]:
    """Pairs of texts, a singular and its plural, that are both among the labels.

    Examples
    --------
    >>> from sklift._classes._plurals import plurals
    >>> plurals(["fox", "wolves", "foxes", "berry", "Berries", "wolf", "bus", "lynx"])
    [['fox', 'foxes'], ['berry', 'Berries'], ['wolf', 'wolves']]
    """
    texts = [label for label in labels if isinstance(label, str)]
    by_key = {text.casefold().strip(): text for text in texts}
    pairs = []
    for text in texts:
        key = text.casefold().strip()
        pairs += [[text, by_key[plural]] for plural in _plurals_of(key) if plural in by_key]
    return pairs


def _plurals_of(word: str) -> Iterator[str]:
    if len(word) < _LEAST or not word[-1].isalpha():
        return
    yield f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
    if word.endswith("y"):
        yield f"{word[:-1]}ies"
    elif word.endswith("o"):
        yield f"{word}es"
    elif word.endswith(("f", "fe")):
        yield f"{word.removesuffix('e')[:-1]}ves"
