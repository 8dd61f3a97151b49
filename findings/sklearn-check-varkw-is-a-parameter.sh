#!/usr/bin/env bash
# scikit-learn 1.9.1: is **kwargs of an estimator's __init__ a parameter?
#
# One would guess: no. BaseEstimator.get_params leaves it out (only *args is refused), so that an
# estimator may take more keywords, check them, and refuse unknown ones with a TypeError.
# Seen: check_do_not_raise_errors_in_init_or_set_params lists parameters by inspect.signature of the
# class, takes the name of **kwargs for one of them, and calls Estimator(kwargs=-1): an estimator that
# refuses unknown keywords fails check_estimator, for a parameter that get_params does not have.
# A __signature__ on the class, without **kwargs, is what the check reads, and get_params is unchanged.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "scikit-learn==1.9.1"
"$folder/venv/bin/python" - <<'PY'
import inspect

from sklearn.base import BaseEstimator
from sklearn.utils import estimator_checks


class Strict(BaseEstimator):
    def __init__(self, alpha=1.0, **options):
        self.alpha = alpha
        if options:
            raise TypeError(f"unknown options: {sorted(options)}")


class Shown(Strict):
    __signature__ = inspect.Signature([inspect.Parameter("alpha", inspect.Parameter.KEYWORD_ONLY)])


assert sorted(Strict().get_params()) == ["alpha"]
check = estimator_checks.check_do_not_raise_errors_in_init_or_set_params
try:
    check("Strict", Strict())
except TypeError as error:
    print("with **options:", error)
    assert "options" in str(error)
else:
    raise SystemExit("changed: the check leaves **options out")
check("Shown", Shown())
print("with a __signature__ that leaves it out: passes; get_params:", sorted(Shown().get_params()))
PY
