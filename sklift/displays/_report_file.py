"""Data of a report inside its page, from which it is read back."""

from __future__ import annotations

import base64
import json
import os
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from ._report_data import checked

ELEMENT = "report-data"
_START = "data:image/jpeg;base64,"


def data_of(report) -> str:
    """The element that holds a report; browsers don't show it."""
    names, codes = np.unique(
        np.concatenate([report.predictions["true"], report.predictions["predicted"]]),
        return_inverse=True,
    )
    true, predicted = np.split(codes, 2)
    content = report.to_dict() | {
        "text": report.text,
        "limits": list(report.limits),
        "predictions": {
            "names": names.tolist(),
            "picture": report.predictions["picture"].tolist(),
            "true": true.tolist(),
            "predicted": predicted.tolist(),
        },
    }
    return f'<template id="{ELEMENT}">{escape(json.dumps(content), quote=False)}</template>'


def read_page(path: str | os.PathLike) -> dict[str, Any]:
    """Arguments of :class:`Report`, from a page.

    Raises
    ------
    ValueError
        If the file is no page of a report, or something in it is wrong: the error says what.
    OSError
        If it can't be read.
    """
    page = _Page()
    try:
        page.feed(Path(path).read_text(encoding="utf-8"))
        if not page.data:
            raise ValueError("it holds no data of one")
        return checked(json.loads("".join(page.data)), page.pictures)
    except (ValueError, AssertionError, RecursionError) as error:  # of html.parser, and of json
        raise ValueError(
            f"{os.fspath(path)} is no page of a report that can be read back ({error}): give one "
            "that Report.save or sklift report has written"
        ) from error


class _Page(HTMLParser):
    """The data and the pictures of a page, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[str] = []
        self.pictures: list[bytes] = []
        self._inside = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "template":
            self._inside = given.get("id") == ELEMENT
        source = given.get("src") or ""
        if tag == "img" and source.startswith(_START):
            self.pictures.append(base64.b64decode(source.removeprefix(_START)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data.append(data)
