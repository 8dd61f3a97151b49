"""The dial from the frozen to the tuned tower, after fit."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .._compute._isolation import isolated
from .._core._recipes import check_real

if TYPE_CHECKING:
    from .._model import TunedModel


class ScaledMixin:
    """Mixin with the method ``scaled``."""

    model_: TunedModel

    @isolated
    def scaled(self, scale: float) -> Self:
        """Return a copy whose tower is between the frozen one and the tuned one.

        A tuned tower knows the training data better, and what it knew before a little less:
        pictures of another place or camera are often predicted best in between. The weights are
        ``W_frozen + scale * (W_tuned - W_frozen)``, branches beside frozen weights count as much as
        ``scale``, and the head stays as it was trained. This costs nothing, neither in training nor
        in prediction; choose ``scale`` on validation data that look like those to come.

        Parameters
        ----------
        scale : float
            From 0, the frozen tower with the trained head, to 1, the tuned tower.

        Returns
        -------
        scaled : LiftClassifier
            Fitted. Its ``adapter_`` is a :class:`sklift.adapters.Scaled`. It can be saved, and
            scaled further, but not trained further; ``fit`` trains it anew.

        Raises
        ------
        ValueError
            If ``scale`` is not in [0, 1], if there is no adapter, or it is one that can't be
            scaled: ``"vpt"``, ``"prefix"``, or one of your own with new modules.
        sklearn.exceptions.NotFittedError
            If the classifier isn't fitted.

        References
        ----------
        Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, arXiv 2109.01903;
        there the head is scaled too, from that of the class names.

        Examples
        --------
        >>> import numpy as np
        >>> from sklift import LiftClassifier
        >>> X = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), np.uint8)
        >>> y = ["cat", "dog"] * 4
        >>> clf = LiftClassifier("emoji-tiny", adapter="lora", max_epochs=1, random_state=0)
        >>> half = clf.fit(X, y).scaled(0.5)
        >>> half.adapter_
        Scaled(recipe=LoRA(rank=1))
        >>> scores = {scale: clf.scaled(scale).score(X, y) for scale in (0, 0.5, 1)}
        """
        check_is_fitted(self)
        scale = check_real(scale, "scale", minimum=0, maximum=1)
        from .._model import scaled_model

        model = scaled_model(self.model_, scale)
        made = clone(self)
        left = {*vars(made), "model_", "net_"}
        fitted = {name: value for name, value in vars(self).items() if name not in left}
        vars(made).update(copy.deepcopy(fitted), model_=model, adapter_=model.adapter)
        return made
