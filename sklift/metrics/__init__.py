"""Scores for the long tail: accuracy by training frequency, and means that the tail can move."""

from __future__ import annotations

from ._recalls import (
    geometric_mean_recall,
    harmonic_mean_recall,
    per_class_recall,
    worst_class_recall,
)
from ._report import long_tail_report
from ._scorers import few_shot_scorer, many_shot_scorer, medium_shot_scorer
from ._shots import (
    few_shot_accuracy_score,
    many_shot_accuracy_score,
    medium_shot_accuracy_score,
    shot_accuracy_score,
    shot_groups,
)

__all__ = [
    "few_shot_accuracy_score",
    "few_shot_scorer",
    "geometric_mean_recall",
    "harmonic_mean_recall",
    "long_tail_report",
    "many_shot_accuracy_score",
    "many_shot_scorer",
    "medium_shot_accuracy_score",
    "medium_shot_scorer",
    "per_class_recall",
    "shot_accuracy_score",
    "shot_groups",
    "worst_class_recall",
]
