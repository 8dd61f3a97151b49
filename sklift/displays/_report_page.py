"""The page of a report: its parts as HTML, put into the template ``report.html``."""

from __future__ import annotations

from typing import Any

from .._core._text import counted
from ..metrics._class_scores import wilson_interval
from ..metrics._scorers import GROUPS
from ._report_changes_page import changes_section
from ._report_chart import interval, reliability
from ._report_file import data_of
from ._report_parts import figure, filled, html_table, percent, section, shown
from ._style import group_titles


def page(report) -> str:
    """The whole page of a :class:`Report`."""
    parts = [
        _tiles(report),
        changes_section(report.changes),
        section("Classes", _class_note(report), _class_table(report)),
        section("Taken for each other", *_confusions(report)),
        section("Worst mistakes", *_mistakes(report)),
        section("Calibration", *_calibration(report)),
        section("The model", _facts(report.model)),
        section("Left out", *_left_out(report.unreadable)),
        data_of(report),
    ]
    trained = report.model.get("trained on", "")
    lead = f"Trained on {trained}." if trained else ""
    return filled(report.title, lead, parts)


def _tiles(report) -> str:
    scores, titles = report.scores, group_titles(*report.limits)
    n = int(report.classes["n_true"].sum())
    low, high = (float(v) for v in wilson_interval(round(scores["accuracy"] * n), n))
    tiles = [
        (
            "Accuracy",
            scores["accuracy"],
            f"{100 * low:.0f} to {100 * high:.0f} %, {counted(n, 'picture')}",
        ),
        ("Balanced accuracy", scores["balanced_accuracy"], "mean over the classes"),
    ]
    for name in GROUPS:
        group = scores[name]
        under = f"{counted(group['n_classes'], 'class')}, {counted(group['n_samples'], 'picture')}"
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
    return html_table(heads, rows, "classes")


def _confusions(report) -> tuple[str, str]:
    table = {name: column.tolist() for name, column in report.confusions.items()}
    if not table["n"]:
        return "<p>No picture was taken for another class.</p>", ""
    rows = [
        [shown(true), shown(predicted), f"{n:,}", percent(share), f"{back:,}"]
        for true, predicted, n, share, back in zip(*table.values(), strict=True)
    ]
    heads = ("Class", "taken for", "Pictures", "of the class", "other way")
    return "", html_table(heads, rows, "confusions")


def _mistakes(report) -> tuple[str, str]:
    if not report.mistakes:
        return "<p>There is none.</p>", ""
    note = "<p>Those whose class was thought least probable. Labels may be wrong as well."
    if "looked_at" in report.mistakes[0]:
        note += " Below each, bright: where the model looks for the class that it predicts."
    note += "</p>"
    return note, f'<ul class="mistakes">{"".join(map(_mistake, report.mistakes))}</ul>'


def _mistake(row: dict[str, Any]) -> str:
    caption = (
        f"predicted <b>{shown(row['predicted'])}</b> {percent(row['probability_predicted'])}<br>"
        f"label <b>{shown(row['true'])}</b> {percent(row['probability_true'])}<br>"
    )
    looked_at = [row["looked_at"]] if "looked_at" in row else []
    return f"<li>{figure([row['thumbnail'], *looked_at], row['picture'], caption)}</li>\n"


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
    return note, html_table(("Picture", "Reason"), rows, "left-out")
