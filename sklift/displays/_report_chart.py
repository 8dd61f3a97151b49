"""Drawings in a page: a score with its interval, and the reliability diagram, as SVG."""

from __future__ import annotations

import math

import numpy as np

SIDE, MARGIN = 240, 34


def interval(score: float, low: float, high: float) -> str:
    """A score in percent, and a bar of its confidence interval from 0 to 100 %."""
    if math.isnan(score):
        return "\u2013"
    ends = f"{100 * low:.0f} to {100 * high:.0f} %"
    return (
        f'<span class="score"><span>{100 * score:.0f}\u00a0%</span>'
        f'<svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{ends}">'
        f"<title>{ends}</title>"
        '<rect class="track" width="100" height="8"/>'
        f'<rect class="range" x="{100 * low:.1f}" width="{100 * (high - low):.1f}" height="8"/>'
        f'<rect class="point" x="{min(98.5, max(0, 100 * score - 0.75)):.1f}" width="1.5" '
        'height="8"/></svg></span>'
    )


def reliability(confidence: np.ndarray, accuracy: np.ndarray, weight: np.ndarray) -> str:
    """Accuracy against confidence, one dot a bin, whose area is the share of its pictures."""
    size = SIDE + 2 * MARGIN

    def x(v: float) -> float:
        return round(MARGIN + SIDE * v, 1)

    def y(v: float) -> float:
        return round(MARGIN / 2 + SIDE * (1 - v), 1)

    grid = "".join(
        f'<path class="grid" d="M{x(0)} {y(v)}H{x(1)}M{x(v)} {y(0)}V{y(1)}"/>'
        f'<text x="{x(0) - 6}" y="{y(v) + 4}" text-anchor="end">{100 * v:.0f}</text>'
        f'<text x="{x(v)}" y="{y(0) + 15}" text-anchor="middle">{100 * v:.0f}</text>'
        for v in (0, 0.25, 0.5, 0.75, 1)
    )
    dots = "".join(
        f'<path class="gap" d="M{x(c)} {y(c)}V{y(a)}"/>'
        f'<circle class="dot" cx="{x(c)}" cy="{y(a)}" r="{3 + 11 * math.sqrt(w):.1f}">'
        f"<title>confidence {c:.0%}, right {a:.0%}, {w:.0%} of the pictures</title></circle>"
        for c, a, w in zip(confidence.tolist(), accuracy.tolist(), weight.tolist(), strict=True)
    )
    return (
        f'<svg class="chart" viewBox="0 0 {size} {size}" role="img" '
        'aria-label="Accuracy against confidence">'
        f'{grid}<path class="ideal" d="M{x(0)} {y(0)}L{x(1)} {y(1)}"/>{dots}'
        f'<text x="{x(0.5)}" y="{y(0) + 31}" text-anchor="middle">confidence, %</text>'
        f'<text transform="translate(10 {y(0.5)}) rotate(-90)" text-anchor="middle">right, %'
        "</text></svg>\n"
    )
