"""Page of what may be wrong with pictures, with the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._core._text import counted
from ..datasets import check_images
from ..datasets._checks._told import as_text, findings_of
from ..images import resolve_reader
from ._columns import rows_of
from ._html_page import HtmlPage
from ._report_mistakes import LARGEST, thumbnail

PER_FAULT = 6  # pictures of a fault that are shown, at most


class FindingsReport(HtmlPage):
    """Page of what may be wrong with pictures and labels, by severity, with what to do.

    As text (``print(page)``), and as one page of HTML that can be handed on: it has no scripts, and
    needs no other file. Notebooks show the page.

    Use :meth:`from_images` or :meth:`from_table` to create one.

    Parameters
    ----------
    table : dict of str to ndarray of shape (n_rows,)
        The outcome of :func:`sklift.datasets.check_images`.
    thumbnails : dict of int to bytes
        Small JPEG files of the pictures that are shown, by their index in X.
    title : str, default="Check of pictures"
        The title of the page.
    lead : str, default=""
        What was looked at.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.displays import FindingsReport
    >>> X = np.random.default_rng(0).integers(0, 255, (4, 40, 40, 3), dtype=np.uint8)
    >>> X[3] = X[0]
    >>> page = FindingsReport.from_images(X, ["ant", "ant", "bee", "bee"])
    >>> print(page)  # doctest: +ELLIPSIS
    error        1  the same picture in several classes: keep it in the right class only: ...
                    X[0] = X[3]
    <BLANKLINE>
    1 kind of errors
    >>> sorted(page.thumbnails)
    [0, 3]
    """

    def __init__(
        self,
        table: Mapping[str, np.ndarray],
        thumbnails: Mapping[int, bytes],
        *,
        title: str = "Check of pictures",
        lead: str = "",
    ):
        self.table = dict(table)
        self.thumbnails = dict(thumbnails)
        self.title = title
        self.lead = lead

    @classmethod
    def from_images(
        cls, X, y=None, *, n_shown: int = 12, title: str = "Check of pictures", **arguments
    ) -> FindingsReport:
        """Look at pictures, and show those that may be wrong.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes.
        y : array-like of shape (n_samples,), optional
            Labels.
        n_shown : int, default=12
            Faults of each kind that are shown, at most.
        title : str, default="Check of pictures"
            The title of the page.
        **arguments
            Others of :func:`sklift.datasets.check_images`: ``split``, ``groups``, ``features``,
            ``least``, ``reader``.

        Returns
        -------
        page : FindingsReport
        """
        table = check_images(X, y, **arguments)
        reader = arguments.get("reader", "auto")
        return cls.from_table(X, table, n_shown=n_shown, title=title, reader=reader)

    @classmethod
    def from_table(
        cls,
        X,
        table,
        *,
        n_shown: int = 12,
        title: str = "Check of pictures",
        lead: str = "",
        reader="auto",
    ) -> FindingsReport:
        """Show the pictures of a table.

        Parameters
        ----------
        X : pictures
            Those that were looked at.
        table : dict or DataFrame
            From :func:`sklift.datasets.check_images`.
        n_shown : int, default=12
            Faults of each kind that are shown, at most.
        title : str, default="Check of pictures"
            The title of the page.
        lead : str, default=""
            What was looked at, in a sentence.
        reader : str or Reader, default="auto"
            How pictures are read.

        Returns
        -------
        page : FindingsReport
        """
        source = resolve_reader(reader).build(X, must_exist=False).reduced(LARGEST)
        columns = {name: np.asarray(table[name]) for name in table}
        page = cls(columns, {}, title=title, lead=lead or f"{counted(len(source), 'picture')}.")
        indices = {
            row["index"]
            for _, faults in page.kinds()
            for rows in faults[:n_shown]
            for row in rows[:PER_FAULT]
            if row["index"] >= 0 and row["kind"] != "can't be read"
        }
        page.thumbnails = {i: thumbnail(source[i]) for i in sorted(indices)}
        return page

    def kinds(self) -> Iterator[tuple[str, list[list[dict[str, Any]]]]]:
        """Kinds of faults in their order, each with the rows of each of its faults."""
        by_kind: dict[str, dict[int, list]] = {}
        for row in rows_of(self.table):
            by_kind.setdefault(row["kind"], {}).setdefault(row["fault"], []).append(row)
        for kind, faults in by_kind.items():
            yield kind, list(faults.values())

    def __str__(self) -> str:
        return as_text(findings_of(self.table))

    def to_html(self) -> str:
        """Return the page: one file of HTML, without scripts, with all text of others escaped.

        Returns
        -------
        html : str
        """
        from ._findings_page import page

        return page(self)
