"""``sklift predict``: a table of labels and probabilities for new pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from .._core._text import counted, visible
from ._output import bar, check_output, say, tell_unreadable
from ._parameters import as_value
from ._pictures import without_labels
from ._predictions import NAMES, check_parquet, columns, flat, rows_of, write_parquet
from ._reading import Part, in_parts
from ._rows import Csv, JsonLines, Table

DESCRIPTION = """\
Label new pictures with a model of sklift fit. The output has a row for each
picture: path, label, probability, the next labels with theirs, set, the size
of the set, error, model. A set holds the true label of 90 in 100 pictures that
are like those that sklift fit held out; it is left open where fit held out too
few, and with --target_prior and --tta, for which it was not measured.
Its ending chooses the format: .csv, .jsonl (JSON lines) or .parquet. Without
an output, rows of CSV are printed.

Rows are written as pictures are done. The same command again goes on after
them, after a kill as well, and predicts pictures that are new in a folder
alone. Pictures that can't be read have their reason in the column "error";
the exit code is then 1."""

EXAMPLES = """\
  sklift predict model.safetensors new_photos -o predictions.csv
  sklift predict model.safetensors a.jpg b.jpg
  sklift predict model.safetensors list.txt -o predictions.jsonl --top 3
  sklift predict model.safetensors new_photos -o p.csv --target_prior balanced"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", help="file of sklift fit, or of save()")
    parser.add_argument(
        "pictures",
        metavar="PICTURES",
        nargs="+",
        help="folders, pictures, text files with a path on each line, or CSV files",
    )
    parser.add_argument("-o", "--output", metavar="TABLE", help="file to write or to go on with")
    parser.add_argument("--overwrite", action="store_true", help="begin the output anew")
    parser.add_argument(
        "--top", metavar="K", type=int, default=5, help="labels for each picture (default 5)"
    )
    parser.add_argument(
        "--path_column", metavar="NAME", help='column of paths in a CSV file (default "path")'
    )
    parser.add_argument(
        "--target_prior",
        metavar="VALUE",
        help='the mix of classes to assume: "balanced", "train", or shares of classes in the order '
        "of the model",
    )
    parser.add_argument("--tta", metavar="VALUE", help='test-time ensembling, such as "fivecrop"')
    parser.add_argument("--device", metavar="VALUE", help='where to compute: "cpu", "cuda"')


def run(options: argparse.Namespace) -> int:
    """Predict; return 1 if pictures could not be read."""
    if options.top < 1:
        raise ValueError(f"--top must be at least 1; got {options.top}")
    output = None if options.output is None else _check_table(options)
    paths = without_labels(options.pictures, options)
    from ._model_file import identity, load_model
    from ._sets import read_threshold, sets_by

    clf = load_model(options.model, device=options.device)
    given = {name: getattr(options, name) for name in ("target_prior", "tta")}
    settings = {name: as_value(word) for name, word in given.items() if word is not None}
    clf.set_params(**settings, reader__on_error="raise")  # in_parts finds them
    threshold = None
    if not settings:  # other predictions than those that were held out for it
        threshold = read_threshold(Path(options.model), identity(options.model))
    model = identity(options.model, settings if threshold is None else {"sets": threshold})
    sets = sets_by(clf, threshold)
    if output is None:
        unreadable = _print(clf, paths, options.top, model, sets)
    else:
        unreadable = _write(clf, paths, options.top, model, sets, output, options.overwrite)
    tell_unreadable(unreadable)
    return int(bool(unreadable))


def _check_table(options: argparse.Namespace) -> Path:
    """The file of the output, whose ending must be one of a format."""
    output = check_output(options.output)
    if output.suffix not in (".csv", ".jsonl", ".parquet"):
        raise ValueError(f"the output {output} must end with .csv, .jsonl or .parquet")
    if output.suffix == ".parquet":
        check_parquet()
        if output.exists() and not options.overwrite:
            raise ValueError(f"{output} is there, and can't be gone on with: --overwrite")
    return output


def _print(clf, paths: list[str], top: int, model: str, sets) -> dict[str, str]:
    """Print rows of CSV, in which nothing steers a terminal; return what could not be read."""
    form = Csv(columns(top))
    unreadable: dict[str, str] = {}
    sys.stdout.write(form.head.decode())
    for part in _parts(clf, paths, 0):
        unreadable |= part.unreadable
        for row in rows_of(part, clf.classes_, top, model, sets):
            cells = {n: visible(v) if isinstance(v, str) else v for n, v in flat(row, top).items()}
            sys.stdout.write(form.encode(cells).decode())
    return unreadable


def _write(
    clf, paths: list[str], top: int, model: str, sets, output: Path, overwrite: bool
) -> dict[str, str]:
    """Write rows to a file, after those that are there; return what could not be read."""
    growing = output  # a file of parquet can't grow: its rows are kept in another until the end
    if output.suffix == ".parquet":
        growing = output.with_name(f"{output.name}.part.jsonl")
    form: Csv | JsonLines = Csv(columns(top)) if output.suffix == ".csv" else JsonLines(NAMES)
    if overwrite:
        growing.unlink(missing_ok=True)
    with Table(growing, form) as table:
        done, unreadable = _done(table, model)
        wanted = set(paths)
        unreadable = {path: why for path, why in unreadable.items() if path in wanted}
        rest = [path for path in paths if path not in done]
        if len(rest) < len(paths):
            say(f"{counted(len(paths) - len(rest), 'picture')} are in {growing} already")
        for part in _parts(clf, rest, len(paths) - len(rest)):
            rows = rows_of(part, clf.classes_, top, model, sets)
            table.add(flat(row, top) if output.suffix == ".csv" else row for row in rows)
            unreadable |= part.unreadable
        if growing != output:
            write_parquet(table.rows(), output, top)
    if growing != output:
        growing.unlink()
    say(f"wrote {counted(len(rest), 'picture')} to {output}")
    return unreadable


def _done(table: Table, model: str) -> tuple[set[str], dict[str, str]]:
    """The pictures that a table holds, and which of them could not be read."""
    done, unreadable = set(), {}
    for row in table.rows():
        if row["model"] != model:
            raise ValueError(
                f"{table.path} has rows of another model, or of other settings: name another "
                "output, or --overwrite"
            )
        done.add(row["path"])
        if row["error"]:
            unreadable[row["path"]] = row["error"]
    return done, unreadable


def _parts(clf, paths: list[str], n_done: int) -> Iterator[Part]:
    """Predictions of pictures, part by part, with a bar."""
    from .._estimator import resolve_recipe

    with bar(len(paths) + n_done, "predict") as shown:
        shown.update(n_done)
        for part in in_parts(clf.predict_proba, paths, resolve_recipe("reader", clf.reader)):
            yield part
            shown.update(len(part.paths))
