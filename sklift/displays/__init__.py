"""Plots of the long tail and of predictions, as scikit-learn's displays, and a whole report."""

from __future__ import annotations

from ._average_precision import AveragePrecisionDisplay
from ._class_counts import ClassCountsDisplay
from ._contact_sheet import ContactSheetDisplay
from ._findings import FindingsReport
from ._occlusion import OcclusionDisplay
from ._recall import RecallDisplay
from ._reliability import ReliabilityDisplay
from ._report import Report
from ._review import ReviewDisplay
from ._review_list import review_list
from ._saliency import SaliencyDisplay
from ._search_results import SearchResultsDisplay
from ._shot_accuracy import ShotAccuracyDisplay
from ._training_curve import TrainingCurveDisplay

__all__ = [
    "AveragePrecisionDisplay",
    "ClassCountsDisplay",
    "ContactSheetDisplay",
    "FindingsReport",
    "OcclusionDisplay",
    "RecallDisplay",
    "ReliabilityDisplay",
    "Report",
    "ReviewDisplay",
    "SaliencyDisplay",
    "SearchResultsDisplay",
    "ShotAccuracyDisplay",
    "TrainingCurveDisplay",
    "review_list",
]
