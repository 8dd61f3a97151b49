"""Explanations of a trained model's predictions: the places of a picture that it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._compute._isolation import isolated

if TYPE_CHECKING:
    from ..displays import SaliencyDisplay

_AT_ONCE = 8  # pictures: the weights of all attentions, and their gradients, are in memory


def _sees_pictures(est) -> bool:
    return est.backbone != "precomputed"


class ExplainedMixin:
    """Mixin of classifiers whose trained model is in ``model_``: the method ``explain``."""

    @available_if(_sees_pictures)
    @isolated
    def explain(self: Any, X, y: ArrayLike | None = None) -> SaliencyDisplay:
        """Find the places of pictures that the model looks at for a class.

        In transformers whose feature is their first token, the attention of all blocks is rolled
        out, each weight times its gradient [1]_ [2]_; in convolutional towers, and transformers
        that pool their tokens, the last map is weighed by its gradient (Grad-CAM, [3]_). All of the
        trained model takes part, adapter and head too. What is explained is the logit of the class
        less the mean of all logits, since what raises all of them alike changes no prediction.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes. Of each, the plain test view is
            explained, whatever ``tta`` is.
        y : array-like of shape (n_samples,), default=None
            The classes to explain, such as the true ones; None: those that are predicted.

        Returns
        -------
        display : SaliencyDisplay
            With the maps; its method ``plot`` draws them.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier isn't fitted.
        ValueError
            If a picture can't be read, if ``y`` has classes that the classifier does not know, or
            if the tower shows neither attention nor maps.

        See Also
        --------
        sklift.displays.OcclusionDisplay : The same for any classifier, by painting parts over.

        Notes
        -----
        A map says where the evidence is, not what it is, and not that it is good evidence: a
        background that comes with a class lights up as well. Compare the maps of several classes
        (``y``) before you believe one.

        References
        ----------
        .. [1] Chefer, Gur, Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal
           and Encoder-Decoder Transformers", ICCV 2021, arXiv 2103.15679.
        .. [2] Abnar, Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020,
           arXiv 2005.00928.
        .. [3] Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
           Gradient-Based Localization", ICCV 2017, arXiv 1610.02391.

        Examples
        --------
        >>> import numpy as np
        >>> from sklift import LiftClassifier
        >>> X = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3), np.uint8)
        >>> clf = LiftClassifier("emoji-tiny", max_epochs=1, random_state=0)
        >>> display = clf.fit(X, ["ant", "bee"] * 3).explain(X[:2], ["ant", "ant"])
        >>> display.labels, display.maps.shape
        (['ant', 'ant'], (2, 5, 5))
        """
        check_is_fitted(self)
        self._check_params()
        import torch

        from .._compute._determinism import deterministic
        from .._compute._micro_batches import MicroBatches
        from .._data._loading import loaded
        from .._model._relevance import relevance
        from ..displays import SaliencyDisplay
        from ..displays._columns import codes_of, naming
        from ..displays._fitted import names_of

        data = self._data(X, reset=False)
        data.check_header()
        proba = self.predict_proba(X)
        codes = proba.argmax(axis=1) if y is None else codes_of(y, self.classes_, len(data))
        model = self.model_
        plan = self._plan(model.backbone.width, model.mean.device)
        views = torch.cat([v[:, 0] for v in loaded(data.prediction(model.backbone, None), plan)])
        targets = torch.from_numpy(codes)

        def of_rows(rows: torch.Tensor) -> torch.Tensor:
            device = plan.device
            return relevance(model, views[rows].to(device), targets[rows].to(device)).cpu()

        in_parts = MicroBatches()
        in_parts.largest = _AT_ONCE
        with deterministic(plan.device):
            maps = in_parts(of_rows, torch.arange(len(views)), plan.device).numpy()
        called = naming(names_of(self), self.classes_)
        return SaliencyDisplay(
            list(views.permute(0, 2, 3, 1).numpy()),
            maps,
            [called(label) for label in self.classes_[codes].tolist()],
            proba[np.arange(len(codes)), codes],
        )
