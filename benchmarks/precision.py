"""What the precision costs: training and prediction in float32 and in bfloat16, and the choice.

The defaults of LiftClassifier on a ViT-S/16 with random weights and JPEG files, nothing by hand.
Both precisions take turns; medians of the CPU seconds of this process, which other programs on the
machine hardly change. Then the measured speeds of products, and what ``compute__precision="auto"``
takes. Where the processor has a matrix unit, ``ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16`` shows one
without.

``python benchmarks/precision.py [--every 3] [--repeats 3] [--model ViT-S-16]``
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
from plain import MODEL, jpeg_files, random_tower

from sklift import LiftClassifier
from sklift._compute._processor import bfloat16_of_processor, processor_name
from sklift._compute._product_speed import product_speeds

PRECISIONS = ("float32", "bfloat16")


def seconds(function) -> float:
    """CPU seconds of a call."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=3, help="which of 192 files: every n-th")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default=MODEL)
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {
        what: {precision: [] for precision in PRECISIONS} for what in ("fit", "predict")
    }
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder, arguments.model)
        paths, y = (values[:: arguments.every] for values in jpeg_files(folder, 192))
        made = {
            precision: LiftClassifier(
                name,
                pretrained=checkpoint,
                init="random",
                batch_size=32,
                max_epochs=1,
                random_state=0,
                compute__precision=precision,
            )
            for precision in PRECISIONS
        }
        for turn in range(arguments.repeats + 1):
            for precision, clf in made.items():
                taken = (
                    seconds(lambda clf=clf: clf.fit(paths, y)),
                    seconds(lambda clf=clf: clf.predict(paths)),
                )
                if turn:  # the first loads the tower and decodes the files
                    for what, number in zip(found, taken, strict=True):
                        found[what][precision].append(number)
    print("CPU seconds, and how many times as fast bfloat16 is")
    for what, of_precision in found.items():
        full, half = (float(np.median(of_precision[precision])) for precision in PRECISIONS)
        print(f"{what:10s} float32 {full:6.2f}   bfloat16 {half:6.2f}   {full / half:5.2f}")
    width = made["float32"].model_.backbone.width
    speeds, way = product_speeds(width), bfloat16_of_processor()
    print(f"{processor_name()}, for bfloat16: {way}")
    print(f"products of width {width}: {speeds}, {speeds.bfloat16 / speeds.float32:.2f}")
    print(f"measured, 'auto' takes {'bfloat16' if speeds.prefers_bfloat16 else 'float32'}")


if __name__ == "__main__":
    main()
