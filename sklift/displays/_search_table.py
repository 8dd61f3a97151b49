"""Grid of scores over two parameters, from the table of a search."""

from __future__ import annotations

import numbers

import numpy as np

MOST_COLUMNS = 200  # and rows: a figure has no room for more


def read_results(cv_results, x: str | None, y: str | None, metric: str | None) -> dict:
    """Return the arguments of a ``SearchResultsDisplay``."""
    metric = _metric(cv_results, metric)
    values = {
        key.removeprefix("param_"): _named(cv_results[key])
        for key in cv_results
        if key.startswith("param_")
    }
    if not values:
        raise ValueError("cv_results has no param_...: the search tried no parameters")
    x, y = _axes(values, x, y)
    scores = np.ma.filled(np.ma.asarray(cv_results[f"mean_test_{metric}"]), np.nan).astype(float)
    columns, column = _places(values[x])
    rows, row = _places(values[y] if y else [(0, "")] * len(scores))
    grid = np.full((len(rows), len(columns)), np.nan)
    best = None
    # From the worst to the best: what is written last stays. In a halving search what ran longer
    # is better, whatever its score.
    steps = np.asarray(cv_results["iter"] if "iter" in cv_results else np.zeros(len(scores)))
    for i in np.lexsort((scores, steps)):
        if not np.isnan(scores[i]):
            best = row[i], column[i]
            grid[best] = scores[i]
    return {
        "scores": grid,
        "x_values": columns,
        "y_values": rows,
        "x": x,
        "y": y,
        "others": [name for name in values if name not in (x, y) and _varies(values[name])],
        "best": best,
        "metric": metric,
    }


def _metric(cv_results, metric: str | None) -> str:
    start = "mean_test_"
    known = [key.removeprefix(start) for key in cv_results if key.startswith(start)]
    if not known:
        raise ValueError("cv_results has no mean_test_score: give the cv_results_ of a search")
    if metric is None and len(known) > 1:
        raise ValueError(f"cv_results has several metrics: give metric=, one of {known}")
    if metric is not None and metric not in known:
        raise ValueError(f"cv_results has no metric {metric!r}: choose from {known}")
    return metric or known[0]


def _axes(values: dict, x: str | None, y: str | None) -> tuple[str, str | None]:
    for argument, name in (("x", x), ("y", y)):
        if name is not None and name not in values:
            raise ValueError(
                f"{argument}={name!r} is no parameter of the search: choose from {list(values)}"
            )
    if x is not None:
        if x == y:
            raise ValueError(f"x and y must be two parameters, got {x!r} twice")
        return x, y
    varying = [name for name in values if name != y and _varies(values[name])]
    if y is not None or len(varying) > 2:
        raise ValueError(f"choose what to show with x= and y=; {varying} vary in this search")
    x, y, *_ = [*(varying or [next(iter(values))]), None]
    return x, y


def _varies(values: list) -> bool:
    return len(set(values)) > 1


def _named(values) -> list[tuple[float | None, str]]:
    """Pair (number, text) of each value; values with the same pair are the same."""
    values = np.ma.asarray(values)
    missing = np.ma.getmaskarray(values)
    return [
        (None, "not set") if unset or _is_nan(value) else _pair(value)
        for value, unset in zip(values.data.tolist(), missing, strict=True)
    ]


def _pair(value) -> tuple[float | None, str]:
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return float(value), f"{value:.4g}"
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return None, value.__name__
    return None, " ".join(str(value).split())


def _is_nan(value) -> bool:
    return isinstance(value, float) and value != value


def _places(values: list) -> tuple[list[str], list[int]]:
    """Names of the columns, and the column of each value.

    Neighbours share a column where there are more than `MOST_COLUMNS` distinct values, since a map
    of a random search has as many columns and rows as candidates, all but one in each empty.
    """
    distinct = _ordered(values)
    parts = np.array_split(np.arange(len(distinct)), min(len(distinct), MOST_COLUMNS))
    ends = [(distinct[part[0]][1], distinct[part[-1]][1]) for part in parts]
    names = [first if first == last else f"{first} to {last}" for first, last in ends]
    column = {distinct[i]: k for k, part in enumerate(parts) for i in part}
    return names, [column[value] for value in values]


def _ordered(values: list) -> list:
    """Distinct values: numbers by size, others in the order in which they come."""
    distinct = list(dict.fromkeys(values))
    return sorted(distinct) if all(number is not None for number, _ in distinct) else distinct
