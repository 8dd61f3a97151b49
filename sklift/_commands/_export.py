"""``sklift export``: a trained classifier as a program."""

from __future__ import annotations

import argparse

from ._output import check_output, say
from ._parameters import as_value

DESCRIPTION = """\
Write a model of sklift fit as a program of torch.export (.pt2), which predicts
with torch alone, or of ONNX (.onnx), for its runtimes: it takes decoded
pictures, resizes and crops them, and returns probabilities. The labels are in
its extra file, or metadata, "sklift.json"."""

EXAMPLES = """\
  sklift export model.safetensors -o program.pt2
  sklift export model.safetensors -o program.pt2 --tta fivecrop
  sklift export model.safetensors -o program.onnx"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", help="file of sklift fit, or of save()")
    parser.add_argument(
        "-o", "--output", metavar="PROGRAM", required=True, help="file to write, .pt2 or .onnx"
    )
    parser.add_argument("--target_prior", metavar="VALUE", help="the mix of classes to assume")
    parser.add_argument("--tta", metavar="VALUE", help='None, "fivecrop" or "tencrop"')


def run(options: argparse.Namespace) -> int:
    """Write the program."""
    output = check_output(options.output, endings=(".pt2", ".onnx"))
    from ..classifier import LiftClassifier
    from ._model_file import load_model

    clf = load_model(options.model, (LiftClassifier,))
    given = {name: getattr(options, name) for name in ("target_prior", "tta")}
    clf.set_params(**{name: as_value(word) for name, word in given.items() if word is not None})
    clf.export(output)
    say(f"wrote {output}")
    return 0
