"""Measurements that need a GPU: rates, speeds, memory, and equality of results.

A ViT-B/16 with random weights, batches of 128 JPEG files (375, 500) at 224 px, AdaptFormer in all
blocks, the defaults of LiftClassifier otherwise; the loop by hand of ``training.py`` and
``prediction.py``, in bfloat16 (as torch's guide to mixed precision has it) where float32 is not
said. Sections are guarded: one that fails is a row of the table, as is one for which no time is
left.

Products are counted as the step asks for them, forward and backward, and nothing else: 64 GFLOP a
picture. Of frozen weights there is the product of the forward and the one for the gradient of the
input, none for a gradient of the weight; before the first trained weight there is no backward; of
the last block, only keys and values are of all tokens. The backward of attention counts the scores
that it computes again, under 1 % of all. (On CPUs torch's counter leaves attention out.)

``python benchmarks/gpu.py [--out gpu.json] [--budget 330]``; ``--dry-run`` is the same code on two
cores of a CPU with a tiny tower, in under 40 seconds.
"""

from __future__ import annotations

import argparse
import tempfile

from _gpu_report import Report
from _gpu_results import Results
from _gpu_setup import Setup
from _gpu_training import Training


def main() -> None:
    """Print the figures as they come, and a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="gpu.json", help="file for the figures")
    parser.add_argument("--budget", type=float, default=330, help="seconds to start sections in")
    parser.add_argument("--dry-run", action="store_true", help="tiny, for a CPU")
    arguments = parser.parse_args()
    report = Report(arguments.out, arguments.budget)
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(folder, arguments.dry_run)
        print(f"{len(setup.files)} files and a tower after {report.seconds:.1f} s", flush=True)
        training, results = Training(setup), Results(setup)
        for section in (
            training.matrix_product,
            training.step,
            training.fits,
            training.memory,
            training.recomputed,
            results.prediction,
            results.same_twice,
            results.agreement,
            results.out_of_memory,
            results.grid,
            results.low_precision,
            training.compiled,
            training.workers,  # last: processes may hang
        ):
            report.run(section)
    print("\n" + report.table())


if __name__ == "__main__":
    main()
