"""Scores for the long tail: accuracy by training frequency, means that the tail can move, and
errors of confidence.
"""

from __future__ import annotations

from ._calibration import expected_calibration_error, reliability_curve
from ._class_scores import per_class_scores
from ._confusions import most_confused_pairs
from ._left_out import left_out_detection
from ._levels import per_level_scores
from ._multilabel import multilabel_report, per_label_table
from ._recalls import (
    geometric_mean_recall,
    harmonic_mean_recall,
    per_class_recall,
    worst_class_recall,
)
from ._report import long_tail_report
from ._scorers import few_shot_scorer, make_shot_scorer, many_shot_scorer, medium_shot_scorer
from ._sets import per_class_coverage, prediction_set_scores
from ._shots import (
    few_shot_accuracy_score,
    many_shot_accuracy_score,
    medium_shot_accuracy_score,
    shot_accuracy_score,
    shot_groups,
)
from ._table import per_class_recall_table
from ._thresholds import f1_thresholds

__all__ = [
    "expected_calibration_error",
    "f1_thresholds",
    "few_shot_accuracy_score",
    "few_shot_scorer",
    "geometric_mean_recall",
    "harmonic_mean_recall",
    "left_out_detection",
    "long_tail_report",
    "make_shot_scorer",
    "many_shot_accuracy_score",
    "many_shot_scorer",
    "medium_shot_accuracy_score",
    "medium_shot_scorer",
    "most_confused_pairs",
    "multilabel_report",
    "per_class_coverage",
    "per_class_recall",
    "per_class_recall_table",
    "per_class_scores",
    "per_label_table",
    "per_level_scores",
    "prediction_set_scores",
    "reliability_curve",
    "shot_accuracy_score",
    "shot_groups",
    "worst_class_recall",
]
