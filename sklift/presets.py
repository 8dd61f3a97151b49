"""Settings of the papers, as parameters of :class:`sklift.LiftClassifier`.

``LiftClassifier(**LIFT)`` trains as in the tables of LIFT, ``LiftClassifier(**LIFT_PLUS)`` as in
the tables of LIFT+. The defaults differ from the latter where there are few pictures. Both papers
use more epochs for iNaturalist 2018 (``max_epochs`` 20 and 15), and report test-time ensembling
(``tta="fivecrop"``) separately.

Examples
--------
>>> from sklift import LiftClassifier
>>> from sklift.presets import LIFT
>>> LiftClassifier(**LIFT | {"max_epochs": 20}).max_epochs
20
"""

from __future__ import annotations

__all__ = ["LIFT", "LIFT_PLUS"]

_BOTH = {
    "adapter": "adaptformer",
    "loss": "logit_adjusted",
    "head": "cosine",
    "init": "auto",
    "batch_size": 128,
    "weight_decay": 5e-4,
    "optimizer": "sgd",  # with the papers' momentum 0.9 and cosine schedule, its defaults
}

LIFT = {**_BOTH, "max_epochs": 10, "lr": 0.01, "augmentation": "lift"}
"""Shi et al., "Long-Tail Learning with Foundation Model: Heavy Fine-Tuning Hurts", ICML 2024,
arXiv 2309.10019."""

LIFT_PLUS = {**_BOTH, "max_epochs": 5, "lr": 0.02, "augmentation": "minimal"}
"""Shi, Wei, Li, "LIFT+: Lightweight Fine-Tuning for Long-Tail Learning", 2025,
arXiv 2504.13282."""
