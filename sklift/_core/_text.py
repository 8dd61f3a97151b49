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


def counted(number: int, word: str) -> str:
    """A number of things in words.

    Parameters
    ----------
    number : int
        How many there are.
    word : str
        The singular of what they are, whose plural ends with "s" or "es".

    Examples
    --------
    >>> from sklift._core._text import counted
    >>> counted(1, "class"), counted(2000, "class"), counted(0, "picture")
    ('1 class', '2,000 classes', '0 pictures')
    >>> counted(2, "batch"), counted(2, "epoch")
    ('2 batches', '2 epochs')
    """
    if number != 1:
        word += "es" if word.endswith(("s", "x", "tch", "nch", "sh")) else "s"
    return f"{number:,} {word}"
