"""Bad files of pictures."""

from __future__ import annotations

import pandas as pd

from .bench import BadFit, bomb, encode


def png(bench) -> bytes:
    """The bytes of a valid file."""
    return encode(bench.X[0])


FILES = [
    BadFit(
        "a file that isn't there",
        FileNotFoundError,
        r"1 of the 12 files in X don't exist: .*lost\.png",
        lambda b: {"X": b.files(str(b.folder / "lost.png"))},
    ),
    BadFit(
        "an address among the files",
        ValueError,
        r"X\[0\] is a path, X\[11\] an address: give one or the other",
        lambda b: {"X": b.files("memory://photo.png")},
    ),
    BadFit(
        "a folder among the files",
        ValueError,
        r"1 of the 12 files in X can't be read: .*: this is a directory, not a picture file",
        lambda b: {"X": b.files(str(b.folder))},
    ),
    BadFit(
        "a named pipe among the files",
        ValueError,
        r"pipe: this is no regular file, not a picture file",
        lambda b: {"X": b.files(b.pipe("pipe"))},
    ),
    BadFit(
        "an empty file",
        ValueError,
        r"empty\.png: the file is empty; .*on_error='skip'",
        lambda b: {"X": b.files(b.file("empty.png"))},
    ),
    BadFit(
        "a file that is no picture",
        ValueError,
        r"notes\.png: no picture that Pillow reads; .*on_error='skip'",
        lambda b: {"X": b.files(b.file("notes.png", b"not a picture"))},
    ),
    BadFit(
        "several bad files: all are counted, the first are named",
        ValueError,
        r"2 of the 12 files in X can't be read: .*empty\.png: .*notes\.png: ",
        lambda b: {"X": b.files(b.file("empty.png"), b.file("notes.png", b"not a picture"))},
    ),
    BadFit(
        "a file that is cut off in its header",
        ValueError,
        r"head\.png: no picture that Pillow reads",
        lambda b: {"X": b.files(b.file("head.png", png(b)[:12]))},
    ),
    BadFit(
        "a file that is cut off in its pixels",
        ValueError,
        r"cut\.png: the picture can't be decoded",
        lambda b: {"X": b.files(b.file("cut.png", png(b)[:-400]))},
        "when it is read",
    ),
    BadFit(
        "a decompression bomb",
        ValueError,
        r"bomb\.png: .*exceeds limit.*MAX_IMAGE_PIXELS",
        lambda b: {"X": b.files(b.file("bomb.png", bomb()))},
    ),
    BadFit(
        "a path in place of a list of paths",
        TypeError,
        r"X is a single str; give a list: \[X\]",
        lambda b: {"X": b.good[0]},
    ),
    BadFit(
        "bytes of a file",
        TypeError,
        r"X is a single bytes; give a list",
        lambda b: {"X": png(b)},
    ),
    BadFit(
        "a missing path (None)",
        TypeError,
        r"X\[0\] is a file path, but X\[11\] is of type NoneType: give paths only",
        lambda b: {"X": b.files(None)},
    ),
    BadFit(
        "paths first, then pictures",
        TypeError,
        r"X\[0\] is a file path, but X\[11\] is of type ndarray: give paths only",
        lambda b: {"X": b.files(b.X[0])},
    ),
    BadFit(
        "pictures first, then a path",
        TypeError,
        r"X\[11\] is of type str: a picture is a PIL image, an array",
        lambda b: {"X": b.pictures(b.good[0])},
    ),
    BadFit(
        "a table of two columns of paths",
        ValueError,
        r"shape \(12, 2\); paths and objects come in one column",
        lambda b: {"X": pd.DataFrame({"path": b.good, "other": b.good})},
    ),
]
