"""ZeroShotClassifier, the classifier of CLIP that needs only class names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from numbers import Integral
from typing import Self

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from ._classes._labels import check_labels
from ._classes._look_alikes import warn_of_look_alikes
from ._classes._names import names_in_words
from ._classes._prompts import prompt_features
from ._classes._separation import separation
from ._classes._words import warn_of_wordless
from ._compute._isolation import isolated
from ._core._lazy_rows import Batches
from ._core._text import counted
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
        1 shows progress bars.
    **settings
        Settings of recipes, as :meth:`set_params` takes them: ``compute__precision="float32"``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    class_names_ : list of str or None
        The class names in words, as in the prompts; None if ``prompts`` describes each label.
    precision_ : str
        The precision of matrix products, which ``compute__precision="auto"`` keeps to.

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
        self._say_loading()
        classes = np.unique(check_labels(y))
        warn_of_look_alikes(classes)
        names = names_in_words(self.class_names, classes)
        if names is None and not isinstance(self.prompts, Mapping):
            raise ValueError(
                "ZeroShotClassifier needs class names: give class_names (a dict label -> name), "
                "or string labels"
            )
        if names and not isinstance(self.prompts, Mapping):
            given = self.class_names is not None
            warn_of_wordless(names, "a prompt of them says little", given)
        self._warn_if_unsavable(classes, names)
        backbone = self._load_text_backbone()
        rows = prompt_features(backbone, self.prompts, classes, names).numpy()
        self._choose_precision(backbone)
        self.text_features_ = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        self.classes_ = classes
        self.class_names_ = names
        return self

    @isolated
    def suggest_names(self, X, y, words, *, n_names: int = 5) -> dict[Hashable, list]:
        """Words that tell each class best from the others.

        Words are filled into ``prompts``, and pictures are compared with their text features, as in
        predictions. A word is worth as much as it separates the pictures of a class from those of
        all others, each class counting the same: the area under the ROC curve. It takes few
        pictures, and no training; look at the words with a human eye before you use them.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes; training pictures, not those that
            you report on. With ``reader__on_error="skip"``, those that can't be read are left out.
        y : array-like of shape (n_samples,)
            Their labels, of two classes or more.
        words : iterable of str
            Candidates, for all classes in common.
        n_names : int, default=5
            How many words are returned for each class, at most.

        Returns
        -------
        suggestions : dict
            For each class, in sorted order, ``(word, area)`` pairs, the best first. An area is in
            [0, 1]: 1 if each picture of the class is nearer to the word than all others are, 0.5
            if the word says nothing. ``{label: best[0][0] for label, best in
            suggestions.items()}`` are ``class_names``.

        Raises
        ------
        TypeError, ValueError
            If the labels, the words or their number are not usable, ``prompts`` is no template, or
            the backbone has no text tower.

        References
        ----------
        The verbalizer is learned from data as in Wang et al., "SciPrompt: Knowledge-augmented
        Prompting for Fine-grained Categorization of Scientific Topics", 2024, arXiv 2410.01946,
        which ranks words by their likeness to a topic in text; here pictures decide.

        Examples
        --------
        >>> import numpy as np
        >>> from sklift import ZeroShotClassifier
        >>> from sklift.datasets import load_emoji
        >>> X, y = load_emoji("train", return_X_y=True)
        >>> chosen = np.isin(y, ["time", "drink"])
        >>> zero = ZeroShotClassifier("emoji-tiny", prompts="{}")
        >>> best = zero.suggest_names(X[chosen], y[chosen], ["clock", "cup", "horse", "tree"])
        >>> best["time"][0][0], best["drink"][0][0]
        ('clock', 'cup')
        """
        self._check_params()
        check_scalar(n_names, "n_names", Integral, min_val=1)
        words = self._checked_words(words)
        classes, codes = np.unique(check_labels(y), return_inverse=True)
        pictures = self._pictures(X, must_exist=not self._skips())
        if len(pictures) != len(codes):
            raise ValueError(
                f"X has {counted(len(pictures), 'picture')} and y {counted(len(codes), 'label')}"
            )
        if len(classes) < 2:
            raise ValueError("suggest_names compares classes: y must have two at least")
        backbone = self._load_text_backbone()
        rows = prompt_features(backbone, self.prompts, np.array(words), words).numpy()
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        batches = self._feature_batches(pictures.source, "embed")
        likeness = batches.map(lambda own: own @ rows.T).join()
        if self._skips():
            read = ~np.isnan(likeness).all(axis=1)
            likeness, codes = likeness[read], codes[read]
            if lost := sorted(set(range(len(classes))) - set(codes.tolist())):
                raise ValueError(f"no picture of class {classes[lost].tolist()[0]!r} can be read")
        areas = separation(likeness, codes, len(classes))
        best = np.argsort(-areas, axis=1, kind="stable")[:, :n_names]
        return {
            label: [(words[j], float(areas[k, j])) for j in best[k]]
            for k, label in enumerate(classes.tolist())
        }

    def _checked_words(self, words) -> list[str]:
        """The words once each, in their order."""
        if isinstance(self.prompts, Mapping):
            raise ValueError(
                "suggest_names fills words into prompts: give a template like 'a photo of a {}.', "
                "not descriptions of labels"
            )
        if isinstance(words, str):
            raise TypeError(f"words must be several words, in a list; got the text {words!r}")
        words = list(dict.fromkeys(words))
        if not words or not all(isinstance(word, str) and word.strip() for word in words):
            raise ValueError("words must be texts, one at least, and none of them empty")
        return words

    def _load_text_backbone(self):
        backbone = self._load_backbone()
        if backbone.text is None:
            raise ValueError(f"backbone {backbone.spec} has no text tower: zero-shot needs one")
        return backbone

    def _logit_batches(self, X) -> Batches:
        check_is_fitted(self)
        scale = self._load_backbone().logit_scale

        def logits_of(features):
            return scale * features @ self.text_features_.T

        return self._feature_batches(X, "embed", logits_of)
