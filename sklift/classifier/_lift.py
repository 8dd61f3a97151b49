"""LiftClassifier: a frozen CLIP, a small adapter and a balanced loss as one estimator."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._classes._names import names_in_words
from .._classes._priors import adjust_logits, estimate_prior, resolve_target_prior
from .._compute._isolation import isolated
from .._core._lazy_rows import Batches
from .._core._sklearn import StrOptions, with_callbacks
from .._estimator import LogitClassifierMixin, all_or_nothing
from .._fitting._explained import ExplainedMixin
from .._fitting._scaled import ScaledMixin
from .._fitting._sklearn_callbacks import EpochTasks
from ._tuned import TunedEstimator


class LiftClassifier(ScaledMixin, ExplainedMixin, LogitClassifierMixin, TunedEstimator):
    r"""Classifier of long-tailed pictures: frozen backbone, small adapter, balanced loss.

    It implements LIFT [1]_ and LIFT+ [2]_, whose settings are in :mod:`sklift.presets`. The
    defaults are those of LIFT+, trained longer where there are few pictures. The picture tower of
    CLIP is frozen. A few weights inside its blocks are trained, and a cosine head that starts from
    the class names.
    In training, the loss adds :math:`\tau \log \pi_k` to the logits, where :math:`\pi` is the class
    prior, so that frequent classes do not dominate.

    Parameters
    ----------
    backbone : str, recipe or nn.Module, default="ViT-B-16"
        The frozen tower: a model of open_clip, ``"hf-hub:<repository>"``, ``"local-dir:<folder>"``,
        ``"timm/<model>"`` (no text tower), ``"efficientnet-lite0"``, a small one for photographs
        that the extra ``photos`` installs (no text tower), or ``"emoji-tiny"``, which comes with
        the package and suits emoji-like pictures only. ``"precomputed"``: X holds features, for
        instance from :class:`ImageEmbedder`; the head is trained on them, and with
        ``adapter="feature"`` an adapter as well. A recipe has settings:
        :class:`backbones.OpenClip`, :class:`backbones.Timm`. Your own tower is an ``nn.Module``
        whose attribute ``preprocess`` describes its input, or a recipe, see
        :mod:`sklift.backbones`.
    pretrained : str or path, default="auto"
        Tag of the weights or a checkpoint file, if the backbone is a name; ``"auto"`` is the
        recommended tag of the model, ``"openai"`` for ``"ViT-B-16"``.
    adapter : str, recipe or None, default="adaptformer"
        Trained part inside the tower, see :mod:`sklift.adapters`. ``None`` or ``"none"``: only the
        head is trained. With precomputed features, the default means this too.
    loss : str, recipe or callable, default="logit_adjusted"
        Training loss, see :mod:`sklift.losses`. A callable takes ``(logits, target)``.
    regularizer : str, recipe or None, default=None
        A term that holds the tuned model near the frozen one, see :mod:`sklift.regularizers`:
        ``"consistency"``, ``"anchor"`` or ``"distillation"``. It is added to the training loss, not
        to the validation loss. Terms of pictures have the same weights as pictures in the loss.
    head : str or recipe, default="auto"
        Map from features to logits, see :mod:`sklift.heads`. ``"cosine"``: angles between features
        and class weights; ``"whitened_cosine"``: the same where features spread alike in all
        directions, which needs fewer pictures; ``"auto"``: the latter if the head alone is trained
        and starts from pictures, else the former.
    init : {"auto", "text", "class_mean", "linear_probe", "random"}, default="auto"
        Start of the head's rows. ``"auto"``: the text features of the class names, if the backbone
        has a text tower and names are known, else the class means of the frozen features. Labels
        that are text but no words, such as numbers and codes, are no names.
    class_names : dict or list of str, optional
        Names of the classes: a dict label -> name (extra names are allowed), a list in the order of
        ``classes``, or of the sorted labels if ``classes`` is not given ("2" before "10"), or, for
        labels 0, 1, ..., a list indexed by label. If a fold may lack a class, use a dict, or give
        ``classes`` as well. String labels are names already.
    classes : array-like of shape (n_classes,), optional
        The class list. With it, every class has a column even if a training fold lacks the class.
    prompts : str, list of str or dict, default="a photo of a {}."
        Template, list of templates (their text features are averaged), or dict label ->
        description or list of descriptions.
    augmentation : str, recipe, callable or None, default="minimal"
        Training views, see :mod:`sklift.images`. ``"minimal"``: LIFT+'s square crops that grow over
        the epochs; ``"lift"``: random resized crop and flip; ``"fixed"``: four views of each
        picture, drawn once and used in turn; ``"mixup"`` and ``"cutmix"``: views and labels mixed
        with others of their batch; ``None``: the test view. A callable takes a uint8 tensor
        ``(3, h, w)`` and returns a view ``(3, size, size)``, like torchvision's v2 transforms.
        Repeated views (``"fixed"``, ``None``) pass the frozen part before the first trained weight
        only once, for all epochs, folds and candidates. With ``adapter=None`` or ``"feature"``,
        this part is the whole tower; with ``layers=k``, it is the blocks before the last k, if the
        cache has room for their tokens, see ``compute__cache``. With ``None``, scoring in a search
        uses the same features or tokens.
    tta : str, int, recipe or None, default=None
        Test-time ensembling, the mean of the logits over several views: ``"fivecrop"``,
        ``"tencrop"`` or a number of random crops. It may be set after fitting.
    target_prior : {"balanced", "train"}, array-like, dict or None, default=None
        The mix of classes that predictions assume: equal shares, the shares in the training data,
        or shares in the order of ``classes_`` or by label. None: the mix that the loss implies, see
        ``implied_prior_``. It may be set after fitting. :meth:`estimate_prior` estimates it from
        pictures without labels.
    max_epochs : int or "auto", default="auto"
        Number of passes over the training data. ``"auto"``: those that make about 300 steps, at
        most 50, for small collections, and the 5 of LIFT+ for large ones.
    batch_size : int or "auto", default="auto"
        Number of pictures in a batch. ``"auto"``: 128, as in LIFT+; if an adapter is trained on
        fewer than 8,192 pictures, 16, 32 or 64, so that an epoch has at least 64 steps where it
        can.
    lr : float, default=0.02
        Learning rate at the start. It falls to zero along a half cosine, in steps of an epoch,
        unless the optimizer has another schedule.
    weight_decay : float, default=5e-4
        Weight decay of all trained weights.
    optimizer : str, recipe or torch optimizer class, default="sgd"
        The optimizer: ``"sgd"``, ``"adamw"`` or ``"adam"``. A recipe sets momentum, schedule,
        warm-up, rate of the head and clipping of gradients, see :mod:`sklift.training`.
    sampler : str, recipe or None, default=None
        Draws of pictures in training, see :mod:`sklift.training`. ``"balanced"``: every class
        equally often; ``"sqrt"``: proportional to the root of its size; ``"power"``: in between.
        None: each picture once in an epoch. The loss takes its class counts from the drawn
        pictures, also if ``net_params`` has a sampler of torch.
    validation_fraction : float in (0, 1), optional
        Share of every class that is held out for ``valid_loss`` and ``valid_acc`` in ``history_``.
        Each class keeps at least one picture for training.
    early_stopping : bool, default=False
        Whether to stop when the validation loss no longer falls, and to keep the weights of the
        best epoch. Without ``validation_fraction``, 10 % is held out.
    n_iter_no_change : int, default=2
        Epochs without a lower validation loss after which ``early_stopping`` stops.
    warm_start : bool, default=False
        Whether ``fit`` continues from the trained weights of the last ``fit``. Classes, backbone,
        adapter and head must be the same. A ``regularizer`` remembers the start of the first fit
        with it (but pickles and saved files do not hold that start).
    reader : "auto" or recipe, default="auto"
        Settings for reading X, see :class:`sklift.images.Reader`: ``reader__on_error="skip"``
        passes over files that can't be read, in predictions too; ``reader__image_shape`` is the
        shape of flattened rows, ``reader__value_range=12`` says that pictures have 12 bits,
        ``reader__channels`` chooses, ``reader__framing="squash"`` shows the whole of long pictures.
    device : str, default="auto"
        Device of the model; ``"auto"`` is the GPU if there is one.
    compute : "auto" or recipe, default="auto"
        Precision, worker processes, parts of a batch and caches, see
        :class:`sklift.training.Compute`: ``compute__precision="float32"``,
        ``compute__cache="folder"``.
    checkpoint : path, recipe or None, default=None
        Folder for the state of training, from which an interrupted ``fit`` continues, see
        :class:`sklift.training.Checkpoint`.
    net_params : dict, optional
        Arguments for the skorch net, which replace those of the estimator, for instance
        ``{"iterator_train__pin_memory": True}`` or
        ``{"train_split": skorch.dataset.ValidSplit(5)}``. ``{"callbacks": [...]}`` adds skorch
        callbacks (callbacks of scikit-learn 1.9 or later are set with ``set_callbacks``).
        ``{"distributed": True}`` shares the fit among the processes of a group, see "From one CPU
        to many GPUs" in the guide.
    verbose : int, default=0
        1 shows progress bars: of features, epochs and predictions.
    random_state : int, RandomState instance or None, default=None
        Seed of new weights, of the order of the data and of the augmentation. The same int gives
        the same model on the same machine.
    **settings
        Settings of recipes, as :meth:`set_params` takes them: ``adapter__rank=8``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    class_counts_ : ndarray of shape (n_classes,)
        Number of training pictures of each class (without held-out ones).
    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes in the training data, weighted by ``sample_weight``.
    implied_prior_ : ndarray of shape (n_classes,)
        The mix of classes that the trained logits assume. It follows from the loss: equal shares
        for logit adjustment with tau = 1, ``class_prior_`` for the cross-entropy.
    class_names_ : list of str or None
        The name of each class in words, as the prompts have it: "red heart" of "001.Red_heart".
    adapter_, loss_, regularizer_, head_ : recipes
        The recipes of the fit, with "auto" values filled in.
    init_ : str
        Initialisation of the head.
    model_ : torch module
        The trained model: the frozen tower, the adapter inside, and the head.
    net_ : skorch net
        The net that trained the model; only in the process that trained.
    history_ : list of dict
        ``train_loss`` (with the term of a regularizer), ``lr``, ``train_acc`` and ``dur``
        (seconds) of each epoch. If data are held out, also ``valid_loss`` (without the term of a
        regularizer) and ``valid_acc``; and the scores that callbacks add.
    n_trainable_params_ : int
        Number of trained weights, head included.
    pseudo_label_counts_ : ndarray of shape (n_classes,)
        Number of the unlabeled pictures that were taken for each class.
    skipped_ : ndarray of int
        Indices of the training pictures that could not be read, see ``reader__on_error``. Those
        of a prediction are not kept here: they are the NaN or masked ones in its result.
    max_epochs_, batch_size_ : int
        The parameters, with "auto" filled in.
    accumulate_ : int
        Number of parts in which the gradient of a batch was computed: ``compute__accumulate``, or
        more if there was not enough memory. The parts into which a CPU always splits large batches
        do not count.
    precision_ : str
        The precision of matrix products in training; predictions keep to it where the device has
        it, unless ``compute__precision`` names another one.
    n_features_in_ : int
        Number of columns of X, if it is a table of features or of flattened pictures.
    feature_names_in_ : ndarray of str
        Column names of precomputed features, if X has them.

    See Also
    --------
    sklift.adapters, sklift.losses, sklift.heads, sklift.training : The available recipes.

    Notes
    -----
    Settings of recipes are parameters of the estimator, even if a recipe is given by name:
    ``GridSearchCV(LiftClassifier(), {"adapter__rank": [4, 16], "loss__tau": [0.5, 1.0]})``.

    References
    ----------
    .. [1] Shi, Wei, Zhou, Shao, Han, Li, "Long-Tail Learning with Foundation Model: Heavy
       Fine-Tuning Hurts", ICML 2024, arXiv 2309.10019.
    .. [2] Shi, Wei, Li, "LIFT+: Lightweight Fine-Tuning for Long-Tail Learning", 2025,
       arXiv 2504.13282.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["red circle", "blue square"], [12, 4])
    >>> colour = np.where(y == "red circle", 0, 2)
    >>> X = np.zeros((16, 40, 40, 3), np.uint8)
    >>> X[np.arange(16), :, :, colour] = rng.integers(160, 255, (16, 40, 40))
    >>> clf = LiftClassifier("emoji-tiny", batch_size=4, random_state=0).fit(X, y)
    >>> clf.predict(X[[0, -1]])
    array(['red circle', 'blue square'], dtype='<U11')
    >>> clf.class_counts_
    array([ 4, 12])
    """

    _parameter_constraints = {
        **TunedEstimator._parameter_constraints,
        "regularizer": "no_validation",
        "init": [StrOptions({"auto", "text", "class_mean", "linear_probe", "random"})],
        "target_prior": [StrOptions({"balanced", "train"}), Mapping, "array-like", None],
        "sampler": "no_validation",
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        backbone="ViT-B-16",
        *,
        pretrained="auto",
        adapter="adaptformer",
        loss="logit_adjusted",
        regularizer=None,
        head="auto",
        init="auto",
        class_names=None,
        classes=None,
        prompts="a photo of a {}.",
        augmentation="minimal",
        tta=None,
        target_prior=None,
        max_epochs="auto",
        batch_size="auto",
        lr=0.02,
        weight_decay=5e-4,
        optimizer="sgd",
        sampler=None,
        validation_fraction=None,
        early_stopping=False,
        n_iter_no_change=2,
        warm_start=False,
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
        self.regularizer = regularizer
        self.head = head
        self.init = init
        self.class_names = class_names
        self.classes = classes
        self.prompts = prompts
        self.augmentation = augmentation
        self.tta = tta
        self.target_prior = target_prior
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.sampler = sampler
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.reader = reader
        self.device = device
        self.compute = compute
        self.checkpoint = checkpoint
        self.net_params = net_params
        self.verbose = verbose
        self.random_state = random_state
        self._set_nested(settings)

    @with_callbacks
    @isolated
    @all_or_nothing
    def fit(self, X, y=None, sample_weight=None, unlabeled=None) -> Self:
        """Train the adapter and the head.

        Parameters
        ----------
        X : pictures
            File paths (list, array, Series or column of str or Path), pictures of PIL, arrays
            ``(n, h, w)`` or ``(n, h, w, c)`` of uint8 or of floats in [0, 1], torch tensors
            ``(n, c, h, w)``, lists of arrays of different sizes, rows of a 2-D array with
            ``reader__image_shape``, or a map-style dataset of pictures or of (picture, label).
            Features ``(n_samples, n_features)`` if the backbone is ``"precomputed"``.
        y : array-like of shape (n_samples,), optional
            Labels. They may be left out only if X has labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the pictures in the loss, the class prior and the class means.
        unlabeled : pictures, optional
            More pictures of the same classes, of any kind that X may be (features if the backbone
            is ``"precomputed"``). They get pseudo-labels and a small weight, see *Notes*. As any
            argument of ``fit``, a search of scikit-learn cuts it into folds if it is as long as X.

        Returns
        -------
        self : LiftClassifier
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

        Notes
        -----
        Pictures without labels are often many: all that a camera took. Gaussians on the frozen
        features say of which class each of ``unlabeled`` is, in a few rounds of expectation
        maximisation, in which the mix of classes among them is estimated too. In training each
        counts as a quarter of a label at most: less where the Gaussians are unsure or, in
        cross-validation on the labelled pictures, often wrong. Self-training as in "LiST" (Wang et
        al., 2021, arXiv 2110.06274) would train the adapter a second time for it.
        """
        from .._fitting._one_pass import trained_before
        from .._fitting._train import train
        from .._fitting._training import begin

        fitted = trained_before(self, X, y, sample_weight, unlabeled)
        if fitted is not None:
            self.__dict__.update(fitted)
            return self
        settings, sample, classes, start = self._read_for_fit(X, y, sample_weight, unlabeled)
        if len(sample.skipped):  # callbacks get the training data without skipped pictures
            X, sample_weight = sample.data.source, sample.weight
            y = classes.labels[sample.codes]
        tasks = EpochTasks(self, settings.max_epochs, X, y, sample_weight)
        # During training, the new classes must not be combined with the model of an earlier fit.
        for name in ("model_", "net_", "soup_"):
            self.__dict__.pop(name, None)
        self.classes_ = classes.labels
        self.class_names_ = classes.names
        train(begin(settings, sample, classes, start), tasks, self.__dict__.update)
        return self

    def _read_for_fit(self, X, y, sample_weight=None, unlabeled=None, read=None):
        """Return settings, samples, classes, and the earlier training that goes on or None.

        ``read``: class list and samples that an estimator which reads alike has read from X.
        """
        self._check_params()
        self._say_loading()
        from .._fitting._sample import check_same
        from .._fitting._settings import fit_settings
        from .._fitting._start import Classes

        settings = fit_settings(self.get_params(deep=False))
        labels, sample = read or self._sample(X, y, sample_weight, self.classes)
        if unlabeled is not None:
            sample.unlabeled = self._unlabeled(unlabeled)
        settings = settings.with_length(sample.n_counted)
        names = names_in_words(self.class_names, labels, self.classes)
        resolve_target_prior(self.target_prior, labels, np.ones(len(labels)))
        self._warn_if_unsavable(labels, names)
        start = self._trained() if self.warm_start else None
        if start is not None:
            check_same(labels, start.classes, start.model, start.init, settings)
        return settings, sample, Classes(labels, names, self.class_names is not None), start

    @isolated
    @all_or_nothing
    def partial_fit(self, X, y=None, classes=None, sample_weight=None) -> Self:
        """Make one pass over samples, which may be different in each call.

        The learning rate is constant, no data are held out, and no checkpoint is written. The class
        counts add up over the calls, and the momentum is kept (but not in pickles or saved files).
        The head starts from the class names, or from the class means of the first samples.

        Parameters
        ----------
        X, y : as in :meth:`fit`
            Pictures and labels.
        classes : array-like of shape (n_classes,), optional
            All classes; needed in the first call if the parameter ``classes`` is not set.
        sample_weight : array-like of shape (n_samples,), optional
            As in :meth:`fit`.

        Returns
        -------
        self : LiftClassifier
            Fitted.

        Raises
        ------
        ValueError, TypeError
            As :meth:`fit`; also if the classes are missing, or differ from those of earlier calls.
        """
        self._check_params()
        if not hasattr(self, "model_"):  # else it is there
            self._say_loading()
        from .._fitting._sample import check_same, partial_classes
        from .._fitting._settings import fit_settings
        from .._fitting._start import Classes
        from .._fitting._train import train_more

        settings = fit_settings(self.get_params(deep=False))
        start = self._trained()
        known = None if start is None else start.classes
        classes = partial_classes(classes, self.classes, known)
        labels, sample = self._sample(X, y, sample_weight, classes, reset=start is None)
        settings = settings.with_length(sample.n_counted)
        if start is not None:
            check_same(labels, start.classes, start.model, start.init, settings)
        else:
            self.classes_ = labels
            self.class_names_ = names_in_words(self.class_names, labels, classes)
            self._warn_if_unsavable(labels, self.class_names_)
        self.__dict__.pop("soup_", None)
        given = Classes(self.classes_, self.class_names_, self.class_names is not None)
        train_more(settings, sample, given, self.__dict__.update, start)
        return self

    @isolated
    def estimate_prior(self, X) -> np.ndarray:
        """Estimate the shares of the classes from pictures without labels.

        The method is expectation maximisation over the predicted probabilities. It assumes that
        the classes look as they did in training, and that only their mix differs. The result can be
        used as ``target_prior``.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`fit` takes. With ``reader__on_error="skip"``, those that can't
            be read are left out.

        Returns
        -------
        prior : ndarray of shape (n_classes,)
            In the order of ``classes_``; sums to 1.

        References
        ----------
        Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori
        Probabilities: A Simple Procedure", Neural Computation 14(1), 2002.
        """
        batches, n_read = self._trained_logits(X), 0

        def of_read():
            nonlocal n_read
            for logits in batches:
                if self._skips():
                    logits = logits[~np.isnan(logits).all(axis=1)]
                n_read += len(logits)
                yield logits
            if not n_read:
                raise ValueError("none of the pictures in X can be read")

        return estimate_prior(of_read(), self.implied_prior_)

    @isolated
    def export(self, path: str | PathLike) -> None:
        """Write a program of ``torch.export`` or ONNX that predicts without this package.

        The program takes decoded pictures, a uint8 tensor ``(n, 3, h, w)`` of any number and size,
        resizes and crops them, and returns probabilities ``(n, n_classes)``, float32. With
        ``backbone="precomputed"`` it takes rows of features ``(n, n_features)``, of the dtype of
        the training data. It uses the present values of ``tta`` and ``target_prior``. The file
        holds the whole tower, and needs only torch to run (2.6 or later, and not older than the
        version that wrote it), or a runtime of ONNX.

        The extra file ``"sklift.json"`` in the program holds the labels under ``classes``, in the
        order of the columns, as well as ``class_names``, the ``versions`` of libraries, and under
        ``reader`` what the program's pictures are to be made with: ``value_range`` (which numbers
        are to become 0 and 255), ``channels`` and ``frame``. Models of ONNX have it in their
        metadata, under the same name.

        Parameters
        ----------
        path : str or path
            The file; its name usually ends with ``.pt2``. With ``.onnx`` it becomes a model of
            ONNX, which is compared with torch on random pictures before it is written. A complete
            new file replaces the old one at the end: after a failure, the old one is there.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier isn't fitted.
        ValueError
            If ``tta`` is random crops, or your own recipe, or ``reader__framing`` is not "crop".
        ImportError
            If the packages for ONNX are not installed: ``pip install "scikit-lift[onnx]"``.
        RuntimeError
            If the runtime of ONNX gives other probabilities than torch.
        OSError
            If the file can't be written.

        See Also
        --------
        save : Write a small file with the trained weights, for :meth:`load`.

        Notes
        -----
        The program computes in float32, whatever ``compute__precision`` is. For pictures that need
        no resizing, the probabilities are those of :meth:`predict_proba` in float32, except for
        rounding. For others, a few pixels of the resized picture differ by up to 2 of 255, which
        changes the probabilities slightly.

        Examples
        --------
        >>> import json, tempfile
        >>> import numpy as np
        >>> import torch
        >>> from sklift import LiftClassifier
        >>> X = np.random.default_rng(0).integers(0, 256, (6, 45, 45, 3), np.uint8)
        >>> y = ["cat", "dog", "cat", "dog", "cat", "cat"]
        >>> clf = LiftClassifier("emoji-tiny", max_epochs=1, random_state=0).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf.export(f"{folder}/model.pt2")
        ...     extra = {"sklift.json": ""}
        ...     program = torch.export.load(f"{folder}/model.pt2", extra_files=extra).module()
        >>> json.loads(extra["sklift.json"])["classes"]
        ['cat', 'dog']
        >>> pictures = torch.from_numpy(X).permute(0, 3, 1, 2)
        >>> program(pictures).shape
        torch.Size([6, 2])
        """
        check_is_fitted(self)
        self._check_params()
        from .._persistence._export import write_program

        write_program(self, path)

    def _sample(self, X, y, sample_weight, classes, *, reset: bool = True):
        """Return the class list and the validated samples."""
        from .._fitting._sample import read_sample

        skip = self._skips()
        data = self._data(X, reset=reset, must_exist=not skip)
        state = self.random_state
        return read_sample(data, y, sample_weight, classes, skip=skip, random_state=state)

    def _unlabeled(self, X):
        """The data without labels, validated."""
        from .._fitting._sample import read_unlabeled

        skip = self._skips()
        try:
            return read_unlabeled(self._data(X, reset=False, must_exist=not skip), skip)
        except (OSError, TypeError, ValueError) as error:
            error.add_note("X is here the argument unlabeled of fit.")
            raise

    def _trained(self):
        """The outcome of earlier training, or None."""
        from .._fitting._start import Trained
        from .._fitting._training_data import ClassTotals

        if not hasattr(self, "model_"):
            return None
        counts = (self.class_counts_, self._class_weights, self._effective_counts)
        totals = ClassTotals(*counts, float(self._effective_counts.sum()))
        net = getattr(self, "net_", None)
        last = ("history", "optimizer_", "criterion_", "regularizer")
        of_net = (getattr(net, name, None) for name in last)
        return Trained(self.classes_, self.model_, self.init_, totals, self.history_, *of_net)

    def _logit_batches(self, X) -> Batches:
        batches = self._trained_logits(X)
        target = resolve_target_prior(self.target_prior, self.classes_, self.class_prior_)
        if target is None:
            return batches
        return batches.map(lambda z: adjust_logits(z, self.implied_prior_, target))
