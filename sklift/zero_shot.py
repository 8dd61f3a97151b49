"""ZeroShotClassifier, the classifier of CLIP that needs only class names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._classes._labels import check_labels
from ._classes._look_alikes import warn_of_look_alikes
from ._classes._names import names_in_words
from ._classes._prompts import prompt_features
from ._classes._words import warn_of_wordless
from ._compute._isolation import isolated
from ._estimator import FrozenEstimator, LogitClassifierMixin
from ._persistence import Persistent


class ZeroShotClassifier(Persistent, LogitClassifierMixin, FrozenEstimator):
    """Classifier that compares pictures with class names, without any training.

    The logits are ``exp(logit_scale) * cos(picture, text of the class)``. If a class has several
    prompts, the mean of their unit text features is used.

    Parameters
    ----------
    backbone, pretrained
        The frozen towers, as in :class:`LiftClassifier`.
    class_names, prompts
        As in :class:`LiftClassifier`.
    tta : str, int, recipe or None, default=None
        Mean of the logits over several views: ``"fivecrop"``, ``"tencrop"`` or a number of random
        crops, see :mod:`sklift.images`.
    batch_size : int, default=128
        Number of pictures in a batch.
    reader, device, compute
        As in :class:`LiftClassifier`. Features are cached by the content of the picture: each
        picture passes the tower once in a whole search. Features of random views, or of views of
        your own recipes, are not cached.
    verbose : int, default=0
        1 shows a progress bar.
    **settings
        Settings of recipes, as :meth:`set_params` takes them: ``compute__precision="float32"``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    class_names_ : list of str or None
        The class names in words, as in the prompts; None if ``prompts`` describes each label.

    See Also
    --------
    LiftClassifier : Start from these text features, and learn from pictures.

    References
    ----------
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021,
    arXiv 2103.00020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import ZeroShotClassifier
    >>> X = np.full((1, 40, 40, 3), [250, 20, 30], np.uint8)
    >>> clf = ZeroShotClassifier("emoji-tiny").fit(None, ["red square", "black cat"])
    >>> clf.predict(X)
    array(['red square'], dtype='<U10')
    """

    _parameter_constraints = {
        **FrozenEstimator._parameter_constraints,
        "class_names": "no_validation",
        "prompts": "no_validation",
    }

    def __init__(
        self,
        backbone="ViT-B-16",
        *,
        pretrained="auto",
        class_names=None,
        prompts="a photo of a {}.",
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
        self.class_names = class_names
        self.prompts = prompts
        self.tta = tta
        self.batch_size = batch_size
        self.reader = reader
        self.device = device
        self.compute = compute
        self.verbose = verbose
        self._set_nested(settings)

    @isolated
    def fit(self, X=None, y=None) -> Self:
        """Record the classes.

        Parameters
        ----------
        X : ignored
            Ignored, except for the number of columns of a table of flattened pictures.
        y : array-like of labels
            Labels of pictures, or each class once.

        Returns
        -------
        self : ZeroShotClassifier
            Fitted.

        Raises
        ------
        ValueError
            If classes or their names are missing, or the backbone has no text tower.
        """
        self._check_params()
        if y is None:
            raise ValueError("ZeroShotClassifier needs the classes: pass them as y (X may be None)")
        self._check_columns(X, reset=True)
        classes = np.unique(check_labels(y))
        warn_of_look_alikes(classes)
        names = names_in_words(self.class_names, classes)
        if names is None and not isinstance(self.prompts, Mapping):
            raise ValueError(
                "ZeroShotClassifier needs class names: give class_names (a dict label -> name), "
                "or string labels"
            )
        if names and self.class_names is None and not isinstance(self.prompts, Mapping):
            warn_of_wordless(names, "a prompt of them says little")
        backbone = self._load_backbone()
        if backbone.text is None:
            raise ValueError(f"backbone {backbone.spec} has no text tower: zero-shot needs one")
        features = prompt_features(backbone, self.prompts, classes, names)
        rows = np.stack([texts.mean(0).numpy() for texts in features])
        self.text_features_ = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        self.classes_ = classes
        self.class_names_ = names
        return self

    def _logit_batches(self, X) -> Iterator[np.ndarray]:
        check_is_fitted(self)
        scale = self._load_backbone().logit_scale
        for features in self._feature_batches(X, "embed"):
            yield scale * features @ self.text_features_.T
