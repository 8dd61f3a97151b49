"""Report on a fitted classifier: all scores, the mistakes, and a page to hand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from .._classes._labels import check_labels
from ..images._as_source import as_image_source
from ..images._names import picture_names
from ..images._picked import PickedSource
from ..metrics import (
    expected_calibration_error,
    long_tail_report,
    most_confused_pairs,
    reliability_curve,
)
from ..metrics._as_labels import as_labels
from ._columns import naming
from ._fitted import explainer_of, names_of, reader_of, training_counts
from ._html_page import HtmlPage
from ._report_changes import PREDICTED, changes, changes_in_words, predictions_of
from ._report_classes import class_table
from ._report_file import read_page
from ._report_mistakes import worst_mistakes
from ._report_model import described


class Report(HtmlPage):
    """Report on a classifier: scores, confidence intervals, confusions, mistakes, settings.

    As text (``print(report)``), as a dict, and as one page of HTML that can be handed on: it has no
    scripts, and needs no other file. Notebooks show the page.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create one.

    Parameters
    ----------
    scores : dict
        The outcome of :func:`sklift.metrics.long_tail_report`, as a dict.
    text : str
        The same as text.
    classes : dict of str to ndarray of shape (n_classes,)
        Columns of :func:`sklift.metrics.per_class_scores`, and "name", "n_train" and "group", with
        the most frequent classes first.
    calibration : dict
        "error", and "confidence", "accuracy" and "weight" of ten bins of confidence, see
        :func:`sklift.metrics.reliability_curve`.
    confusions : dict of str to ndarray of shape (n_pairs,)
        Columns of :func:`sklift.metrics.most_confused_pairs`, with names instead of labels.
    mistakes : list of dict
        "picture" (its path, or its place in X), "true", "predicted", "probability_true",
        "probability_predicted" and "thumbnail" (a small JPEG file, bytes), the worst first; and
        "looked_at", another one with light on what spoke for the predicted class, if the classifier
        has :meth:`~sklift.LiftClassifier.explain` and its tower shows it.
    model : dict of str to str
        What was trained on, and by which settings.
    unreadable : dict of str to str
        Pictures that were left out, with the reason.
    title : str
        The title of the page.
    limits : tuple (many, few)
        Boundaries of the groups, see :func:`sklift.metrics.shot_groups`.
    predictions : dict of str to ndarray of shape (n_samples,)
        "picture" (a digest of its content), "true" and "predicted", by which a later report is
        compared.
    changes : dict or None
        What differs from an earlier report: "n_common", the pictures that are in both with the same
        label; "n_better" and "n_worse" of them, which are right only now, or only then; "scores"
        then and now; "classes", a table of recalls then and now with "p_value" (McNemar's exact
        test) and "clear" (below 0.05 for all classes together, by Holm); and "model", the settings
        that differ. Without common pictures, all scores are compared, by Fisher's exact test.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.displays import Report
    >>> X = np.zeros((3, 8, 8), np.uint8)
    >>> y_true, y_pred = ["ant", "bee", "bee"], ["ant", "ant", "bee"]
    >>> y_proba = [[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]
    >>> report = Report.from_predictions(X, y_true, y_pred, y_proba, {"ant": 30, "bee": 5})
    >>> report.scores["few"]["accuracy"], report.mistakes[0]["picture"]
    (0.5, 'X[1]')
    >>> report.to_html()[:15]
    '<!DOCTYPE html>'
    """

    def __init__(
        self,
        scores: dict[str, Any],
        text: str,
        classes: dict[str, np.ndarray],
        calibration: dict[str, Any],
        confusions: dict[str, np.ndarray],
        mistakes: list[dict[str, Any]],
        *,
        model: Mapping[str, str] | None = None,
        unreadable: Mapping[str, str] | None = None,
        title: str = "Report",
        limits: tuple[float, float] = (100, 20),
        predictions: Mapping[str, np.ndarray] | None = None,
        changes: dict[str, Any] | None = None,
    ):
        self.scores = scores
        self.text = text
        self.classes = classes
        self.calibration = calibration
        self.confusions = confusions
        self.mistakes = mistakes
        self.model = dict(model or {})
        self.unreadable = dict(unreadable or {})
        self.title = title
        self.limits = limits
        self.predictions = dict(predictions or dict.fromkeys(PREDICTED, np.array([], dtype=str)))
        self.changes = changes

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X,
        y: ArrayLike | None = None,
        *,
        n_mistakes: int = 24,
        many: float = 100,
        few: float = 20,
        title: str = "Report",
        against: Report | str | os.PathLike | None = None,
    ) -> Report:
        """Score a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            It has ``predict_proba`` and, itself or inside, ``class_counts_``.
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes.
        y : array-like of shape (n_samples,), default=None
            True labels; may be left out where X brings labels. Pictures that can't be read are
            left out and listed, with ``reader__on_error="skip"``.
        n_mistakes : int, default=24
            Number of mistakes to show, at most.
        many, few : float, default=100 and 20
            Boundaries of the groups of classes, see :func:`sklift.metrics.shot_groups`.
        title : str, default="Report"
            The title of the page.
        against : Report, path or None, default=None
            An earlier report, or its page, to compare with.

        Returns
        -------
        report : Report
        """
        earlier = _earlier(against)  # before minutes of predictions
        reader = reader_of(estimator)
        source = reader.build(X, must_exist=reader.on_error == "raise")
        y = check_labels(y) if y is not None else check_labels(source.labels, "the label of X")
        proba = estimator.predict_proba(X)
        unread = np.isnan(proba).all(axis=1)  # with reader__on_error="skip"
        name = picture_names(source)
        unreadable = {name(int(i)): "it can't be read" for i in np.flatnonzero(unread)}
        if unreadable:
            source = PickedSource(source, np.flatnonzero(~unread))
            y, proba = y[~unread], proba[~unread]
        return cls.from_predictions(
            source,
            y,
            estimator.classes_[proba.argmax(axis=1)],
            proba,
            training_counts(estimator, "Report.from_predictions", y),
            labels=estimator.classes_,
            class_names=names_of(estimator),
            model=described(estimator),
            unreadable=unreadable,
            explain=getattr(explainer_of(estimator), "explain", None),
            n_mistakes=n_mistakes,
            many=many,
            few=few,
            title=title,
            against=earlier,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        y_proba: ArrayLike,
        class_counts: Mapping,
        *,
        labels: ArrayLike | None = None,
        class_names=None,
        model: Mapping[str, str] | None = None,
        unreadable: Mapping[str, str] | None = None,
        explain: Callable | None = None,
        n_mistakes: int = 24,
        many: float = 100,
        few: float = 20,
        title: str = "Report",
        against: Report | str | os.PathLike | None = None,
    ) -> Report:
        """Score predictions.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes. Only those of the shown
            mistakes are decoded.
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        y_proba : array-like of shape (n_samples, n_classes)
            Predicted probabilities.
        class_counts : dict
            Training pictures of each label.
        labels : array-like of shape (n_classes,) or None, default=None
            The class of each column of ``y_proba``. None: the sorted labels of ``class_counts``.
        class_names : dict, list of str or None, default=None
            Names to show: label -> name, or one for each of ``labels``. None: the labels.
        model : dict of str to str or None, default=None
            What to tell of the model.
        unreadable : dict of str to str or None, default=None
            Pictures that were left out, with the reason.
        explain : callable or None, default=None
            The method ``explain`` of the classifier, to show where it looked for its mistakes.
        n_mistakes : int, default=24
            Number of mistakes to show, at most.
        many, few : float, default=100 and 20
            Boundaries of the groups of classes, see :func:`sklift.metrics.shot_groups`.
        title : str, default="Report"
            The title of the page.
        against : Report, path or None, default=None
            An earlier report, or its page, to compare with.

        Returns
        -------
        report : Report
        """
        earlier = _earlier(against)
        source = as_image_source(X)
        y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
        check_consistent_length(source, y_true, y_pred, y_proba)
        labels = as_labels(sorted(class_counts) if labels is None else labels, "labels")
        called = naming(class_names, labels)
        confidence, accuracy, weight = reliability_curve(y_true, y_proba, labels=labels, n_bins=10)
        confusions = most_confused_pairs(y_true, y_pred, n_most=15)
        for side in ("true", "predicted"):
            confusions[side] = np.array([called(v) for v in confusions[side].tolist()], dtype=str)
        report = cls(
            long_tail_report(y_true, y_pred, class_counts, many=many, few=few, output="dict"),
            long_tail_report(y_true, y_pred, class_counts, many=many, few=few),
            class_table(y_true, y_pred, class_counts, called, many, few),
            {
                "error": expected_calibration_error(y_true, y_proba, labels=labels),
                "confidence": confidence,
                "accuracy": accuracy,
                "weight": weight,
            },
            confusions,
            worst_mistakes(source, y_true, y_pred, y_proba, labels, called, n_mistakes, explain),
            model=model,
            unreadable=unreadable,
            title=title,
            limits=(many, few),
            predictions=predictions_of(source, y_true, y_pred, called),
        )
        if earlier is not None:
            report.changes = changes(report, earlier)
        return report

    @classmethod
    def load(cls, path: str | os.PathLike) -> Report:
        """Read the page of a report back.

        Parameters
        ----------
        path : str or path
            A file that :meth:`save` or ``sklift report`` has written.

        Returns
        -------
        report : Report

        Raises
        ------
        ValueError
            If it is no such page, or one that was changed by hand or damaged: the error says where.
        OSError
            If it can't be read.
        """
        return cls(**read_page(path))

    def __str__(self) -> str:
        text = f"{self.text}\n{'calibration error':<22} {self.calibration['error']:.3f}"
        return text if self.changes is None else f"{text}\n{changes_in_words(self.changes)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as dicts, lists, numbers and text, without thumbnails and predictions.

        Returns
        -------
        content : dict
            The attributes by name; columns are lists, and a score of no samples is NaN.
        """
        kept = [{k: v for k, v in row.items() if not isinstance(v, bytes)} for row in self.mistakes]
        tables = {
            name: {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in table.items()}
            for name, table in (
                ("classes", self.classes),
                ("calibration", self.calibration),
                ("confusions", self.confusions),
            )
        }
        others = {"mistakes": kept, "model": self.model, "unreadable": self.unreadable}
        if self.changes is not None:
            of_classes = {k: v.tolist() for k, v in self.changes["classes"].items()}
            others["changes"] = self.changes | {"classes": of_classes}
        return {"title": self.title, "scores": self.scores, **tables, **others}

    def to_html(self) -> str:
        """Return the page: one file of HTML, without scripts, with all text of others escaped.

        Returns
        -------
        html : str
        """
        from ._report_page import page

        return page(self)


def _earlier(against: Report | str | os.PathLike | None) -> Report | None:
    return against if against is None or isinstance(against, Report) else Report.load(against)
