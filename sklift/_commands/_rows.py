"""Tables of predictions that grow at their end, and hold whole rows only."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}  # names of files may be any bytes


class Csv:
    """Rows separated by commas, with the names of the columns above.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    """

    begin = b""  # what a row begins with; the head tells whose file it is

    def __init__(self, columns: Sequence[str]):
        self.columns = list(columns)
        self.head = self._line(self.columns)

    def encode(self, row: dict[str, Any]) -> bytes:
        """One row, with its line end."""
        return self._line(["" if row[name] is None else row[name] for name in self.columns])

    def decode(self, file: BinaryIO) -> Iterator[tuple[dict[str, Any] | None, int]]:
        """Rows after the head, and the place where each ends; None for one that is broken."""
        end, whole = len(self.head), True
        file.seek(end)

        def lines() -> Iterator[str]:
            nonlocal end, whole
            for line in file:
                end, whole = end + len(line), line.endswith(b"\n")
                yield line.decode(**ENCODING)

        for values in csv.reader(lines()):  # a name of a file may have line ends
            row = dict(zip(self.columns, values, strict=False))
            yield (row if whole and len(values) == len(self.columns) else None), end

    def _line(self, values: Sequence) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(values)
        return text.getvalue().encode(**ENCODING)


class JsonLines:
    """One JSON object a line.

    Parameters
    ----------
    columns : sequence of str
        Names that an object must have.
    """

    head = b""
    begin = b'{"path": '

    def __init__(self, columns: Sequence[str]):
        self.columns = list(columns)

    def encode(self, row: dict[str, Any]) -> bytes:
        """One row, with its line end."""
        return json.dumps(row).encode() + b"\n"

    def decode(self, file: BinaryIO) -> Iterator[tuple[dict[str, Any] | None, int]]:
        """Rows, and the place where each ends; None for one that is broken."""
        file.seek(end := 0)
        for line in file:
            end += len(line)
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            whole = isinstance(row, dict) and row.keys() >= set(self.columns)
            yield (row if whole and line.endswith(b"\n") else None), end


class Table:
    """A file of rows that is made, or goes on where it was; use it in a ``with`` block.

    Whatever ends the block, the file holds whole rows only. A killed process may leave a half row
    at the end, which is removed when the file is opened again.

    Parameters
    ----------
    path : Path
        The file.
    form : Csv or JsonLines
        Its format.

    Raises
    ------
    ValueError
        If the file is not of this format, or has a broken row elsewhere than at its end.
    """

    def __init__(self, path: Path, form: Csv | JsonLines):
        self.path = path
        self.form = form

    def __enter__(self) -> Self:
        self._file = open(self.path, "a+b")
        try:
            self._end = 0
            self._check_head()
            for _, end in self._rows():
                self._end = end
            self._file.truncate(self._end)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error) -> None:
        with self._file:
            self._file.flush()
            self._file.truncate(self._end)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows that are there."""
        yield from (row for row, _ in self._rows())

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write rows at the end."""
        data = b"".join(map(self.form.encode, rows))
        if not self._end:
            data = self.form.head + data
        self._file.write(data)
        self._file.flush()
        self._end += len(data)

    def _rows(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Whole rows; the last one may be broken, since a process was killed while it wrote."""
        size = os.fstat(self._file.fileno()).st_size
        if size < len(self.form.head):
            return
        whole = len(self.form.head)
        for number, (row, end) in enumerate(self.form.decode(self._file), start=1):
            if row is None:
                self._file.seek(whole)
                rest, begin = self._file.read(), self.form.begin
                ours = rest[: len(begin)] == begin[: len(rest)]
                if ours and end == size and not rest.endswith(b"\n"):
                    return  # a half row
                raise ValueError(f"row {number} of {self.path} is broken: mend it, or --overwrite")
            yield row, end
            whole = end

    def _check_head(self) -> None:
        head = self.form.head
        self._file.seek(0)
        start = self._file.read(len(head))
        if start != head[: len(start)]:
            raise ValueError(
                f"{self.path} is there and has other columns than {', '.join(self.form.columns)}: "
                "name another output, or --overwrite"
            )
        self._end = len(head) if start == head else 0
