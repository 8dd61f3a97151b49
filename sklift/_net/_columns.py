"""Rows of a history as columns of numbers, which a checkpoint stores in a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

_BATCHES = "batches"
_TYPES = {float: np.float64, int: np.int64, bool: np.bool_}


def packed(rows: Sequence[dict]) -> dict:
    """Rows as columns: a tensor of the numbers that each row has, and what is left of the rows.

    Their batches are left out. A thousand dicts in a file would take longer than an epoch.

    Parameters
    ----------
    rows : sequence of dict
        Numbers, or other values, by name.

    Examples
    --------
    >>> from sklift._net._columns import packed, unpacked
    >>> rows = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25, "note": "low"}]
    >>> packed(rows)["columns"]["loss"]
    tensor([0.5000, 0.2500], dtype=torch.float64)
    >>> unpacked(packed(rows)) == rows
    True
    """
    columns = {}
    for name in rows[0] if rows else ():
        values: list = [row.get(name) for row in rows]
        kind = _kind(set(map(type, values)))
        if kind is not None and (kind is not int or all(abs(v) < 2**63 for v in values)):
            columns[name] = torch.from_numpy(np.array(values, _TYPES[kind]))
    known = {*columns, _BATCHES}
    rest = []
    if any(row.keys() - known for row in rows):
        rest = [{k: _plain(v) for k, v in row.items() if k not in known} for row in rows]
    return {"n": len(rows), "columns": columns, "rest": rest}


def unpacked(found: dict) -> list[dict]:
    """The rows that :func:`packed` got."""
    names, columns = found["columns"], (column.tolist() for column in found["columns"].values())
    rows = zip(*columns, strict=True) if names else [()] * found["n"]
    rest = found["rest"] or [{}] * found["n"]
    return [dict(zip(names, row, strict=True)) | left for row, left in zip(rows, rest, strict=True)]


def _kind(types: set[type]) -> type | None:
    """The one type of plain numbers that all of these types are of, or None."""
    for kind, array in _TYPES.items():
        if types <= {kind, array}:
            return kind
    return None


def _plain(value):
    """A NumPy or torch number as a Python number."""
    return value.item() if hasattr(value, "item") else value
