"""Bad parameters."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch

from sklift._net._checkpoint import _checksum
from sklift.training import SGD, Checkpoint, Power

from .bench import BadFit


class BuildsNone:
    """A recipe of an optimizer whose author forgot to return it."""

    def build(self, groups, lr, weight_decay):
        torch.optim.SGD(groups, lr=lr)


class DrawsOnes:
    """A recipe of a sampler that gives weights for probabilities."""

    def probabilities(self, codes, class_counts):
        return np.ones(len(codes))


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
        state = {**torch.load(unfinished), "finished": False}
        del state["checksum"]
        torch.save({**state, "checksum": _checksum(state)}, unfinished)
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
    wrong("weight_decay", -1e-4, "a float in the range"),
    wrong("validation_fraction", 1.0, "a float in the range"),
    wrong("compute__recompute", "yes", "'bool'"),
    wrong("compute__compile", "yes", "'bool'"),
    wrong("early_stopping", "yes", "'bool'"),
    wrong("n_iter_no_change", 0, "an int in the range"),
    wrong("warm_start", None, "'bool'"),
    wrong("reader__image_shape", 48, "'tuple'"),
    wrong("compute__precision", "half", "'bfloat16'"),
    wrong("compute__num_workers", -1, "an int in the range"),
    wrong("reader__formats", "tiff", "'list'"),
    BadFit(
        "a format of pictures that is no format",
        TypeError,
        "formats must be instances of subclasses of sklift.images.FileFormat, got 3",
        lambda b: {"reader__formats": [3]},
    ),
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
        "``optimizer='SGD'``",
        ValueError,
        "Unknown optimizer 'SGD': choose one of .* Did you mean 'sgd'",
        lambda b: {"optimizer": "SGD"},
    ),
    BadFit(
        "``optimizer=SGD(momentum=1.0)``",
        ValueError,
        "optimizer__momentum == 1.0, must be < 1",
        lambda b: {"optimizer": SGD(momentum=1.0)},
    ),
    BadFit(
        "``optimizer=SGD(clip_grad_norm=0)``",
        ValueError,
        "optimizer__clip_grad_norm == 0, must be > 0",
        lambda b: {"optimizer": SGD(clip_grad_norm=0)},
    ),
    BadFit(
        "``optimizer=SGD(schedule='step')``",
        ValueError,
        "optimizer__schedule must be one of .* or a function",
        lambda b: {"optimizer": SGD(schedule="step")},
    ),
    BadFit(
        "a schedule that returns no number",
        TypeError,
        "optimizer__schedule must return a number; got None in epoch 0",
        lambda b: {"optimizer": SGD(schedule=lambda epoch, n_epochs: None)},
    ),
    BadFit(
        "an optimizer recipe that builds something else",
        TypeError,
        r"BuildsNone.build must return a torch.optim.Optimizer, got None",
        lambda b: {"optimizer": BuildsNone()},
    ),
    BadFit(
        "net_params of an optimizer that has them not",
        ValueError,
        r"net_params sets \['colour'\] of the optimizer, but SGD has only",
        lambda b: {"net_params": {"optimizer__colour": 3}},
    ),
    BadFit(
        "``sampler='weighted'``",
        ValueError,
        "Unknown sampler 'weighted': choose one of",
        lambda b: {"sampler": "weighted"},
    ),
    BadFit(
        "``sampler=Power(power=-1)``",
        ValueError,
        "sampler__power == -1, must be >= 0",
        lambda b: {"sampler": Power(power=-1)},
    ),
    BadFit(
        "a sampler whose probabilities do not sum to 1",
        ValueError,
        "DrawsOnes.probabilities must return probabilities that sum to 1, got 12",
        lambda b: {"sampler": DrawsOnes()},
    ),
    BadFit(
        "a sampler here and in ``net_params``",
        ValueError,
        r"sampler=Balanced\(\) and net_params\['iterator_train__sampler'\] both say",
        lambda b: {"sampler": "balanced", "net_params": {"iterator_train__sampler": [0, 1]}},
    ),
    BadFit(
        "a sampler in ``net_params`` that draws what is not there",
        ValueError,
        r"net_params\['iterator_train__sampler'\] draws sample 500: there are samples 0 to",
        lambda b: {"net_params": {"iterator_train__sampler": [0, 500]}},
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
