"""The head that suits its start."""

from __future__ import annotations

from .cosine import Cosine
from .whitened import WhitenedCosine

__all__ = ["Auto"]


class Auto(Cosine):
    """Choice between two heads by what they start from: pictures or texts.

    :class:`WhitenedCosine` if the head starts from pictures (``init`` "class_mean" or
    "linear_probe"), whose spread within the classes is then known; else :class:`Cosine`, the
    papers' head: a text is not drawn from the spread of pictures. The head that was chosen is the
    estimator's ``head_``.

    Parameters
    ----------
    scale : float, default=25.0
        The scale of both, > 0.

    Examples
    --------
    >>> from sklift.heads import Auto
    >>> Auto().choose("text"), Auto(scale=30.0).choose("class_mean")
    (Cosine(), WhitenedCosine(scale=30.0))
    """

    def choose(self, init: str) -> Cosine:
        """Return the recipe for a start of the head, "text" for instance."""
        chosen = WhitenedCosine if init in ("class_mean", "linear_probe") else Cosine
        return chosen(scale=self.scale)
