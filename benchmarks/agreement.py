"""Agreement of predictions in bfloat16 and in float32: the share with the same class.

The classifier is trained with its defaults on made-up JPEG files with a tower of random weights,
or on pictures and weights of your own, listed as "path label" a line.

``python benchmarks/agreement.py [--model NAME --pretrained FILE --train LIST --test LIST]``
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
from plain import jpeg_files, random_tower

from sklift import LiftClassifier
from sklift.datasets import load_image_list


def main() -> None:
    """Print accuracies, times and the agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--pretrained")
    parser.add_argument("--train")
    parser.add_argument("--test")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        name, pretrained = arguments.model, arguments.pretrained
        if name is None:
            name, pretrained = random_tower(folder)
        if arguments.train is None:
            X, y = jpeg_files(folder, 320)
            train, test = (X[::2], y[::2]), (X[1::2], y[1::2])
        else:
            lists = (arguments.train, arguments.test)
            train, test = (load_image_list(path, return_X_y=True) for path in lists)
        clf = LiftClassifier(name, pretrained=pretrained, init="class_mean", random_state=0)
        clf.fit(*train)
        found = []
        for precision in ("float32", "bfloat16"):
            clf.set_params(compute__precision=precision)
            start = time.perf_counter()
            found.append(clf.predict(test[0]))
            seconds = time.perf_counter() - start
            right = np.mean(found[-1] == test[1])
            print(f"{precision}: {right:.2%} right, {len(test[0]) / seconds:.1f} img/s")
        same = np.mean(found[0] == found[1])
        print(f"the same class for {same:.2%} of {len(test[0])} pictures")


if __name__ == "__main__":
    main()
