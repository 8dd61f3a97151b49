from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklift._core._recipes import check_real, resolve


class Alpha(BaseEstimator):
    def __init__(self, width=1):
        self.width = width

    def build(self):
        return self.width


class Beta(BaseEstimator):
    def inject(self):
        return "injected"


class Plain:
    """A recipe that is no scikit-learn estimator."""

    def __init__(self):
        self.settings = [1, 2]

    def build(self):
        return sum(self.settings)


TABLE = {"alpha": Alpha, "beta": Beta, "none": None}


def test_a_name_gives_a_new_recipe_with_default_settings():
    first, second = resolve("alpha", TABLE, "rule"), resolve("alpha", TABLE, "rule")
    assert isinstance(first, Alpha) and first.width == 1 and first is not second


@pytest.mark.parametrize("value", ["none", None])
def test_none_where_the_table_has_it(value):
    assert resolve(value, TABLE, "rule") is None


def test_none_may_stand_for_a_recipe():
    assert isinstance(resolve(None, {"none": Alpha}, "rule"), Alpha)


def test_none_where_the_table_lacks_it():
    with pytest.raises(TypeError, match=r"rule must be one of \['alpha'\].*got None"):
        resolve(None, {"alpha": Alpha}, "rule")


def test_an_instance_is_copied_with_its_settings():
    given = Alpha(width=7)
    resolved = resolve(given, TABLE, "rule")
    assert resolved is not given and resolved.get_params() == {"width": 7}


def test_a_recipe_needs_neither_registration_nor_a_base_class():
    given = Plain()
    resolved = resolve(given, TABLE, "rule")
    assert resolved.build() == 3
    assert resolved.settings is not given.settings


def test_the_method_decides_what_is_a_recipe():
    assert isinstance(resolve(Beta(), TABLE, "rule", method="inject"), Beta)
    with pytest.raises(TypeError, match=r"an object with a 'build' method; got Beta\(\)"):
        resolve(Beta(), TABLE, "rule")


def test_an_unknown_name_lists_the_choices_in_order():
    with pytest.raises(ValueError) as error:
        resolve("zzz", {"b": Beta, "a": Alpha}, "rule")
    assert str(error.value) == "Unknown rule 'zzz': choose one of ['a', 'b']"


@pytest.mark.parametrize("typo", ["alpa", "Alpha", "alhpa"])
def test_a_misspelt_name_gets_a_suggestion(typo):
    with pytest.raises(ValueError, match="Did you mean 'alpha'\\?"):
        resolve(typo, TABLE, "rule")


def test_a_class_must_be_called():
    with pytest.raises(TypeError, match=r"rule must be an instance.*pass Alpha\(\), not Alpha"):
        resolve(Alpha, TABLE, "rule")


@pytest.mark.parametrize("value", [3, 2.5, ["alpha"], {"alpha": 1}])
def test_anything_else_is_a_type_error(value):
    with pytest.raises(TypeError, match="rule must be one of"):
        resolve(value, TABLE, "rule")


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_check_real_returns_a_float(value):
    checked = check_real(value, "tau", minimum=0, maximum=1)
    assert type(checked) is float and checked == value


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (-0.1, {}, "tau == -0.1, must be >= 0"),
        (1.1, {"maximum": 1}, "tau == 1.1, must be <= 1"),
        (1, {"maximum": 1, "include_boundaries": "left"}, "tau == 1, must be < 1"),
        (0, {"include_boundaries": "neither"}, "tau == 0, must be > 0"),
        (float("nan"), {}, "tau == nan, must be finite"),
        (float("inf"), {}, "tau == inf, must be finite"),
    ],
)
def test_check_real_refuses_what_is_out_of_range(value, limits, message):
    with pytest.raises(ValueError, match=message):
        check_real(value, "tau", minimum=0, **limits)


@pytest.mark.parametrize("value", ["1", None, 1j, [1]])
def test_check_real_refuses_what_is_no_number(value):
    with pytest.raises(TypeError, match="tau must be an instance of"):
        check_real(value, "tau", minimum=0)


def test_the_module_does_not_import_torch():
    code = "import sys, sklift._core._recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
