from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV

from sklift.displays import SearchResultsDisplay


class Recipe(BaseEstimator):
    def __init__(self, tau=1.0):
        self.tau = tau


class Known(BaseEstimator):
    """A model whose scores are told."""

    def __init__(self, tau=1.0, kind="a", rank=1):
        self.tau = tau
        self.kind = kind
        self.rank = rank

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        return self.tau * self.rank + (self.kind == "b") / 10


def results(grid, score, **more):
    """What a search over the grid would give."""
    rows = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    table = {"mean_test_score": np.array([score(**row) for row in rows], float), **more}
    for name in grid:
        column = np.empty(len(rows), object)
        column[:] = [row[name] for row in rows]
        table[f"param_{name}"] = np.ma.array(column)
    return table


def drawn(display):
    return np.ma.filled(display.image_.get_array().astype(float), np.nan)


def texts(display):
    return [text.get_text() for text in display.texts_]


def frame(display):
    return round(display.best_.get_y() + 0.5), round(display.best_.get_x() + 0.5)


def test_a_search_over_two_parameters():
    search = GridSearchCV(Known(), {"tau": [2.0, 0.5, 1.0], "kind": ["b", "a"]}, cv=2)
    search.fit(np.zeros((4, 1)))
    display = SearchResultsDisplay.from_estimator(search, x="tau", y="kind")
    assert display.x_values == ["0.5", "1", "2"]  # numbers by size
    assert display.y_values == ["b", "a"]  # others as given
    np.testing.assert_allclose(drawn(display), [[0.6, 1.1, 2.1], [0.5, 1, 2]])
    assert texts(display) == ["0.600", "1.100", "2.100", "0.500", "1.000", "2.000"]
    assert frame(display) == (0, 2)
    assert [text.get_weight() for text in display.texts_].index("bold") == 2
    assert display.ax_.get_xlabel() == "tau"
    assert display.ax_.get_ylabel() == "kind"
    assert display.ax_.get_title() == "mean test score"
    # Where there are two parameters, they need not be said; the table is enough.
    for table in (search.cv_results_, pd.DataFrame(search.cv_results_)):
        same = SearchResultsDisplay.from_cv_results(table)
        assert {same.x, same.y} == {"tau", "kind"}


def test_a_cell_is_the_best_over_the_other_parameters():
    grid = {"tau": [1, 2], "kind": ["a", "b"], "rank": [3, 5, 4], "same": [0]}
    table = results(grid, lambda tau, kind, rank, same: tau * rank + (kind == "b"))
    display = SearchResultsDisplay.from_cv_results(table, x="tau", y="kind")
    np.testing.assert_array_equal(drawn(display), [[5, 10], [6, 11]])
    assert display.ax_.get_title() == "mean test score\nbest over rank"
    with pytest.raises(ValueError, match=r"choose .* x= and y=; \['tau', 'kind', 'rank'\] vary"):
        SearchResultsDisplay.from_cv_results(table)


def test_one_parameter_is_one_row():
    table = results({"rank": [4, 2]}, lambda rank: rank)
    display = SearchResultsDisplay.from_cv_results(table)
    np.testing.assert_array_equal(drawn(display), [[2, 4]])
    assert frame(display) == (0, 1)
    assert display.ax_.get_yticks().tolist() == []
    assert display.ax_.get_ylabel() == ""


def test_recipes_functions_and_none_have_readable_names():
    def mine():
        pass

    choices = [Recipe(), Recipe(tau=2.0), Recipe, mine, None, "name", True]
    table = results({"loss": choices}, lambda loss: choices.index(loss))
    display = SearchResultsDisplay.from_cv_results(table)
    expected = ["Recipe()", "Recipe(tau=2.0)", "Recipe", "mine", "None", "name", "True"]
    assert display.x_values == expected
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == expected
    np.testing.assert_array_equal(drawn(display), [range(7)])


