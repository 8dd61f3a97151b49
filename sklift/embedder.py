"""ImageEmbedder, a transformer from pictures to features of a frozen backbone."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._compute._isolation import isolated
from ._estimator import FrozenEstimator
from ._persistence import Persistent


class ImageEmbedder(Persistent, ClassNamePrefixFeaturesOutMixin, TransformerMixin, FrozenEstimator):
    """Transformer from pictures to features of a frozen backbone.

    Parameters
    ----------
    backbone, pretrained
        The frozen tower, as in :class:`LiftClassifier`.
    projected : bool, default=False
        Whether features are projected to the space that pictures share with texts, and normalised
        to unit length. If not, they are the features before this projection, which are the input of
        the head in :class:`LiftClassifier`.
    tta : str, int, recipe or None, default=None
        Mean of the features over several views: ``"fivecrop"``, ``"tencrop"`` or a number of random
        crops, see :mod:`sklift.images`.
    batch_size : int, default=128
        Number of pictures in a batch.
    reader, device, compute
        As in :class:`LiftClassifier`. Features are cached by the content of the picture: each
        picture passes the tower once in a whole search. Features of random views, or of views of
        your own recipes, are not cached.
    verbose : int, default=0
        1 shows progress bars.
    **settings
        Settings of recipes, as :meth:`set_params` takes them: ``compute__precision="float32"``.

    Attributes
    ----------
    n_features_out_ : int
        Number of features.
    precision_ : str
        The precision of matrix products, which ``compute__precision="auto"`` keeps to.

    See Also
    --------
    LiftClassifier : Train an adapter inside the tower.
    ZeroShotClassifier : Classify by class names alone.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import ImageEmbedder
    >>> X = np.random.default_rng(0).integers(0, 255, (2, 40, 40, 3), dtype=np.uint8)
    >>> ImageEmbedder("emoji-tiny").fit_transform(X).shape
    (2, 192)
    """

    _parameter_constraints = {**FrozenEstimator._parameter_constraints, "projected": ["boolean"]}

    def __init__(
        self,
        backbone="ViT-B-16",
        *,
        pretrained="auto",
        projected=False,
        tta=None,
        batch_size=128,
        reader="auto",
        device="auto",
        compute="auto",
        verbose=0,
        **settings,
    ) -> None:
        self.backbone = backbone
        self.pretrained = pretrained
        self.projected = projected
        self.tta = tta
        self.batch_size = batch_size
        self.reader = reader
        self.device = device
        self.compute = compute
        self.verbose = verbose
        self._set_nested(settings)

    @isolated
    def fit(self, X=None, y=None) -> Self:
        """Load the backbone; nothing is learned from ``X``.

        Parameters
        ----------
        X : ignored
            Ignored, except for the number of columns of a table of flattened pictures.
        y : ignored
            Present for API consistency.

        Returns
        -------
        self : ImageEmbedder
            Fitted.
        """
        self._check_params()
        self._check_columns(X, reset=True)
        self._say_loading()
        backbone = self._load_backbone()
        width = backbone.n_features
        if self.projected:
            if backbone.text is None:
                raise ValueError(
                    f"projected=True needs a space shared with text, which backbone "
                    f"{backbone.spec} does not have"
                )
            if backbone.projection is not None:
                width = backbone.projection.shape[1]
        self._choose_precision(backbone)
        self.n_features_out_ = width
        return self

    @isolated
    def transform(self, X) -> np.ndarray:
        """Features of pictures.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features), float32
            With ``reader__on_error="skip"``, rows of pictures that can't be read are NaN.
        """
        check_is_fitted(self)
        finish = "embed" if self.projected else None
        batches = self._feature_batches(X, finish)
        if self.projected:  # the mean of several unit features is shorter than 1
            batches = batches.map(lambda x: x / np.linalg.norm(x, axis=1, keepdims=True))
        return batches.join()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_
