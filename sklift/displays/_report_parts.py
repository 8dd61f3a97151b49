"""Parts of pages: tables, pictures and text as HTML, put into the template ``report.html``."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape as escaped
from importlib.resources import files
from string import Template

from .._core._text import visible


def filled(title: str, lead: str, parts: Iterable[str]) -> str:
    """A page: the template with a title, a sentence below it, and its sections."""
    template = files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    body = "\n".join(filter(None, parts))
    return Template(template).substitute(title=shown(title), lead=shown(lead), body=body)


def framed(title: str, html: str) -> str:
    """A page inside of another one, such as a notebook."""
    return (
        f'<iframe title="{shown(title)}" srcdoc="{escaped(html)}" '
        'style="width:100%;height:40rem;border:0"></iframe>'
    )


def shown(text: object) -> str:
    """Text of others, with nothing in it that HTML or a reader's eye takes for something else."""
    return escaped(visible(text))


def percent(value: float) -> str:
    """A share in percent; a dash where there is none."""
    return "\u2013" if math.isnan(value) else f"{100 * value:.0f}\u00a0%"


def section(title: str, *content: str) -> str:
    """A part of a page under its title, which is HTML; nothing where there is no content."""
    return f"<section>\n<h2>{title}</h2>\n{''.join(content)}</section>" if any(content) else ""


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table; on a narrow screen each cell has the head of its column before it."""
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    body = "\n".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(
            f'<td data-head="{title}">{cell}</td>'
            for title, cell in zip(heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n'
    )


def figure(jpegs: Sequence[bytes], name: str, caption: str) -> str:
    """Pictures of one thing, with HTML and its name below."""
    name = shown(name)
    encoded = [base64.b64encode(jpeg).decode() for jpeg in jpegs]
    images = [f'<img src="data:image/jpeg;base64,{data}" alt="{name}">' for data in encoded]
    return (
        f"<figure>{''.join(images)}<figcaption>{caption}<code>{name}</code></figcaption></figure>"
    )
