"""Plots of the long tail and of a classifier's predictions, as scikit-learn's displays."""

from __future__ import annotations

from ._class_counts import ClassCountsDisplay
from ._contact_sheet import ContactSheetDisplay
from ._recall import RecallDisplay
from ._reliability import ReliabilityDisplay
from ._search_results import SearchResultsDisplay
from ._shot_accuracy import ShotAccuracyDisplay
from ._training_curve import TrainingCurveDisplay

__all__ = [
    "ClassCountsDisplay",
    "ContactSheetDisplay",
    "RecallDisplay",
    "ReliabilityDisplay",
    "SearchResultsDisplay",
    "ShotAccuracyDisplay",
    "TrainingCurveDisplay",
]
