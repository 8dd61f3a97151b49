"""All that is measured in ``growth.py``, imported before processes are forked."""

from __future__ import annotations

import warnings

import _growth_calls  # noqa: F401  # these three add their cases
import _growth_estimators  # noqa: F401
import _growth_scores  # noqa: F401
import matplotlib
import torch
from _growth_registry import CASES, head, table
from _growth_soaks import SOAKS

import sklift._fitting._train
import sklift._persistence._codec  # noqa: F401  # estimators import them when they need them

__all__ = ["CASES", "SOAKS", "head", "prepare_process", "table"]


def prepare_process() -> None:
    """One thread, no window, no warnings."""
    matplotlib.use("Agg")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
