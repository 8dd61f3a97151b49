"""Door to scikit-learn: the names that are not public there, each with the reason.

- ``_param_validation``: the constraints of parameters. A third-party estimator that wants the
  same errors as scikit-learn's own has no public way to them.
- ``_validate_params``, ``_get_param_names``: of each estimator; the second is ``get_params`` of a
  class, without an instance.
- ``_check_sample_weight``, ``_safe_indexing``: scikit-learn's checks and indexing of inputs, for
  arrays and tables of all libraries. No public function does the same.
- ``_BaseComposition`` with ``_get_params`` and ``_set_params``: parameters of named recipes in a
  list, as in a pipeline.
- ``_init_callback_context``, ``_skl_callbacks``: callbacks of an estimator (since 1.9), which calls
  the first for a third-party ``fit`` as for its own.
- ``_skip_test``: a tag that a checked estimator must not set.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing as take_rows
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:
    # An older scikit-learn has no callbacks: estimators have no set_callbacks.
    class CallbackSupportMixin:  # type: ignore[no-redef]  # replaces the missing class
        """Empty mixin, for a scikit-learn without callbacks."""

    def with_callbacks(method):
        """Return the method unchanged."""
        return method


__all__ = [
    "SKIPPING_TAGS",
    "CallbackSupportMixin",
    "Composition",
    "HasMethods",
    "Interval",
    "StrOptions",
    "callback_context",
    "check_sample_weight",
    "has_callbacks",
    "param_names",
    "take_rows",
    "validate_params",
    "with_callbacks",
]

# Tags that let an estimator skip checks.
SKIPPING_TAGS = ("no_validation", "non_deterministic", "_skip_test")


def validate_params(estimator) -> None:
    """Check the parameters of an estimator against its constraints."""
    estimator._validate_params()


_names: WeakKeyDictionary[type, tuple[str, ...]] = WeakKeyDictionary()


def param_names(cls: type[BaseEstimator]) -> tuple[str, ...]:
    """Parameter names of an estimator class, which scikit-learn reads anew at each call."""
    if cls not in _names:
        _names[cls] = tuple(cls._get_param_names())
    return _names[cls]


def callback_context(estimator, n_epochs: int):
    """Context of the callbacks of a ``fit``; None in a scikit-learn that has no callbacks."""
    if not hasattr(estimator, "_init_callback_context"):
        return None
    return estimator._init_callback_context(max_subtasks=n_epochs)


def has_callbacks(estimator) -> bool:
    """Return whether scikit-learn's callbacks watch an estimator, which want each epoch."""
    return bool(getattr(estimator, "_skl_callbacks", None))


class Composition(_BaseComposition):
    """Base of classes with named recipes: ``recipes`` is a list of (name, recipe)."""

    def get_params(self, deep=True):
        """Parameters of the composition, including those of its named recipes."""
        return self._get_params("recipes", deep=deep)

    def set_params(self, **params):
        """Set parameters, including settings of named recipes such as ``lora__rank=4``."""
        return self._set_params("recipes", **params)
