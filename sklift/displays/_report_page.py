"""The page of a report: its parts as HTML, put into the template ``report.html``."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape as escaped
from importlib.resources import files
from string import Template
from typing import Any

from .._core._text import visible
from ..metrics._class_scores import wilson_interval
from ._report_chart import interval, reliability
from ._style import group_titles, n_classes

GROUPS = ("many", "medium", "few")


def page(report) -> str:
    """The whole page of a :class:`Report`."""
    parts = [
        _tiles(report),
        section("Classes", _class_note(report), _class_table(report)),
        section("Taken for each other", *_confusions(report)),
        section("Worst mistakes", *_mistakes(report)),
        section("Calibration", *_calibration(report)),
        section("The model", _facts(report.model)),
        section("Left out", *_left_out(report.unreadable)),
    ]
    trained = report.model.get("trained on", "")
    lead = f"Trained on {trained}." if trained else ""
    return filled(report.title, lead, parts)


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


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
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


def _tiles(report) -> str:
    scores, titles = report.scores, group_titles(*report.limits)
    n = int(report.classes["n_true"].sum())
    low, high = (float(v) for v in wilson_interval(round(scores["accuracy"] * n), n))
    tiles = [
        ("Accuracy", scores["accuracy"], f"{100 * low:.0f} to {100 * high:.0f} %, {n:,} pictures"),
        ("Balanced accuracy", scores["balanced_accuracy"], "mean over the classes"),
    ]
    for name in GROUPS:
        group = scores[name]
        under = f"{n_classes(group['n_classes'])}, {group['n_samples']:,} pictures"
        title = f"{name.capitalize()}-shot{titles[name].removeprefix(name)}"
        tiles.append((title, group["accuracy"], under))
    tiles.append(("Calibration error", report.calibration["error"], "0 is perfect"))
    body = "".join(
        f"<div><dt>{shown(title)}</dt><dd><b>{percent(value)}</b><small>{shown(under)}</small>"
        "</dd></div>"
        for title, value, under in tiles
    )
    return f'<dl class="tiles">{body}</dl>'


def _class_note(report) -> str:
    many, few = report.limits
    return (
        "<p>The most frequent classes in training come first. Bars are 95 % confidence intervals: "
        f"where a class has few pictures to score on, its score says little. Groups: "
        f'<span class="many">many</span>, more than {many:g} training pictures; '
        f'<span class="medium">medium</span>; <span class="few">few</span>, less than {few:g}.</p>'
    )


def _class_table(report) -> str:
    table = {name: column.tolist() for name, column in report.classes.items()}
    heads = ("Class", "Training", "Scored", "Recall", "Precision", "F1")
    rows = []
    for i, name in enumerate(table["name"]):
        group = table["group"][i]
        rows.append(
            [
                f'<span class="{group}">{shown(name)}</span>',
                f"{table['n_train'][i]:,}",
                f"{table['n_true'][i]:,}",
                *(
                    interval(*(table[score + end][i] for end in ("", "_low", "_high")))
                    for score in ("recall", "precision", "f1")
                ),
            ]
        )
    return _table(heads, rows, "classes")


def _confusions(report) -> tuple[str, str]:
    table = {name: column.tolist() for name, column in report.confusions.items()}
    if not table["n"]:
        return "<p>No picture was taken for another class.</p>", ""
    rows = [
        [shown(true), shown(predicted), f"{n:,}", percent(share), f"{back:,}"]
        for true, predicted, n, share, back in zip(*table.values(), strict=True)
    ]
    heads = ("Class", "taken for", "Pictures", "of the class", "other way")
    return "", _table(heads, rows, "confusions")


def _mistakes(report) -> tuple[str, str]:
    if not report.mistakes:
        return "<p>There is none.</p>", ""
    note = "<p>Those whose class was thought least probable. Labels may be wrong as well.</p>"
    return note, f'<ul class="mistakes">{"".join(map(_mistake, report.mistakes))}</ul>'


def _mistake(row: dict[str, Any]) -> str:
    caption = (
        f"predicted <b>{shown(row['predicted'])}</b> {percent(row['probability_predicted'])}<br>"
        f"label <b>{shown(row['true'])}</b> {percent(row['probability_true'])}<br>"
    )
    return f"<li>{figure(row['thumbnail'], row['picture'], caption)}</li>\n"


def figure(jpeg: bytes, name: str, caption: str) -> str:
    """A picture, with HTML and its name below."""
    data, name = base64.b64encode(jpeg).decode(), shown(name)
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{name}"><figcaption>{caption}'
        f"<code>{name}</code></figcaption></figure>"
    )


def _calibration(report) -> tuple[str, str]:
    found = report.calibration
    note = (
        "<p>How many predictions of a given confidence were right. Of those with 80 % it should be "
        "80 %: dots on the line. Below the line, the model is too sure; above, too modest. Large "
        f"dots stand for many pictures. The calibration error is {percent(found['error'])}.</p>"
    )
    return note, reliability(found["confidence"], found["accuracy"], found["weight"])


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(f"<div><dt>{shown(k)}</dt><dd>{shown(v)}</dd></div>" for k, v in facts.items())
    return f'<dl class="facts">{rows}</dl>' if facts else ""


def _left_out(unreadable: dict[str, str]) -> tuple[str, str]:
    if not unreadable:
        return "", ""
    rows = [[f"<code>{shown(path)}</code>", shown(why)] for path, why in unreadable.items()]
    note = f"<p>Pictures that could not be read, {len(rows):,} in all.</p>"
    return note, _table(("Picture", "Reason"), rows, "left-out")
