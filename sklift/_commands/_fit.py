"""``sklift fit``: from a folder of pictures to a model in a file, and its scores."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np

from .._core._text import counted
from .._store._atomic import replace_file
from ..classifier import LiftClassifier
from ..datasets._split import part_of
from ._config import config_beside, merged, written
from ._output import check_output, say, tell_unreadable, to_json
from ._parameters import add_parameters, given_parameters
from ._pictures import Pictures, add_labels, check_columns, with_labels

DESCRIPTION = """\
Train a LiftClassifier on pictures, save it, and print its scores on pictures
that were held out of each class. The settings are written beside the model
("model.fit.json"), and sklift fit --config runs them again; so is what the
sets of sklift predict need ("model.sets.json"), and what sklift serve compares
its pictures with ("model.reference.json"). Pictures that can't be read are left
out and listed; the exit code is then 1.

PICTURES is a folder with one sub-folder of pictures per class, a text file
with "path label" on each line, a CSV file with the columns "path" and
"label", or a folder whose labels are in such a table (--labels). The names of
classes should be words, "red fox" rather than "class_07"."""

EXAMPLES = """\
  sklift fit photos -o model.safetensors
  sklift fit photos --labels table.csv --label_column species -o m.safetensors
  sklift fit icons -o m.safetensors --backbone emoji-tiny --max_epochs 5
  sklift fit photos -o m.safetensors --set adapter__rank=8 --set loss__tau=0.5
  sklift fit --config m.fit.json --random_state 1 -o second.safetensors"""

FLAGS = (
    "backbone",
    "pretrained",
    "adapter",
    "loss",
    "head",
    "init",
    "augmentation",
    "tta",
    "max_epochs",
    "batch_size",
    "lr",
    "device",
    "verbose",
    "random_state",
)
# The command line shows progress, gives the same model twice, and goes on without a damaged file.
DEFAULTS = {"verbose": 1, "random_state": 0, "reader__on_error": "skip"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("pictures", metavar="PICTURES", nargs="?", help="pictures to train on")
    parser.add_argument("-o", "--output", metavar="MODEL", help="file to write, .safetensors")
    add_labels(parser)
    held_out = parser.add_mutually_exclusive_group()
    held_out.add_argument(
        "--test", metavar="PICTURES", help="pictures to score on, instead of held-out ones"
    )
    held_out.add_argument(
        "--test_size",
        metavar="SHARE",
        type=float,
        help="share of each class to hold out and score on; 0: train on all (default 0.2)",
    )
    parser.add_argument("--config", metavar="FILE", help="settings of an earlier run")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    add_parameters(parser, LiftClassifier, FLAGS, DEFAULTS)


def run(options: argparse.Namespace) -> int:
    """Train, save, score; return 1 if pictures could not be read."""
    given = given_parameters(options, LiftClassifier)
    chosen = merged(options, given)
    if chosen["pictures"] is None or chosen["output"] is None:
        raise ValueError("give PICTURES and -o MODEL, or --config FILE (see sklift fit --help)")
    output = check_output(chosen["output"], endings=(".safetensors",))
    parameters = DEFAULTS | chosen["parameters"]
    clf = LiftClassifier(**parameters)
    where = argparse.Namespace(**chosen)
    check_columns(chosen["pictures"], where)
    train = with_labels(chosen["pictures"], where, chosen["labels"])
    test: Pictures | None = None
    if chosen["test"] is not None:
        test = with_labels(chosen["test"], where)
    elif chosen["test_size"]:
        train, test = _as_split(train) or _held_out(
            train, chosen["test_size"], parameters["random_state"]
        )
    n_classes = len(np.unique(train.labels))
    held = f", {counted(len(test), 'picture')} to score on" if test else ""
    say(f"{counted(len(train), 'picture')} of {counted(n_classes, 'class')} to train on{held}")
    with warnings.catch_warnings():  # they are listed at the end
        warnings.filterwarnings("ignore", ".* can't be read and are left out")
        clf.fit(train.paths, train.labels)
    clf.save(output)
    config = config_beside(output)
    replace_file(config, written(chosen | {"parameters": parameters}, config).encode())
    say(f"wrote {output} and {config}")
    unreadable = _skipped(clf, train)
    facts: dict[str, Any] = {
        "model": str(output),
        "config": str(config),
        "n_train": len(train) - len(unreadable),
        "n_classes": n_classes,
    }
    from ._model_file import identity
    from ._reference import FEWEST, reference_beside, write_reference
    from ._sets import COVERAGE, sets_beside, write_threshold

    scored = None
    if test:
        from ._scoring import score

        scored = score(clf, test)
        unreadable |= scored.unreadable
        facts |= {"n_test": len(scored.paths), "report": scored.report("dict")}
        if not options.json:
            print(scored.report())
    name = identity(output)
    if write_threshold(clf, scored, output, name) is not None:
        say(f"wrote {sets_beside(output)}: sets of predict hold {COVERAGE:.0%} of true labels")
    if write_reference(None if scored is None else scored.y_proba, output, name):
        say(f"wrote {reference_beside(output)}, which serve compares its pictures with")
    elif scored is not None:
        say(
            f"fewer than {FEWEST} pictures are held out: serve can't compare its pictures with them"
        )
    if options.json:
        print(to_json(facts | {"unreadable": unreadable}))
    tell_unreadable(unreadable)
    return int(bool(unreadable))


def _as_split(pictures: Pictures) -> tuple[Pictures, Pictures] | None:
    """Pictures to train on and to score on, as a column of their table says; None if none does."""
    if pictures.split is None:
        return None
    parts = np.array([part_of(part) for part in pictures.split.tolist()])
    scored = "test" if "test" in parts else "val"
    if not {"train", scored} <= set(parts.tolist()):
        return None
    n_others = int((~np.isin(parts, ["train", scored])).sum())
    others = f"; {counted(n_others, 'picture')} of other parts are not used" if n_others else ""
    say(f"the table has a split: {scored!r} is held out{others}")
    return pictures.picked(parts == "train"), pictures.picked(parts == scored)


def _held_out(pictures: Pictures, share: float, seed) -> tuple[Pictures, Pictures]:
    """Pictures to train on, and pictures held out of each class that has a second one.

    Groups stay together; then the share is about that, and a class of one group may be on one side
    only.
    """
    from .._fitting._hold_out import HoldOut

    if not 0 < share < 1:
        raise ValueError(f"--test_size is a share between 0 and 1; got {share}")
    codes = np.unique(pictures.labels, return_inverse=True)[1]
    if pictures.groups is None:
        train, test = (part.indices for part in HoldOut(share, seed)(pictures.paths, codes))
    else:
        from sklearn.model_selection import StratifiedGroupKFold

        folds = StratifiedGroupKFold(max(2, round(1 / share)), shuffle=True, random_state=seed)
        train, test = next(folds.split(codes, codes, pictures.groups))
    return pictures.picked(train), pictures.picked(test)


def _skipped(clf, pictures: Pictures) -> dict[str, str]:
    """Pictures that the fit has left out, with the reason."""
    from .._estimator import resolve_recipe
    from ._reading import why_unreadable

    reader = resolve_recipe("reader", clf.reader)
    paths = pictures.paths[clf.skipped_].tolist()
    return {path: why_unreadable(path, reader) or "it could not be read" for path in paths}
