"""``sklift embed``: features of pictures, for tools of one's own."""

from __future__ import annotations

import argparse

import numpy as np

from .._core._text import counted
from .._store._atomic import replacing
from ..embedder import ImageEmbedder
from ._output import bar, check_output, say, tell_unreadable
from ._parameters import add_parameters, given_parameters
from ._pictures import without_labels
from ._reading import in_parts

DESCRIPTION = """\
Write the features that a frozen backbone gives of pictures: a file of numpy
with the arrays "features" (n, width) and "paths" (n,). They are what
LiftClassifier("precomputed") trains on, and what searches for similar
pictures compare. Pictures that can't be read are left out and listed; the
exit code is then 1."""

EXAMPLES = """\
  sklift embed photos -o features.npz
  sklift embed photos -o features.npz --backbone timm/resnet50.a1_in1k
  sklift embed photos -o features.npz --projected True
  sklift embed photos -o features.npz --set compute__cache=cache_folder"""

FLAGS = ("backbone", "pretrained", "projected", "tta", "batch_size", "device")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "pictures",
        metavar="PICTURES",
        nargs="+",
        help="folders, pictures, text files with a path on each line, or CSV files",
    )
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="file to write, .npz")
    parser.add_argument(
        "--path_column", metavar="NAME", help='column of paths in a CSV file (default "path")'
    )
    add_parameters(parser, ImageEmbedder, FLAGS)


def run(options: argparse.Namespace) -> int:
    """Write features; return 1 if pictures could not be read."""
    output = check_output(options.output, endings=(".npz",))
    embedder = ImageEmbedder(**given_parameters(options, ImageEmbedder))
    paths = without_labels(options.pictures, options)
    from .._estimator import resolve_recipe

    embedder.fit()
    reader = resolve_recipe("reader", embedder.reader)
    features: list[np.ndarray] = []
    readable: list[str] = []
    unreadable: dict[str, str] = {}
    with bar(len(paths), "embed") as shown:
        for part in in_parts(embedder.transform, paths, reader):
            unreadable |= part.unreadable
            readable += part.readable
            features += [part.values] if part.readable else []
            shown.update(len(part.paths))
    if not features:
        raise ValueError(f"none of the pictures can be read; the first: {paths[0]}")
    with replacing(output) as file:
        np.savez(file, features=np.concatenate(features), paths=np.array(readable))
    say(f"wrote features of {counted(len(readable), 'picture')} to {output}")
    tell_unreadable(unreadable)
    return int(bool(unreadable))
