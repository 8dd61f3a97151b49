"""Formulas as MathML, which browsers draw by themselves: no script, no network."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert


def _inline(writer, node) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(writer, node) -> None:
    """Write a formula, or several with an empty line between them."""
    for formula in filter(str.strip, node.astext().split("\n\n")):
        writer.body.append(writer.starttag(node, "div", CLASS="formula"))
        writer.body.append(convert(formula, display="block"))
        writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app) -> dict:
    """Register the renderer, which ``html_math_renderer`` names."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
