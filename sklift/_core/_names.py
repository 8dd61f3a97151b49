"""Suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str], n_most: int = 1) -> str:
    """Return the end of an error message about an unknown name, empty where none is close.

    Parameters
    ----------
    name : str
        The given name. Upper and lower case count as the same.
    known : iterable of str
        The valid names.
    n_most : int, default=1
        The largest number of suggestions.

    Returns
    -------
    ending : str

    Examples
    --------
    >>> from sklift._core._names import did_you_mean
    >>> "Unknown head 'Cosin'" + did_you_mean("Cosin", ["cosine", "linear"])
    "Unknown head 'Cosin'. Did you mean 'cosine'?"
    >>> did_you_mean("ViT-B16", ["ViT-B-16", "ViT-S-16", "RN50"], n_most=5)
    ". Did you mean one of ['ViT-B-16', 'ViT-S-16']?"
    >>> did_you_mean("x", ["cosine", "linear"])
    ''
    """
    spelt = {other.lower(): other for other in known}
    near = [spelt[other] for other in difflib.get_close_matches(name.lower(), spelt, n_most)]
    if not near:
        return ""
    return f". Did you mean {repr(near[0]) if len(near) == 1 else f'one of {near}'}?"
