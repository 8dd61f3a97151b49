"""Drawing of the rooms of the package and of the order of their imports, as they are now.

``python tools/draw_house_plan.py plan.svg``. The rooms are those of ``tests/test_import_order.py``,
and the text for each is the first sentence of its docstring. The build of the documentation draws
the plan into the page "How it works inside", whose theme colours it by CSS variables.
"""

from __future__ import annotations

import ast
import re
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH, MARGIN, LINE, PAD, GAP, ROOF = 900, 46, 20, 3, 3, 74
LONGEST = 94  # letters of a sentence that fit beside the name
STYLE = """
.plan text { font: 13px system-ui, sans-serif; fill: var(--pst-color-text-base, #222832); }
.plan .floor { fill: var(--pst-color-surface, #f3f4f5);
  stroke: var(--pst-color-border, #d1d5da); }
.plan .roof { fill: none; stroke: var(--pst-color-primary, #0a7d91); stroke-width: 2; }
.plan .arrow { fill: none; stroke: var(--pst-color-primary, #0a7d91); stroke-width: 2; }
.plan .public { font-weight: 700; fill: var(--pst-color-primary, #0a7d91); }
.plan .private { font-weight: 600; }
.plan .muted { fill: var(--pst-color-text-muted, #48566b); }
"""


def read_rooms() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the rooms, from the lowest floor on, and those that load no torch."""
    source = (ROOT / "tests" / "test_import_order.py").read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id in ("ROOMS", "WITHOUT_TORCH"):
            found[node.targets[0].id] = ast.literal_eval(node.value)
    return found["ROOMS"], found["WITHOUT_TORCH"]


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring; one that is too long ends at its colon."""
    folder = ROOT / "sklift" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    text = " ".join(text.split("\n\n")[0].split())
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", text).replace("``", "")
    text = text.removeprefix(f"{room}: ").removeprefix(f"{room.capitalize()}: ")
    text = text[:1].upper() + text[1:]
    return (text.partition(":")[0] if len(text) > LONGEST else text).rstrip(".")


def draw() -> str:
    """Return the plan as SVG: the first room at the bottom, the estimators under the roof."""
    rooms, without_torch = read_rooms()
    body, y, height = [], ROOF, LINE + 2 * PAD
    for number, room in reversed(list(enumerate(rooms, start=1))):
        body.append(
            f'<rect class="floor" x="{MARGIN}" y="{y}" width="{WIDTH - MARGIN - 8}" '
            f'height="{height}" rx="5"/>'
        )
        line = y + PAD + 15
        body.append(_text(MARGIN + 12, line, str(number), "muted"))
        body.append(_text(MARGIN + 40, line, room, _kind(room)))
        body.append(_text(MARGIN + 164, line, purpose(room), ""))
        if room in without_torch:
            body.append(_text(WIDTH - 20, line, "no torch", "muted", "end"))
        y += height + GAP
    left, right, middle = MARGIN, WIDTH - 8, (WIDTH + MARGIN - 8) / 2
    roof = f'<path class="roof" d="M{left} {ROOF - 8} L{middle} 8 L{right} {ROOF - 8} Z"/>'
    title = _text(middle, 40, "import sklift", "public", "middle")
    title += _text(middle, 60, "what is imported from here is loaded when it is used", "", "middle")
    arrow = (
        f'<path class="arrow" d="M32 {ROOF} V{y - 14} M26 {y - 24} L32 {y - 14} L38 {y - 24}"/>'
        f'<text class="muted" text-anchor="middle" transform="translate(18 {(ROOF + y) / 2}) '
        'rotate(-90)">imports go down only</text>'
    )
    return (
        f'<svg class="plan" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 4}" '
        f'role="img" aria-label="The rooms of the package, one floor above the other">\n'
        f"<style>{STYLE}</style>\n" + "\n".join([roof, title, arrow, *body]) + "\n</svg>\n"
    )


def _kind(room: str) -> str:
    return "private" if room.startswith("_") else "public"


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def main(path: str | Path) -> None:
    """Write the plan to a file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
