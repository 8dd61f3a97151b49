"""Panels that take the place of one axes, so that each display takes one ``ax``."""

from __future__ import annotations

import numpy as np


def panels(ax, *, heights=(1,), widths=(1,), gap=0.0, above=0.0) -> np.ndarray:
    """Hide the frame of ``ax`` and fill its place with panels.

    Parameters
    ----------
    ax : matplotlib Axes
        The place.
    heights, widths : sequence of float
        Sizes of the rows and columns, in any unit.
    gap : float or (float, float)
        Distance between rows, and between columns, as a share of the whole.
    above : float
        Room above each panel, as a share of its row.

    Returns
    -------
    panels : ndarray of shape (n_rows * n_columns,) of matplotlib Axes
        Row by row.
    """
    ax.set_axis_off()
    row_gap, column_gap = np.broadcast_to(gap, 2)
    tops, tall = _cut(heights, row_gap)
    lefts, wide = _cut(widths, column_gap)
    return np.array(
        [
            ax.inset_axes([left, 1 - top - height, width, height * (1 - above)])
            for top, height in zip(tops, tall, strict=True)
            for left, width in zip(lefts, wide, strict=True)
        ]
    )


def _cut(sizes, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of parts of [0, 1]."""
    lengths = np.array(sizes) / np.sum(sizes) * (1 - gap * (len(sizes) - 1))
    return np.cumsum(lengths + gap) - lengths - gap, lengths
