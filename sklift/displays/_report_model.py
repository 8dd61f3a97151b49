"""Facts about a fitted classifier: its training data and its settings."""

from __future__ import annotations

from inspect import signature

from .._core._text import counted
from .._core._version import __version__
from ._fitted import find_fitted

LONGEST = 300  # characters of a setting
_FILLED_IN = ("adapter", "loss", "head", "init", "max_epochs", "batch_size")  # where "auto" is set


def described(estimator) -> dict[str, str]:
    """What a fitted estimator was trained on, and the settings that are not the defaults.

    Parameters
    ----------
    estimator : fitted estimator
        A classifier of this package, or a search or pipeline around it.

    Returns
    -------
    facts : dict of str to str
        A title and a text for each.
    """
    inner = find_fitted(estimator, "class_counts_")
    if inner is None:
        return {"classifier": type(estimator).__name__}
    counts = inner.class_counts_
    facts = {
        "classifier": type(inner).__name__,
        "trained on": f"{counted(int(counts.sum()), 'picture')} of "
        f"{counted(len(counts), 'class')}, "
        f"{int(counts.min()):,} to {int(counts.max()):,} of each",
    }
    if hasattr(inner, "n_trainable_params_"):
        facts["trained weights"] = f"{inner.n_trainable_params_:,}"
    if getattr(inner, "history_", None):
        facts["epochs"] = str(len(inner.history_))
    given = {name: p.default for name, p in signature(type(inner)).parameters.items()}
    params = inner.get_params(deep=False)
    changed = [name for name, value in params.items() if repr(value) != repr(given[name])]
    for name in dict.fromkeys(["backbone", *changed, *_FILLED_IN]):
        value = getattr(inner, f"{name}_", params.get(name)) if name in params else None
        if name in params:
            facts[name] = _short(" ".join(repr(value).split()))
    facts["scikit-lift"] = __version__
    return facts


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
