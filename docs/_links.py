"""Addresses of what our pages refer to in the documentation of others.

Intersphinx would fetch the lists of those projects, but a build must need no network: it is given
lists of our own, with the names that we use. A name that is missing here is no link;
``tests/test_docs.py`` finds it.
"""

from __future__ import annotations

import zlib
from pathlib import Path

SKLEARN = {
    "class": (
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.frozen.FrozenEstimator",
        "sklearn.linear_model.LogisticRegression",
        "sklearn.model_selection.GridSearchCV",
        "sklearn.model_selection.HalvingGridSearchCV",
        "sklearn.model_selection.StratifiedGroupKFold",
        "sklearn.model_selection.StratifiedKFold",
        "sklearn.pipeline.Pipeline",
        "sklearn.utils.Bunch",
    ),
    "function": (
        "sklearn.metrics.balanced_accuracy_score",
        "sklearn.model_selection.cross_val_score",
        "sklearn.utils.estimator_checks.check_estimator",
    ),
}
TORCH = {"class": ("torch.nn.Module", "torch.optim.Optimizer", "torch.nn.CrossEntropyLoss")}
SKORCH = {  # several names on a page
    "class": {
        "skorch.net.NeuralNet": "net.html",
        "skorch.classifier.NeuralNetClassifier": "classifier.html",
        "skorch.callbacks.Callback": "callbacks.html",
        "skorch.callbacks.EpochScoring": "callbacks.html",
        "skorch.callbacks.TensorBoard": "callbacks.html",
    }
}
PROJECTS = {
    "sklearn": ("https://scikit-learn.org/stable/", SKLEARN, "modules/generated/{}.html"),
    "torch": ("https://docs.pytorch.org/docs/stable/", TORCH, "generated/{}.html"),
    "skorch": ("https://skorch.readthedocs.io/en/stable/", SKORCH, ""),
}


def write_inventories(folder: str | Path) -> dict[str, tuple[str, str]]:
    """Write an inventory file for each project; return the ``intersphinx_mapping``."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (address, names, page) in PROJECTS.items():
        lines = [
            f"{name} py:{role} 1 {names[role][name] if not page else page.format(name)}#$ -"
            for role in names
            for name in names[role]
        ]
        head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
        head += "# The remainder of this file is compressed using zlib.\n"
        file = Path(folder) / f"{project}.inv"
        file.write_bytes(head.encode() + zlib.compress("\n".join(lines).encode() + b"\n"))
        mapping[project] = (address, str(file))
    return mapping
