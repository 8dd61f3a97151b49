"""Text files that others wrote: lists, tables and JSON, and the paths in them."""

from __future__ import annotations

import codecs
import csv
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

from .._core._text import counted


def read_text(file: Path) -> str:
    """Text in UTF-8, with or without a byte order mark, or UTF-16; lines end in a line feed."""
    content = file.read_bytes()
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"{file}, line {line} is not UTF-8: save the list as such") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(file: Path, key: str, kind: str, of: type = list) -> dict[str, Any]:
    """An object of JSON that has a list, or a dict, under a key; ``kind`` is what it should be."""
    try:
        content = json.loads(read_text(file))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get(key), of):
        raise ValueError(f"{file} has no {of.__name__} {key!r}: it must be {kind}")
    return content


def read_table(file: Path, *, quoted: bool = True) -> tuple[list[str], list[dict[str, str]]]:
    """Names of the columns, and a dict of each row, with no blanks around any of them.

    Parameters
    ----------
    file : Path
        Columns are parted by what parts most names in the first line: a comma, semicolon, tab or
        bar.
    quoted : bool
        Whether quotes may stand around values; else a quote is one of the letters of a text.

    Raises
    ------
    ValueError
        If a row has more or fewer values than there are columns, or two columns have one name.
    """
    text = read_text(file)
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # Excel writes it
        text = rest
        first = rest.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(
        StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=quoted,
    )
    columns: list[str] | None = None
    rows = []
    try:
        for values in reader:
            values = [value.strip() for value in values]
            if not any(values):
                continue
            if columns is None:
                columns = values
                if twice := {name for name in columns if name and columns.count(name) > 1}:
                    raise ValueError(f"{file} has several columns {min(twice)!r}")
                continue
            if len(values) != len(columns):
                raise ValueError(
                    f"{file}, line {reader.line_num} has {counted(len(values), 'value')}, for "
                    f"{counted(len(columns), 'column')}: {', '.join(columns)}"
                )
            rows.append(dict(zip(columns, values, strict=True)))
    except csv.Error as error:
        raise ValueError(f"{file}, line {reader.line_num}: {error}") from error
    if not rows or columns is None:
        raise ValueError(f"{file} lists no pictures")
    return columns, rows


def check_column(columns: list[str], name: str, parameter: str, file: Path) -> None:
    """Refuse the name of a column that a table lacks."""
    if name not in columns:
        raise ValueError(
            f"{parameter}={name!r} is no column of {file}; it has {', '.join(columns)}"
        )


def unquoted(path: str) -> str:
    """A path without the quotes around it."""
    return path[1:-1] if len(path) > 2 and path[0] == path[-1] and path[0] in "\"'" else path


def below(root: Path, path: str, where: str) -> str:
    """The path below ``root``; a list that someone else wrote must not lead elsewhere."""
    # NumPy cuts zeros off, and the operating system all that follows one
    if "\0" in path:
        raise ValueError(f"{where}: {path!r} is no name of a file")
    if "\\" in path and os.sep == "/" and not os.path.exists(os.path.join(root, path)):
        path = path.replace("\\", "/")  # a list from Windows
    if path and ".." not in path and "://" not in path:  # "./a.png" and "a.png" are one file
        path = os.path.normpath(path) + (os.sep if path.endswith(os.sep) else "")
    joined = os.path.join(root, path)
    if os.path.isabs(path) or ".." in path:
        top, full = os.path.abspath(root), os.path.abspath(joined)
        if not full.startswith(top.rstrip(os.sep) + os.sep):
            raise ValueError(
                f"{where}: {path!r} is not below {root}: give a folder that holds all listed "
                "pictures as root"
            )
        joined = os.path.normpath(joined)
    return joined


def open_list(file: str | os.PathLike, root: str | os.PathLike | None) -> tuple[Path, Path]:
    """A list as a path, and the folder that its pictures are in: by default, that of the list."""
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"there is no list {file}")
    root = file.parent if root is None else Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"root must be the folder of the pictures; there is no {root}")
    return file, root
