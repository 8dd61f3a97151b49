"""Pages of reports that are read back, shown, and compared with."""

from __future__ import annotations

import json
import random
from html import escape, unescape

import numpy as np

from fuzz_targets._bytes import Plain, damage
from sklift.displays import Report

_START, _END = '<template id="report-data">', "</template>"
_VALUES = ["", "x", "many", -1, 0, 1, 0.5, 1.5, 10**30, 1e999, float("nan"), True, None, [], {}]
_VALUES += [[1], ["x"], {"x": 1}, "\0", "\u202e", "</template>", "<script>", "\ud800"]


def _report(wrong: list[int], against: Report | None = None, first: int = 0) -> Report:
    X = np.zeros((12, 8, 8), np.uint8)
    X[:, 0, 0] = np.arange(12) + first
    y = np.repeat([0, 1, 2], 4)
    y_pred = y.copy()
    y_pred[wrong] = (y[wrong] + 1) % 3
    counts = {0: 300, 1: 50, 2: 3}
    facts = {"rank": str(len(wrong))}
    return Report.from_predictions(
        X, y, y_pred, np.eye(3)[y_pred], counts, model=facts, against=against
    )


class Target(Plain):
    blind = 0.1

    def seeds(self) -> list[bytes]:
        self.good = _report([0, 5])
        reports = [self.good, _report([1, 2, 3], self.good), _report([4], self.good, first=50)]
        return [report.to_html().encode() for report in reports]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        if draw.random() < 0.3:
            return damage(data, draw, n_header=4000)
        try:
            page = data.decode()
            start, end = page.index(_START) + len(_START), page.rindex(_END)
            content = json.loads(unescape(page[start:end]))
        except (ValueError, RecursionError):
            return damage(data, draw)
        places = list(_places(content))
        owner, key = draw.choice(places) if places else (None, None)
        if owner is not None and draw.random() < 0.2:
            del owner[key]
        elif owner is not None:
            owner[key] = draw.choice([*_VALUES, draw.choice(places)[0]])
        try:
            changed = json.dumps(content)
        except (ValueError, RecursionError):  # a value within itself
            return data
        return (page[:start] + escape(changed, quote=False) + page[end:]).encode()

    def attempt(self, data: bytes) -> str:
        path = self.folder / "page.html"
        path.write_bytes(data)
        try:
            found = Report.load(path)
        except ValueError as error:
            return "refused" if str(path) in str(error) else f"UNNAMED: {error!r}"
        html = found.to_html()
        path.write_text(html, encoding="utf-8")
        if Report.load(path).to_html() != html:
            return "WRONG: it is another page when it is saved"
        if "<script" in html:
            return "SCRIPT: in a page"
        changes = _report([0], found).changes
        return "works" if f"{found}" and changes and found.to_dict() else "WRONG: empty"


def _places(content):
    """All places of a nested value, as owners and keys."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(items):
        yield content, key
        if isinstance(value, dict | list):
            yield from _places(value)
