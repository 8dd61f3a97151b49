"""Rows of predictions, nested for JSON and flat for tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .._store._atomic import replace_file
from ._reading import Part

NAMES = ("path", "label", "probability", "top", "set", "error", "model")


def rows_of(
    part: Part,
    classes: np.ndarray,
    top: int,
    model: str,
    sets: Callable[[np.ndarray], list] | None = None,
) -> Iterator[dict[str, Any]]:
    """A row for each picture of a part.

    Parameters
    ----------
    part : Part
        Pictures and their probabilities.
    classes : ndarray of shape (n_classes,)
        The labels.
    top : int
        Number of labels to tell of each picture.
    model : str
        What tells the model from others.
    sets : callable, optional
        A function from probabilities to sets of labels.
    """
    order = np.argsort(-part.values, axis=1, kind="stable")[:, :top]
    best = np.take_along_axis(part.values, order, axis=1)
    labels = classes[order] if len(order) else order
    of_each = [None] * len(labels) if sets is None or not len(labels) else sets(part.values)
    predicted = iter(zip(labels.tolist(), best.round(6).tolist(), of_each, strict=True))
    for path in part.paths:
        row: dict[str, Any] = {"path": path, "label": None, "probability": None, "top": []}
        row["set"] = None
        if path not in part.unreadable:
            names, shares, inside = next(predicted)
            some = list(zip(names, shares, strict=True))
            row |= {"label": names[0], "probability": shares[0], "top": some, "set": inside}
        yield row | {"error": part.unreadable.get(path), "model": model}


def columns(top: int) -> list[str]:
    """Names of the columns of a flat table."""
    others = [f"{name}_{k}" for k in range(2, top + 1) for name in ("label", "probability")]
    return ["path", "label", "probability", *others, "set", "set_size", "error", "model"]


def flat(row: dict[str, Any], top: int) -> dict[str, Any]:
    """The row of a flat table."""
    found = dict.fromkeys(columns(top)) | {n: v for n, v in row.items() if n != "top"}
    for k, (label, probability) in enumerate(row["top"][1:top], start=2):
        found |= {f"label_{k}": label, f"probability_{k}": probability}
    if row["set"] is not None:
        # as text, an empty set looks like none
        found |= {"set": " | ".join(map(str, row["set"])), "set_size": len(row["set"])}
    return found


def check_parquet() -> None:
    """Refuse parquet where the packages that write it are not installed.

    Raises
    ------
    ImportError
        If pandas is missing, or pyarrow and fastparquet are.
    """
    if not find_spec("pandas") or not (find_spec("pyarrow") or find_spec("fastparquet")):
        raise ImportError("parquet files need two more packages: pip install pandas pyarrow")


def write_parquet(rows: Iterable[dict[str, Any]], path: Path, top: int) -> None:
    """Write a table of all rows, complete or not at all."""
    import pandas as pd

    buffer = io.BytesIO()
    table = pd.DataFrame([flat(row, top) for row in rows], columns=columns(top))
    table = table.astype({"set_size": "Int64"})  # else a missing one makes all of them fractions
    table.to_parquet(buffer, index=False)
    replace_file(path, buffer.getvalue())
