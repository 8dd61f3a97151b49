"""Text of others, as names of files and classes, in messages."""

from __future__ import annotations


def visible(text: object) -> str:
    r"""Text without characters that steer a terminal or hide what stands there: they are escaped.

    Examples
    --------
    >>> from sklift._core._text import visible
    >>> visible("a\x1b[2J\nb\u202e é")
    'a\\x1b[2J\\nb\\u202e é'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def visible_lines(text: object) -> str:
    """The same of a message, which may have lines."""
    return "\n".join(map(visible, str(text).split("\n")))