def test_what_was_not_tried_or_failed_is_empty():
    search = GridSearchCV(Known(), [{"tau": [1, 2]}, {"kind": ["a", "b"]}], cv=2)
    search.fit(np.zeros((4, 1)))
    display = SearchResultsDisplay.from_estimator(search, x="tau", y="kind")
    assert display.x_values == ["1", "2", "not set"]
    np.testing.assert_allclose(
        drawn(display), [[1, 2, np.nan], [np.nan, np.nan, 1], [np.nan, np.nan, 1.1]]
    )
    assert texts(display)[2] == "-"
    failed = SearchResultsDisplay.from_cv_results(results({"rank": [1, 2]}, lambda rank: np.nan))
    assert failed.best is None and failed.best_ is None
    assert texts(failed) == ["-", "-"]


def test_several_metrics():
    metrics = {"up": lambda e, X, y=None: e.tau, "down": lambda e, X, y=None: -e.tau}
    search = GridSearchCV(Known(), {"tau": [1, 2]}, scoring=metrics, refit="down", cv=2)
    search.fit(np.zeros((4, 1)))
    display = SearchResultsDisplay.from_estimator(search)
    np.testing.assert_array_equal(drawn(display), [[-1, -2]])
    assert display.ax_.get_title() == "mean test down"
    display = SearchResultsDisplay.from_estimator(search, metric="up")
    np.testing.assert_array_equal(drawn(display), [[1, 2]])
    with pytest.raises(ValueError, match=r"several metrics: give metric=, one of \['up', 'down'\]"):
        SearchResultsDisplay.from_cv_results(search.cv_results_)
    with pytest.raises(ValueError, match="no metric 'sideways'"):
        SearchResultsDisplay.from_estimator(search, metric="sideways")


def test_in_a_halving_search_the_longest_run_counts():
    table = {
        "iter": np.array([0, 0, 0, 1]),
        "param_rank": np.ma.array([1, 2, 3, 2]),
        "mean_test_score": np.array([0.7, 0.9, 0.95, 0.8]),
    }
    display = SearchResultsDisplay.from_cv_results(table)
    np.testing.assert_array_equal(drawn(display), [[0.7, 0.8, 0.95]])
    assert frame(display) == (0, 1)


def test_a_thousand_cells_are_drawn_without_numbers():
    table = results({"a": list(range(40)), "b": list(range(25))}, lambda a, b: a - b)
    display = SearchResultsDisplay.from_cv_results(table, vmin=0)
    assert drawn(display).shape == (25, 40)
    assert display.texts_ == []
    assert len(display.ax_.get_xticks()) <= 25
    assert frame(display) == (0, 39)
    assert display.image_.get_clim()[0] == 0


def test_numbers_stand_out_from_their_cell():
    table = results({"rank": [0, 1]}, lambda rank: rank)
    low, high = SearchResultsDisplay.from_cv_results(table).texts_
    assert (low.get_color(), high.get_color()) == ("white", "black")  # cividis ends in yellow


@pytest.mark.parametrize(
    ("table", "settings", "message"),
    [
        ({}, {}, "cv_results has no mean_test_score"),
        ({"mean_test_score": [1.0]}, {}, "the search tried no parameters"),
        (
            None,
            {"x": "tua"},
            r"x='tua' is no parameter of the search: choose from \['tau', 'rank'\]",
        ),
        (None, {"x": "tau", "y": "tau"}, "x and y must be two parameters, got 'tau' twice"),
        (None, {"y": "tau"}, r"x= and y=; \['rank'\] vary"),
    ],
)
def test_what_is_wrong_is_said(table, settings, message):
    if table is None:
        table = results({"tau": [1, 2], "rank": [1, 2]}, lambda tau, rank: tau)
    with pytest.raises(ValueError, match=message):
        SearchResultsDisplay.from_cv_results(table, **settings)


def test_a_search_that_is_not_fitted():
    with pytest.raises(ValueError, match="GridSearchCV has no cv_results_: give a fitted"):
        SearchResultsDisplay.from_estimator(GridSearchCV(Known(), {"tau": [1]}))
