"""Checks that an estimator keeps scikit-learn's conventions.

scikit-learn's own battery, :func:`sklearn.utils.estimator_checks.check_estimator`, is for tables:
it applies to ``LiftClassifier("precomputed")``. :func:`check_image_estimator` is its counterpart
for estimators of pictures, those of this package and those that are derived from them.
"""

from __future__ import annotations

from ._suite import EXPECTED_FAILED_CHECKS, check_image_estimator, yield_image_checks

__all__ = ["EXPECTED_FAILED_CHECKS", "check_image_estimator", "yield_image_checks"]
