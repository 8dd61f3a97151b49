"""Bad parameters."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from sklift.training import Checkpoint

from .bench import BadFit


def wrong(parameter: str, value, must: str, error=ValueError) -> BadFit:
    """A parameter whose type or range is wrong; ``must``: what the message asks for."""
    recipe, _, setting = parameter.rpartition("__")
    owner = recipe.capitalize() or "LiftClassifier"
    message = f"The '{setting}' parameter of {owner} must be .*{must}"
    return BadFit(f"``{parameter}={value!r}``", error, message, lambda b: {parameter: value})


def unfinished(bench) -> Path:
    """A folder with the checkpoint of a training that lacks its end."""
    folder = bench.folder / "unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    bench.classifier(checkpoint=folder).fit(bench.X, bench.y)
    for path in folder.glob("finished-*.pt"):
        unfinished = path.rename(path.with_name(path.name.replace("finished", "fit")))
        torch.save({**torch.load(unfinished), "finished": False}, unfinished)
    return folder


def damaged(folder: Path) -> Path:
    """The same with a file cut off."""
    for path in folder.glob("fit-*.pt"):
        path.write_bytes(path.read_bytes()[:-100])
    return folder


PARAMETERS = [
    wrong("backbone", 3, "an instance of 'str'"),
    wrong("init", "zero", "a str among"),
    wrong("target_prior", "uniform", "'balanced'"),
    wrong("max_epochs", 0, r"an int in the range \[1"),
    wrong("max_epochs", 2.0, "an int in the range"),
    wrong("batch_size", -1, "an int in the range"),
    wrong("compute__accumulate", 0, "an int in the range"),
    wrong("lr", 0, "a float in the range"),
    wrong("lr", float("nan"), "a float in the range"),
    wrong("lr", "0.1", "a float in the range"),
    wrong("momentum", 1.0, "a float in the range"),
    wrong("weight_decay", -1e-4, "a float in the range"),
    wrong("optimizer", "SGD", "'sgd'"),
    wrong("clip_grad_norm", 0, "a float in the range"),
    wrong("sampler", "weighted", "'balanced'"),
    wrong("validation_fraction", 1.0, "a float in the range"),
    wrong("compute__recompute", "yes", "'bool'"),
    wrong("compute__compile", "yes", "'bool'"),
    wrong("early_stopping", "yes", "'bool'"),
    wrong("n_iter_no_change", 0, "an int in the range"),
    wrong("warm_start", None, "'bool'"),
    wrong("reader__image_shape", 48, "'tuple'"),
    wrong("compute__precision", "half", "'bfloat16'"),
    wrong("compute__num_workers", -1, "an int in the range"),
    wrong("reader__on_error", "ignore", "'skip'"),
    BadFit(
        "a checkpoint that is no folder",
        TypeError,
        "checkpoint must be a folder, a Checkpoint or None, got 3",
        lambda b: {"checkpoint": 3},
    ),
    BadFit(
        "a checkpoint with a negative time",
        ValueError,
        "The 'minutes' parameter of Checkpoint must be a float in the range",
        lambda b: {"checkpoint": Checkpoint("runs", minutes=-1)},
    ),
    BadFit(
        "a checkpoint with an unknown answer to others",
        ValueError,
        "The 'mismatch' parameter of Checkpoint must be .*'restart'",
        lambda b: {"checkpoint": Checkpoint("runs", mismatch="ask")},
    ),
    wrong("net_params", [("a", 1)], "'collections.abc.Mapping'"),
    wrong("verbose", -1, "int in the range"),
    wrong("random_state", "0", "'numpy.random.mtrand.RandomState'"),
    BadFit(
        "a callback that is none",
        TypeError,
        r"callbacks'\]\[0\] is 3: give instances of skorch callbacks",
        lambda b: {"net_params": {"callbacks": [3]}},
    ),
    BadFit(
        "an optimizer that is none",
        TypeError,
        "optimizer must be one of .*'sgd'.* or a torch.optim.Optimizer class",
        lambda b: {"optimizer": dict},
    ),
    BadFit(
        "net_params that are the estimator's own",
        ValueError,
        r"net_params can't set \['max_epochs'\]: they follow from the parameters",
        lambda b: {"net_params": {"max_epochs": 3}},
    ),
    BadFit(
        "net_params that skorch has not",
        ValueError,
        r"got unexpected argument\(s\) no_such",
        lambda b: {"net_params": {"no_such": 3}},
    ),
    BadFit(
        "an augmentation that returns another shape",
        ValueError,
        r"augmentation must return a tensor of shape \(3, 40, 40\), got \(3, 30, 30\)",
        lambda b: {"augmentation": lambda view: view},
        "when it is read",
    ),
    BadFit(
        "nothing to hold out",
        ValueError,
        "no class has a second sample .*: leave out validation_fraction and early_stopping",
        lambda b: {"X": b.X[[0, -1]], "y": b.y[[0, -1]], "validation_fraction": 0.5},
    ),
    BadFit(
        "a file as the folder of checkpoints",
        ValueError,
        "checkpoint=.*a-file' is a file: give a folder",
        lambda b: {"checkpoint": b.file("a-file")},
    ),
    BadFit(
        "a damaged checkpoint",
        ValueError,
        r"the checkpoint .*\.pt can't be read, it is damaged .*: delete it to start afresh",
        lambda b: {"checkpoint": damaged(unfinished(b))},
    ),
    BadFit(
        "a checkpoint of another training, and ``checkpoint__mismatch='raise'``",
        ValueError,
        r"holds unfinished training .* that differs in lr; give the same data and parameters",
        lambda b: {
            "checkpoint": unfinished(b),
            "checkpoint__mismatch": "raise",
            "lr": 0.3,
        },
    ),
    BadFit(
        "a ``train_split`` that gives no subsets",
        ValueError,
        "train_split must split the training data in two subsets",
        lambda b: {"net_params": {"train_split": lambda dataset, y: (dataset, dataset)}},
    ),
    BadFit(
        "a number as cache",
        TypeError,
        "cache must be 'auto', False or a folder, got 3",
        lambda b: {"compute__cache": 3},
    ),
]
