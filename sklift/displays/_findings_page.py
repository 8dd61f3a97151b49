"""The page of a check of pictures: a section for each kind of fault, with its pictures."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..datasets._checks._kinds import SEVERITIES
from ._report_parts import figure, filled, section, shown

LISTED = 200  # faults without pictures that are listed


def page(report) -> str:
    """The whole page of a :class:`FindingsReport`."""
    found = list(report.kinds())
    totals = Counter(faults[0][0]["severity"] for _, faults in found)
    kinds = [f"{totals[s]} kind{'s' * (totals[s] > 1)} of {s}s" for s in SEVERITIES if totals[s]]
    lead = f"{report.lead} Found: {', '.join(kinds) or 'nothing to complain of'}."
    return filled(report.title, lead, [_kind(report, *of_kind) for of_kind in found])


def _kind(report, kind: str, faults: list[list[dict[str, Any]]]) -> str:
    severity, remedy = (shown(faults[0][0][name]) for name in ("severity", "remedy"))
    title = f'<span class="severity {severity}">{severity}</span> {shown(kind)} ({len(faults):,})'
    pictured = [rows for rows in faults if rows[0]["index"] in report.thumbnails]
    items = [_pictures(report, rows) for rows in pictured]
    if not pictured:
        items = [f"<li>{'<br>'.join(map(_line, rows))}</li>" for rows in faults[:LISTED]]
    more = len(faults) - len(items)
    return section(
        title,
        f"<p>What to do: {remedy}.</p>",
        f'<ul class="{"faults" if pictured else "lines"}">{"".join(items)}</ul>',
        f"<p>... and {more:,} more</p>" if more else "",
    )


def _pictures(report, rows: list[dict[str, Any]]) -> str:
    pictured = [row for row in rows if row["index"] in report.thumbnails]
    figures = [figure([report.thumbnails[r["index"]]], r["picture"], _caption(r)) for r in pictured]
    more = len(rows) - len(pictured)
    return f"<li>{''.join(figures)}{f'<p>... and {more:,} more</p>' if more else ''}</li>\n"


def _caption(row: dict[str, Any]) -> str:
    lines = [f"<b>{shown(row['label'])}</b>"] if row["label"] else []
    lines += [shown(row[name]) for name in ("detail", "part") if row[name]]
    return "".join(f"{line}<br>" for line in lines)


def _line(row: dict[str, Any]) -> str:
    name = f"<code>{shown(row['picture'])}</code> " if row["picture"] else ""
    return name + shown(row["detail"])
