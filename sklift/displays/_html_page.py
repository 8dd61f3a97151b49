"""Base of what is shown as one page of HTML."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from .._store._atomic import replace_file


class HtmlPage(ABC):
    """One page of HTML, which notebooks show.

    Attributes
    ----------
    title : str
        The title of the page.
    """

    title: str

    @abstractmethod
    def to_html(self) -> str:
        """Return the page: one file of HTML, without scripts, with all text of others escaped.

        Returns
        -------
        html : str
        """

    def save(self, path: str | os.PathLike) -> None:
        """Write the page to a file, complete or not at all.

        Parameters
        ----------
        path : str or path
            The file, for instance ``"report.html"``.

        Raises
        ------
        OSError
            If it can't be written.
        """
        replace_file(path, self.to_html().encode("utf-8"))

    def _repr_html_(self) -> str:
        from ._report_parts import framed

        return framed(self.title, self.to_html())
