"""MultilabelClassifier: pictures with any number of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Self

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._classes._label_sets import as_given, read_label_sets
from .._classes._names import names_in_words
from .._compute._isolation import isolated
from .._core._lazy_rows import Batches
from .._core._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    take_rows,
    with_callbacks,
)
from .._core._warn import warn
from .._estimator import all_or_nothing, resolve_recipe
from .._fitting._sklearn_callbacks import EpochTasks
from ..metrics import f1_thresholds
from ._thresholds import check_thresholds, label_thresholds
from ._tuned import TunedEstimator

_FOLDS = 3  # for thresholds="f1"
_SCALE = 16.0  # with 25, sigmoids are as sure of a label as a softmax that has to choose one
_NOT_HERE = {"regularizer": None, "sampler": None}  # parameters that are LiftClassifier's alone


class MultilabelClassifier(ClassifierMixin, TunedEstimator):
    r"""Classifier of long-tailed pictures with any number of labels: none, one or several.

    The counterpart of :class:`LiftClassifier` for chest X-rays with several findings, or camera
    traps with two species in a picture: the same frozen backbone, adapters and heads, with one
    sigmoid for each label in place of the softmax. In training, the loss adds the log-odds of the
    labels to the logits, so that rare labels need not be learned against their rarity.

    Parameters
    ----------
    backbone, pretrained, adapter
        The frozen tower, and the trained part inside, as in :class:`LiftClassifier`.
    loss : str or recipe, default="binary_logit_adjusted"
        Training loss, see :mod:`sklift.losses`: ``"binary_logit_adjusted"``,
        ``"binary_cross_entropy"``, ``"asymmetric"`` or ``"distribution_balanced"``.
    head : str or recipe, default="auto"
        Map from features to logits, as in :class:`LiftClassifier`, with a bias for each label.
        ``"auto"`` has a scale of 16, since sigmoids need not part labels as sharply as a softmax.
    init : {"auto", "text", "class_mean", "random"}, default="auto"
        Start of the head's rows. ``"text"``: the text features of the labels' names;
        ``"class_mean"``: the mean of the pictures with a label, less that of all; ``"auto"``:
        text, if the backbone has a text tower and names are known. Rows start at right angles to
        the mean picture.
    class_names : dict or list of str, optional
        Names of the labels: a dict label -> name, or a list in the order of ``classes_``.
    classes : array-like of shape (n_labels,), optional
        All labels. Where y is a matrix, those of its columns, in their order; by default these are
        the column names of a DataFrame, or the numbers of the columns. A DataFrame whose columns
        have these names may have them in another order.
    prompts, augmentation, tta
        As in :class:`LiftClassifier`.
    thresholds : float, {"prior", "f1"}, array-like or dict, default=0.5
        The probability above which a label is predicted: one for all, one for each label in the
        order of ``classes_``, or by label in a dict or Series. ``"prior"``: the share of the
        training pictures that have the label, which favours recall, as logit adjustment of one
        label a picture does; a label that none of them has is never predicted, and one that all
        have always.
        ``"f1"``: those with the highest F1 score of each label in a cross-validation of three
        folds, so that ``fit`` trains four times. It may be set after fitting, for instance to
        what :meth:`choose_thresholds` returns.
    max_epochs, batch_size, lr, weight_decay, optimizer
        As in :class:`LiftClassifier`.
    validation_fraction : float in (0, 1), optional
        Share of the pictures of every label that is held out for ``valid_loss`` and ``valid_acc``
        in ``history_``, by iterative stratification. Each label keeps at least one picture for
        training.
    early_stopping, n_iter_no_change, reader, device, compute, checkpoint
        As in :class:`LiftClassifier`.
    net_params : dict, optional
        As in :class:`LiftClassifier`, but for ``"distributed"``.
    verbose : int, default=0
        1 shows progress bars.
    random_state : int, RandomState instance or None, default=None
        As in :class:`LiftClassifier`.
    **settings
        Settings of recipes, as :meth:`set_params` takes them: ``adapter__rank=8``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_labels,)
        The labels, in the order of the columns.
    label_counts_ : ndarray of shape (n_labels,)
        Number of training pictures with each label (without held-out ones).
    label_shares_ : ndarray of shape (n_labels,)
        Shares of the training pictures that have each label, weighted by ``sample_weight``.
    adjustment_ : ndarray of shape (n_labels,)
        What the loss added to the logits of the model in training; predictions add it too.
    class_names_ : list of str or None
        The name of each label in words.
    f1_thresholds_ : ndarray of shape (n_labels,)
        The thresholds that ``"f1"`` stands for.
    adapter_, loss_, head_ : recipes
        The recipes of the fit, with "auto" values filled in.
    init_ : str
        Initialisation of the head.
    model_, net_, n_trainable_params_, skipped_, max_epochs_, batch_size_, accumulate_, precision_
        As in :class:`LiftClassifier`.
    history_ : list of dict
        As in :class:`LiftClassifier`; a picture counts in ``train_acc`` and ``valid_acc`` if all of
        its labels are right.
    n_features_in_ : int
        Number of columns of X, if it is a table of features or of flattened pictures.
    feature_names_in_ : ndarray of str
        Column names of precomputed features, if X has them.

    See Also
    --------
    LiftClassifier : One label a picture.
    sklift.datasets.MultilabelStratifiedKFold : Folds that keep rare labels.
    sklift.metrics.multilabel_report : Scores by training frequency.

    Notes
    -----
    Probabilities are those where labels are as frequent as in training. They are calibrated as far
    as training has converged for the losses ``"binary_cross_entropy"`` and
    ``"binary_logit_adjusted"``; for the others they rank pictures, and ``thresholds="f1"`` suits
    them better than 0.5.

    References
    ----------
    Shi, Wei, Zhou, Shao, Han, Li, "Long-Tail Learning with Foundation Model: Heavy Fine-Tuning
    Hurts", ICML 2024, arXiv 2309.10019, for one label a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import MultilabelClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = [["red"], ["blue"], ["red", "blue"], []] * 6
    >>> X = np.zeros((24, 40, 40, 3), np.uint8)
    >>> for image, labels in zip(X, y):
    ...     image[:, :20, 0] = 255 * ("red" in labels)
    ...     image[:, 20:, 2] = 255 * ("blue" in labels)
    >>> clf = MultilabelClassifier("emoji-tiny", init="class_mean", random_state=0).fit(X, y)
    >>> clf.predict(X[:4])
    [('red',), ('blue',), ('blue', 'red'), ()]
    >>> clf.label_counts_
    array([12, 12])
    """

    _parameter_constraints = {
        **TunedEstimator._parameter_constraints,
        "init": [StrOptions({"auto", "text", "class_mean", "random"})],
        "thresholds": [
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"prior", "f1"}),
            Mapping,
            "array-like",
        ],
    }

    def __init__(
        self,
        backbone="ViT-B-16",
        *,
        pretrained="auto",
        adapter="adaptformer",
        loss="binary_logit_adjusted",
        head="auto",
        init="auto",
        class_names=None,
        classes=None,
        prompts="a photo of a {}.",
        augmentation="minimal",
        tta=None,
        thresholds=0.5,
        max_epochs="auto",
        batch_size="auto",
        lr=0.02,
        weight_decay=5e-4,
        optimizer="sgd",
        validation_fraction=None,
        early_stopping=False,
        n_iter_no_change=2,
        reader="auto",
        device="auto",
        compute="auto",
        checkpoint=None,
        net_params=None,
        verbose=0,
        random_state=None,
        **settings,
    ) -> None:
        self.backbone = backbone
        self.pretrained = pretrained
        self.adapter = adapter
        self.loss = loss
        self.head = head
        self.init = init
        self.class_names = class_names
        self.classes = classes
        self.prompts = prompts
        self.augmentation = augmentation
        self.tta = tta
        self.thresholds = thresholds
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.reader = reader
        self.device = device
        self.compute = compute
        self.checkpoint = checkpoint
        self.net_params = net_params
        self.verbose = verbose
        self.random_state = random_state
        self._set_nested(settings)

    def _resolve(self, parameter: str, value):
        if parameter == "loss":
            from ..losses import resolve_multilabel_loss

            return resolve_multilabel_loss(value)
        if parameter == "head" and isinstance(value, str) and value == "auto":
            from ..heads import Auto

            return Auto(scale=_SCALE)
        return resolve_recipe(parameter, value)

    @with_callbacks
    @isolated
    @all_or_nothing
    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Train the adapter and the head.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.
        y : array-like, sparse matrix or DataFrame of shape (n_samples, n_labels), or list of lists
            A matrix of 0 and 1 (or False and True), or the labels of each picture as a list, tuple
            or set. A picture may have none. Lists of lists of the same length that hold 0 and 1
            alone are a matrix.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the pictures in the loss, the shares and the means of labels.

        Returns
        -------
        self : MultilabelClassifier
            Fitted.

        Raises
        ------
        ValueError, TypeError
            If a parameter, picture or label is not usable; the message names it and the remedy.
        ConnectionError
            If the backbone's weights can't be downloaded.
        FloatingPointError
            If the loss or the weights become infinite; the estimator keeps the last good weights.
        KeyboardInterrupt
            After Ctrl-C, at the end of the batch; the estimator keeps the weights so far.
        """
        self._check_params()
        self._say_loading()
        from .._fitting._label_sets import read_label_set_sample
        from .._fitting._settings import fit_settings
        from .._fitting._start import Classes
        from .._fitting._train import train
        from .._fitting._training import begin
        from ..heads import Biased

        params = {**self.get_params(deep=False), **_NOT_HERE}
        if (self.net_params or {}).get("distributed"):
            raise ValueError(
                "net_params={'distributed': True} is for LiftClassifier: pictures with several "
                "labels are trained on in one process"
            )
        settings = fit_settings(params, self._resolve)
        settings = replace(settings, head=Biased(settings.head))
        skip = self._skips()
        data = self._data(X, reset=True, must_exist=not skip)
        sets, sample = read_label_set_sample(
            data, y, sample_weight, self.classes, skip=skip, random_state=self.random_state
        )
        if len(sets.classes) == 1:
            warn(
                f"y has only one label, {sets.classes.tolist()[0]!r}: scorers of scikit-learn take "
                "its column for a choice of two classes, and roc_auc is upside down; for yes or no "
                "there is LiftClassifier, of 0 and 1"
            )
        settings = settings.with_length(sample.n_counted)
        names = names_in_words(self.class_names, sets.classes, sets.classes)
        check_thresholds(self.thresholds, sets.classes)
        self._warn_if_unsavable(sets.classes, names)
        self.__dict__.pop("f1_thresholds_", None)
        if isinstance(self.thresholds, str) and self.thresholds == "f1":
            self.f1_thresholds_ = self._cross_fitted(X, sets, sample_weight)
        if len(sample.skipped):  # callbacks get the training data without skipped pictures
            X, sample_weight = sample.data.source, sample.weight
        shown = as_given(sample.codes, sets.classes, sets.form)
        tasks = EpochTasks(self, settings.max_epochs, X, shown, sample_weight)
        for name in ("model_", "net_"):  # the new labels don't suit the model of an earlier fit
            self.__dict__.pop(name, None)
        self.classes_, self.class_names_ = sets.classes, names
        self._form = sets.form
        classes = Classes(sets.classes, names, self.class_names is not None)
        train(begin(settings, sample, classes), tasks, self.__dict__.update)
        return self

    @isolated
    def predict(self, X):
        """Labels of pictures: those whose probability is above their threshold.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        labels : ndarray of shape (n_samples, n_labels), csr_array, or list of tuples
            What ``fit`` was given: a matrix of 0 and 1, a sparse one, or the labels of each
            picture in a tuple. With ``reader__on_error="skip"``, pictures that can't be read are
            masked rows of the matrix, empty rows of a sparse one, or None in the list.
        """
        probabilities = self.predict_proba(X)
        found = as_given(probabilities > self._thresholds(), self.classes_, self._form)
        if not self._skips():
            return found
        unread = np.isnan(probabilities).all(axis=1)
        if self._form == "lists":
            return [None if lost else labels for lost, labels in zip(unread, found, strict=True)]
        if self._form == "sparse":
            return found
        return np.ma.MaskedArray(found, mask=np.repeat(unread[:, None], found.shape[1], axis=1))

    @isolated
    def predict_proba(self, X) -> np.ndarray:
        """Probability of each label, where labels are as frequent as in training.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_labels)
            In the order of ``classes_``; each in [0, 1], rows do not sum to 1. With
            ``reader__on_error="skip"``, rows of pictures that can't be read are NaN.
        """
        return self._logit_batches(X).map(lambda z: expit(z.astype(np.float64))).join()

    @isolated
    def decision_function(self, X) -> np.ndarray:
        """Logits of the probabilities of the labels.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_labels)
            Positive where the probability is above 0.5, whatever ``thresholds`` is.
        """
        return self._logit_batches(X).join()

    @isolated
    def score(self, X, y, sample_weight=None) -> float:
        """Share of the pictures all of whose labels are right, as scikit-learn's accuracy.

        A picture that can't be read counts as wrong, with ``reader__on_error="skip"``.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.
        y : matrix or list of lists
            True labels, in any form that :meth:`fit` takes.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the pictures.

        Returns
        -------
        score : float in [0, 1]
        """
        targets, probabilities = self._targets(y), self.predict_proba(X)
        check_consistent_length(probabilities, targets)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, targets, ensure_non_negative=True)
        right = ((probabilities > self._thresholds()) == targets).all(axis=1)
        right &= ~np.isnan(probabilities).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    @isolated
    def choose_thresholds(self, X, y) -> np.ndarray:
        """Choose the threshold of each label with the highest F1 score on other pictures.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes. They must not be those of the
            training, whose probabilities are too good.
        y : matrix or list of lists
            True labels, in any form that :meth:`fit` takes.

        Returns
        -------
        thresholds : ndarray of shape (n_labels,)
            In the order of ``classes_``; a label that no picture has takes what suits all others,
            see :func:`sklift.metrics.f1_thresholds`. The result can be used as ``thresholds``.
        """
        targets, probabilities = self._targets(y), self.predict_proba(X)
        check_consistent_length(probabilities, targets)
        read = ~np.isnan(probabilities).all(axis=1)
        return f1_thresholds(targets[read], probabilities[read])

    def _targets(self, y) -> np.ndarray:
        """The labels of pictures as a matrix of zeros and ones with the columns of the training."""
        check_is_fitted(self)
        return read_label_sets(y, self.classes_, self._form).targets

    def _thresholds(self) -> np.ndarray:
        """The thresholds as they are set now."""
        return label_thresholds(self)

    def _cross_fitted(self, X, sets, sample_weight) -> np.ndarray:
        """Thresholds from probabilities of pictures that their models were not trained on."""
        from ..datasets import MultilabelStratifiedKFold

        targets, weights = sets.targets, None
        if sample_weight is not None:  # pictures without weight count as if they were not there
            weights = np.asarray(sample_weight)
            if not weights.all():
                counted = np.flatnonzero(weights)
                X, targets, weights = take_rows(X, counted), targets[counted], weights[counted]
        if len(targets) < _FOLDS:
            raise ValueError(
                f"thresholds='f1' needs at least {_FOLDS} pictures, there are {len(targets)}: set "
                "thresholds to a number"
            )
        folds = MultilabelStratifiedKFold(_FOLDS, random_state=self.random_state)
        probabilities = np.empty(targets.shape)
        for used, held_out in folds.split(targets, targets):
            est = clone(self).set_params(thresholds=0.5, classes=sets.classes)
            weight = None if weights is None else weights[used]
            est.fit(take_rows(X, used), targets[used], weight)
            probabilities[held_out] = est.predict_proba(take_rows(X, held_out))
        read = ~np.isnan(probabilities).all(axis=1)
        return f1_thresholds(targets[read], probabilities[read])

    def _mean_of_frames(self):
        from .._data._of_frames import mean_of_sigmoids

        return mean_of_sigmoids

    def _logit_batches(self, X) -> Batches:
        batches = self._trained_logits(X)
        return batches.map(lambda z: z + self.adjustment_.astype(z.dtype))

    def __sklearn_is_fitted__(self):
        return super().__sklearn_is_fitted__() and hasattr(self, "_form")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = True
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags
