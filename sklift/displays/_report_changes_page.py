"""Section of a page: what changed since an earlier report."""

from __future__ import annotations

from typing import Any

from .._core._text import counted
from ._report_parts import html_table, percent, section, shown

MOST = 12  # classes that are shown


def changes_section(changes: dict[str, Any] | None) -> str:
    """The section, or nothing where there was no earlier report."""
    if changes is None:
        return ""
    return section(
        "Since the earlier report",
        f"<p>{_lead(changes)}</p>",
        _classes(changes),
        _settings(changes["model"]),
    )


def _lead(changes: dict[str, Any]) -> str:
    accuracy, balanced = (changes["scores"][k] for k in ("accuracy", "balanced_accuracy"))
    scores = (
        f"Accuracy {percent(accuracy['then'])}, now <b>{percent(accuracy['now'])}</b>; "
        f"balanced accuracy {percent(balanced['then'])}, now <b>{percent(balanced['now'])}</b>"
    )
    if not changes["n_common"]:
        return (
            "The reports have no picture in common, so that scores differ by chance of the "
            f"pictures too. {scores}."
        )
    points = [f"{100 * balanced[end]:+.1f}" for end in ("low", "high")]
    return (
        f"Of {counted(changes['n_common'], 'picture')} in both reports with the same label, "
        f"{changes['n_better']:,} became right and {changes['n_worse']:,} wrong (by chance: "
        f"{_chance(accuracy['p_value'])}). {scores}, a difference of {points[0]} to {points[1]} "
        "points (95 % interval)."
    )


def _classes(changes: dict[str, Any]) -> str:
    columns = {name: values.tolist() for name, values in changes["classes"].items()}
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    rows = [row for row in rows if row["n_better"] or row["n_worse"] or row["p_value"] < 1]
    if not rows:
        return "<p>No class has changed.</p>"
    cells = [
        [
            f"<b>{shown(row['name'])}</b>" if row["clear"] else shown(row["name"]),
            f"{row['n']:,}",
            percent(row["recall_then"]),
            percent(row["recall_now"]),
            *((f"{row[k]:,}" for k in ("n_better", "n_worse")) if changes["n_common"] else ()),
            _chance(row["p_value"]),
        ]
        for row in rows[:MOST]
    ]
    heads = ["Class", "Pictures", "Recall then", "Recall now"]
    heads += ["Became right", "Became wrong"] if changes["n_common"] else []
    note = "No class has changed clearly: all of these changes may be chance."
    if any(row["clear"] for row in rows):
        note = (
            "Classes in bold have changed clearly: not by chance, although so many classes are "
            "looked at. The others may have changed by chance."
        )
    more = f"<p>... and {len(rows) - MOST:,} more.</p>" if len(rows) > MOST else ""
    return f"<p>{note}</p>{html_table([*heads, 'By chance'], cells, 'changes')}{more}"


def _settings(model: dict[str, Any]) -> str:
    if not model:
        return "<p>The settings of the models are the same.</p>"
    rows = [[shown(name), shown(then), shown(now)] for name, (then, now) in model.items()]
    return html_table(("Setting", "then", "now"), rows, "settings")


def _chance(p_value: float) -> str:
    """A probability in words."""
    if p_value < 0.001:
        return "less than 0.1\u00a0%"
    return f"{100 * p_value:.1f}\u00a0%" if p_value < 0.1 else percent(p_value)
