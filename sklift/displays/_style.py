"""Style of all displays: colours that everyone can tell apart, axes, and scales of counts."""

from __future__ import annotations

import numpy as np

# Okabe and Ito, "Color Universal Design" (2008): distinct also with a colour vision deficiency.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILLION, BLACK = "#56B4E9", "#D55E00", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, BLACK)
GROUP_COLOURS = {"many": BLUE, "medium": ORANGE, "few": PURPLE}
GROUP_MARKERS = {"many": "o", "medium": "s", "few": "^"}


def start(ax, display, figsize: tuple[float, float] | None = None):
    """Return the axes to draw on: ``ax``, or those of a new figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{type(display).__name__}.plot needs matplotlib: pip install "scikit-lift[examples]"'
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def group_titles(many: float, few: float) -> dict[str, str]:
    """Titles of the groups of classes, with their boundaries."""
    return {
        "many": f"many (> {many:g})",
        "medium": f"medium ({few:g} to {many:g})",
        "few": f"few (< {few:g})",
    }


def scale_counts(ax, which: str, counts: np.ndarray) -> None:
    """Give the axis ``which``, "x" or "y", a logarithmic scale that has a place for 0."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = np.min(counts), np.max(counts)
    if low < 1:
        getattr(ax, f"set_{which}scale")("symlog", linthresh=1, linscale=0.4)
    else:
        getattr(ax, f"set_{which}scale")("log")
    axis = getattr(ax, f"{which}axis")
    if low >= 1 and high < 300 * low:  # less than three powers of ten to write
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.set_minor_formatter(NullFormatter())


def legend(ax, handles, names, **kwargs):
    """Draw a legend whose names are written as they are: "$" is no TeX, and "_" hides none."""
    drawn = ax.legend(handles, [str(i) for i in range(len(names))], **kwargs)
    for text, name in zip(drawn.get_texts(), names, strict=True):
        text.set_text(name)
        text.set_parse_math(False)
    return drawn


def shorten(text: str, longest: int) -> str:
    """The text, cut to at most ``longest`` characters."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
