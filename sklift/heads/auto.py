"""The head that suits its start and the tower."""

from __future__ import annotations

from .cosine import Cosine
from .whitened import WhitenedCosine

__all__ = ["Auto"]


class Auto(Cosine):
    """Choice between two heads by their start and by whether the features are frozen.

    :class:`WhitenedCosine` if the head alone is trained and starts from pictures (``init``
    "class_mean" or "linear_probe"), whose spread within the classes is then known. Else
    :class:`Cosine`, the papers' head: a text is not drawn from the spread of pictures, and an
    adapter learns less where whitening has set the training pictures apart already. The head that
    was chosen is the estimator's ``head_``.

    Parameters
    ----------
    scale : float, default=25.0
        The scale of both, > 0.

    Examples
    --------
    >>> from sklift.heads import Auto
    >>> Auto().choose("text"), Auto(scale=30.0).choose("class_mean")
    (Cosine(), WhitenedCosine(scale=30.0))
    >>> Auto().choose("class_mean", has_adapter=True)
    Cosine()
    """

    def choose(self, init: str, has_adapter: bool = False) -> Cosine:
        """Return the recipe for a start of the head, "text" for instance.

        ``has_adapter``: whether an adapter changes the features in training.
        """
        from_pictures = init in ("class_mean", "linear_probe")
        chosen = WhitenedCosine if from_pictures and not has_adapter else Cosine
        return chosen(scale=self.scale)
