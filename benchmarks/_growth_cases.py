"""All that is measured in ``growth.py``, imported before processes are forked."""

from __future__ import annotations

import warnings
from importlib import import_module

import matplotlib
import torch
from _growth_registry import CASES, head, table
from _growth_soaks import SOAKS

__all__ = ["CASES", "SOAKS", "head", "prepare_process", "table"]

# The first three add their cases; estimators import the others when they need them.
for name in ("_growth_calls", "_growth_estimators", "_growth_scores"):
    import_module(name)
for name in ("sklift._fitting._train", "sklift._persistence._codec"):
    import_module(name)


def prepare_process() -> None:
    """One thread, no window, no warnings."""
    matplotlib.use("Agg")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
