"""Reproduction of one row of the papers' tables: training, test, and the published figure.

``python benchmarks/reproduce.py cifar100-ir100 --data cifar-100-python.tar.gz``
``python benchmarks/reproduce.py imagenet-lt --data ImageNet --lists ImageNet_LT --seeds 0 1 2``

Nothing but the backbone's weights is downloaded. Where data or weights are missing, it says which,
where they come from and where they belong, and ends with status 2. Runs are kept in --output: one
that is there is not repeated, and one that was cut short goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sklift import LiftClassifier, __version__
from sklift.backbones import load_backbone
from sklift.datasets import load_cifar_lt, load_imagenet_lt, load_inaturalist2018, load_places_lt
from sklift.metrics import long_tail_report
from sklift.presets import LIFT, LIFT_PLUS

RECIPES = {"lift": LIFT, "lift+": LIFT_PLUS}
VIEWS = {"plain": None, "five crops": "fivecrop"}
CLIP, IN21K = "ViT-B-16", "timm/vit_base_patch16_224"
# The weights that the published figures are of; a file may hold them too.
WEIGHTS = {CLIP: ("openai",), IN21K: ("augreg_in21k", "augreg_in21k_ft_in1k")}


@dataclass(frozen=True)
class Row:
    """A row of the tables of LIFT; accuracies in per cent, without and with five crops."""

    title: str
    load: Callable
    test: str
    published: dict[str, tuple[float | None, float | None]]
    needs: str
    epochs: dict[str, int]


def _lists(title, read, test, published, images, names, epochs=(10, 5)) -> Row:
    def load(root, subset, lists):
        if root is None:
            raise FileNotFoundError("--data is not given")
        return read(root, subset, lists=lists)

    needs = (
        f"{images} below --data; the lists and {names} in --lists (or beside the images). The lists"
        " are published with the code of LIFT"
    )
    return Row(title, load, test, {CLIP: published}, needs, dict(zip(RECIPES, epochs, strict=True)))


def _cifar(ratio: int, clip: tuple, in21k: float) -> Row:
    def load(root, subset, lists):
        return load_cifar_lt("cifar100", ratio, subset=subset, path=root)

    needs = "cifar-100-python.tar.gz, or what it unpacks to; --data is the file or its folder"
    published = {CLIP: clip, IN21K: (in21k, None)}
    return Row(f"CIFAR-100-LT, ratio {ratio}", load, "test", published, needs, {})


ROWS = {
    "cifar100-ir100": _cifar(100, (80.3, 81.7), 89.1),
    "cifar100-ir50": _cifar(50, (82.0, 83.1), 90.2),
    "cifar100-ir10": _cifar(10, (83.8, 84.9), 91.3),
    "imagenet-lt": _lists(
        "ImageNet-LT",
        load_imagenet_lt,
        "test",
        (77.0, 78.3),
        "the images of ImageNet (ILSVRC 2012, from image-net.org) as train/... and val/...",
        "classnames.txt",
    ),
    "places-lt": _lists(
        "Places-LT",
        load_places_lt,
        "test",
        (51.5, 52.2),
        "the images of Places365-Standard (places2.csail.mit.edu)",
        "classnames.txt",
    ),
    "inat2018": _lists(
        "iNaturalist 2018",
        load_inaturalist2018,
        "val",
        (79.1, 80.4),
        "train_val2018, the pictures of the iNaturalist competition of 2018",
        "the competition's categories.json",
        epochs=(20, 15),
    ),
}


def measure(row: Row, options, train, test, seed: int) -> dict:
    """Fit and score once: accuracies in per cent."""
    recipe = RECIPES[options.recipe]
    numbered = train.target.dtype.kind == "i"  # else the labels are the names
    clf = LiftClassifier(
        options.backbone,
        pretrained=options.pretrained,
        class_names=train.target_names if numbered else None,
        checkpoint=options.output.parent / "checkpoints",
        compute__num_workers=options.workers,
        verbose=1,
        random_state=seed,
        **{**recipe, "max_epochs": row.epochs.get(options.recipe, recipe["max_epochs"])},
    )
    start = time.perf_counter()
    clf.fit(_pictures(train), train.target)
    seconds = time.perf_counter() - start
    scores = {}
    for view, tta in VIEWS.items():
        found = clf.set_params(tta=tta).predict(_pictures(test))
        counts = dict(zip(clf.classes_.tolist(), clf.class_counts_.tolist(), strict=True))
        scores[view] = _per_cent(long_tail_report(test.target, found, counts, output="dict"))
    return {
        "init": clf.init_,
        "epochs": clf.max_epochs,
        "n_train": len(train.target),
        "n_test": len(test.target),
        "n_trained_weights": clf.n_trainable_params_,
        "fit_seconds": round(seconds, 1),
        "sklift": __version__,
        "scores": scores,
    }


def _pictures(data) -> np.ndarray:
    return data.images if "images" in data else data.data


def _per_cent(report: dict) -> dict[str, float | None]:
    groups = {name: report[name]["accuracy"] for name in ("many", "medium", "few")}
    shares = {"accuracy": report["accuracy"], "mean class": report["balanced_accuracy"], **groups}
    return {name: None if np.isnan(v) else round(100 * v, 2) for name, v in shares.items()}


def load(row: Row, options):
    """The training data, the test data and what else is missing.

    Raises
    ------
    OSError, ValueError
        Where data or weights are not at hand.
    """
    train, test = (
        row.load(options.data, subset, lists=options.lists) for subset in ("train", row.test)
    )
    backbone = load_backbone(options.backbone, options.pretrained)
    if backbone.text is not None and train.target_names is None:
        raise FileNotFoundError("the names of the classes are missing: the head starts from them")
    return train, test


def published(row: Row, options) -> tuple[float | None, float | None]:
    """The figures to compare with: of LIFT with these weights."""
    name = options.backbone
    if not name.startswith("timm/"):
        name = name.replace("/", "-")  # as the papers write it
    pretrained = options.pretrained
    same = pretrained in ("auto", *WEIGHTS.get(name, ())) or Path(pretrained).is_file()
    if options.recipe != "lift" or not same:
        return None, None
    return row.published.get(name, (None, None))


def show(row: Row, options, runs: list[dict]) -> None:
    """A line for each run and view, and the published figure."""
    columns = ("accuracy", "mean class", "many", "medium", "few")
    print(f"\n{row.title}: {options.recipe}, {options.backbone}, {options.pretrained} weights")
    print(f"{'per cent':<20}" + "".join(f"{name:>12}" for name in (*columns, "published")))
    for view, figure in zip(VIEWS, published(row, options), strict=True):
        for run in runs:
            cells = [run["scores"][view][name] for name in columns]
            _line(f"seed {run['seed']}, {view}", *cells, figure)
        if len(runs) > 1:
            accuracies = [run["scores"][view]["accuracy"] for run in runs]
            print(
                f"{len(runs)} seeds, {view}: accuracy {np.mean(accuracies):.2f}, "
                f"standard deviation {np.std(accuracies, ddof=1):.2f}"
            )


def _line(name: str, *cells: float | None) -> None:
    print(f"{name:<20}" + "".join(f"{'-' if c is None else f'{c:.1f}':>12}" for c in cells))


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--data", type=Path, help="folder of the images, or CIFAR's archive")
    parser.add_argument("--lists", type=Path, help="folder of the lists and class names")
    parser.add_argument("--recipe", choices=RECIPES, default="lift")
    parser.add_argument("--backbone", default=CLIP)
    parser.add_argument("--pretrained", default="auto", help="tag or file of the weights")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches")
    parser.add_argument("--output", type=Path, default=Path("results/reproduce.json"))
    options = parser.parse_args(arguments)
    row = ROWS[options.row]
    try:
        train, test = load(row, options)
    except (OSError, ValueError) as error:
        print(f"missing for {row.title}: {error}", file=sys.stderr)
        print(f"needed: {row.needs}.", file=sys.stderr)
        if options.backbone != "emoji-tiny":
            print(
                f"needed, too: the weights of {options.backbone}; they are downloaded at the first "
                "use, or --pretrained names the file.",
                file=sys.stderr,
            )
        return 2
    same = {name: getattr(options, name) for name in ("row", "recipe", "backbone", "pretrained")}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(options.output.read_text()) if options.output.exists() else []
    runs = []
    for seed in options.seeds:
        settings = {**same, "seed": seed}
        run = next((run for run in kept if settings.items() <= run.items()), None)
        if run is None:
            run = {**settings, **measure(row, options, train, test, seed)}
            kept.append(run)
            part = options.output.with_suffix(".part")
            part.write_text(json.dumps(kept, indent=1))
            part.replace(options.output)
        else:
            print(f"seed {seed} is in {options.output} already")
        runs.append(run)
    show(row, options, runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
