"""Scores of classes or labels against the number of their training samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..metrics import shot_groups
from ._style import BLACK, GROUP_COLOURS, GROUP_MARKERS, group_titles, scale_counts


@dataclass(frozen=True)
class Against:
    """Words of a drawing: the score, and what has one, in the singular and in the plural."""

    score: str
    one: str
    several: str


def draw_against_counts(
    ax, words: Against, scores: np.ndarray, counts: np.ndarray, *, many: float, few: float, **kwargs
) -> tuple[dict, dict]:
    """Draw a marker for each score, and a line at the mean of each group.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    words : Against
        What is drawn.
    scores : ndarray of shape (n,), in [0, 1]
        NaN is left out.
    counts : ndarray of shape (n,)
        Training samples.
    many, few : float
        Boundaries of the groups.
    **kwargs : dict
        Passed to matplotlib's ``scatter``.

    Returns
    -------
    points, means : dict of str to PathCollection, and to LineCollection
        Of each group that has a score.

    Raises
    ------
    ValueError
        If scores and counts do not fit, or there is no score.
    """
    name = words.score.replace(" ", "_")
    if np.shape(scores) != np.shape(counts):
        raise ValueError(
            f"{name}s has shape {np.shape(scores)}, {words.one}_counts {np.shape(counts)}: give "
            f"one of each per {words.one}"
        )
    scores, counts = np.asarray(scores, float), np.asarray(counts)
    tested = ~np.isnan(scores)
    if not tested.any():
        raise ValueError(f"{name}s is NaN for every {words.one}: there is nothing to draw")
    scores, counts = scores[tested], counts[tested]
    groups = shot_groups(counts, many=many, few=few)
    drawn, means = {}, {}
    titles = group_titles(many, few)
    area = 20 if len(counts) > 100 else 40
    for group_name, group in groups.items():
        if not group.any():
            continue
        points = np.column_stack([counts[group], scores[group]])
        points, size = np.unique(points, axis=0, return_counts=True)
        colour, mean = GROUP_COLOURS[group_name], scores[group].mean()
        # over the line of the mean, and with a rim that shows them there
        style = {"alpha": 0.6, "linewidths": 0.5, "edgecolors": "white", "zorder": 3, **kwargs}
        drawn[group_name] = ax.scatter(
            *points.T, s=area * size, color=colour, marker=GROUP_MARKERS[group_name], **style
        )
        ends = counts[group].min() / 1.1, counts[group].max() * 1.1  # seen for one count too
        ax.hlines(
            mean, *ends, color=BLACK, lw=5, snap=False
        )  # a rim that parts the line from the points
        n = int(group.sum())
        means[group_name] = ax.hlines(
            mean,
            *ends,
            color=colour,
            lw=3,
            snap=False,
            label=f"{titles[group_name]}: mean {mean:.2f} of {n:,} "
            f"{words.one if n == 1 else words.several}",
        )
    scale_counts(ax, "x", counts)
    ax.set(
        ylim=(-0.03, 1.03),
        xlabel=f"training samples of the {words.one}",
        ylabel=f"{words.score} of the {words.one}",
    )
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), title=f"marker area: number of {words.several}"
    )
    return drawn, means
