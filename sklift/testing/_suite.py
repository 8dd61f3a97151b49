"""List of the checks, and the functions that run them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from unittest import SkipTest

from sklearn.base import is_classifier
from sklearn.exceptions import EstimatorCheckFailedWarning
from sklearn.utils import estimator_checks
from sklearn.utils.validation import has_fit_parameter

from . import _fitting, _inputs, _interface, _outputs, _predictions, _targets, _weights

#: Checks of scikit-learn's ``check_estimator`` that ``LiftClassifier("precomputed")`` fails, and
#: why: check name -> reason. None with the default parameters. Settings that draw samples at random
#: (``sampler``, ``validation_fraction``, ``early_stopping``, and a ``batch_size`` below the number
#: of samples, as an adapter has by default) can't treat a weight of two like a sample given twice,
#: which ``check_sample_weight_equivalence_on_dense_data`` asks for.
EXPECTED_FAILED_CHECKS: dict[str, str] = {}

# The checks of scikit-learn that need no data.
_WITHOUT_DATA = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_valid_tag_types",
    "check_estimator_tags_renamed",
    "check_mixin_order",
)


def yield_image_checks(estimator) -> Iterator[Callable]:
    """Yield the checks that apply to an estimator of pictures.

    Parameters
    ----------
    estimator : estimator instance
        A classifier or transformer of pictures.

    Yields
    ------
    check : callable
        ``check(name, estimator)``, with the name of the estimator for messages. It leaves the
        estimator as it is, works on clones, and raises if the check fails.

    See Also
    --------
    check_image_estimator : Runs them all.

    Examples
    --------
    One test for each check::

        @pytest.mark.parametrize("check", yield_image_checks(MyClassifier()))
        def test_convention(check):
            check("MyClassifier", MyClassifier())

    >>> from sklift import ImageEmbedder
    >>> from sklift.testing import yield_image_checks
    >>> names = [check.__name__ for check in yield_image_checks(ImageEmbedder("emoji-tiny"))]
    >>> "check_subset_invariance" in names, "check_column_of_labels" in names
    (True, False)
    """
    for name in _WITHOUT_DATA:
        yield getattr(estimator_checks, name)
    yield from _interface.CHECKS
    yield from _fitting.CHECKS
    yield from _inputs.CHECKS
    yield from _outputs.CHECKS
    if is_classifier(estimator):
        yield from _targets.CHECKS
        yield from _predictions.CHECKS
    if has_fit_parameter(estimator, "sample_weight"):
        yield from _weights.CHECKS
    if hasattr(estimator, "transform"):
        yield from _outputs.TRANSFORMER_CHECKS


def check_image_estimator(
    estimator, *, expected_failed_checks: dict[str, str] | None = None, on_fail="raise"
) -> list[dict]:
    """Check that an estimator of pictures keeps scikit-learn's conventions.

    The counterpart of :func:`sklearn.utils.estimator_checks.check_estimator`, whose checks are for
    tables. It looks at parameters, tags, clones and copies; at fitting twice, anew, and with a
    seed; at every kind of pictures, which must neither be changed nor make a difference; at
    labels and sample weights; and at predictions, which must not depend on order, subset or
    batch. The pictures are drawn here, 13 of three classes, and nothing is downloaded.

    Parameters
    ----------
    estimator : estimator instance
        A classifier or transformer of pictures; it stays as it is. Clones are checked, as given
        but for ``random_state=0``, ``compute__precision="float32"`` and ``compute__cache=False``
        where it has such parameters: few epochs make it fast. ``classes`` and ``class_names`` must
        not be set.
    expected_failed_checks : dict, optional
        Check name -> why it fails.
    on_fail : {"raise", "warn", None}, default="raise"
        What happens when a check fails that is not expected to.

    Returns
    -------
    results : list of dict
        One for each check, with the keys ``estimator``, ``check_name``, ``exception``, ``status``
        ("passed", "failed", "xfail" or "skipped"), ``expected_to_fail`` and
        ``expected_to_fail_reason``.

    Raises
    ------
    Exception
        The error of the first failing check, if ``on_fail="raise"``.

    Notes
    -----
    Numbers are compared in float32, up to 1e-5 of the largest one. With bfloat16 the same class
    must be predicted unless the probabilities of the two best differ by less than 0.01, and
    features must have a cosine above 0.999.

    Checks that need pandas are skipped without it. Where views are drawn at random to predict
    (``tta=<int>``), predictions do depend on order and company: the checks of these
    (``check_order_invariance``, ``check_subset_invariance``, ``check_repeated_pictures``,
    ``check_different_sizes``) are then to be expected to fail.

    Examples
    --------
    >>> from sklift import ZeroShotClassifier
    >>> from sklift.testing import check_image_estimator
    >>> results = check_image_estimator(ZeroShotClassifier("emoji-tiny"))
    >>> {result["status"] for result in results} <= {"passed", "skipped"}
    True
    """
    if isinstance(estimator, type):
        raise TypeError(f"give an instance: {estimator.__name__}()")
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail must be 'raise', 'warn' or None, got {on_fail!r}")
    expected, results = expected_failed_checks or {}, []
    for check in yield_image_checks(estimator):
        reason = expected.get(check.__name__)
        status, exception = "passed", None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(type(estimator).__name__, estimator)
        except SkipTest as skip:
            status, exception = "skipped", skip
        except Exception as failure:
            if on_fail == "raise" and reason is None:
                raise
            status, exception = "failed" if reason is None else "xfail", failure
        result = {
            "estimator": estimator,
            "check_name": check.__name__,
            "exception": exception,
            "status": status,
            "expected_to_fail": reason is not None,
            "expected_to_fail_reason": reason,
        }
        if status == "failed" and on_fail == "warn":
            warnings.warn(EstimatorCheckFailedWarning(**result), stacklevel=2)
        results.append(result)
    return results
