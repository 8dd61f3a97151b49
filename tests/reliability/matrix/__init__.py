"""The matrix of bad inputs: what is given, what is raised, in which words, and when.

``tests/reliability/test_matrix.py`` checks each row, ``tools/build_bad_input_table.py`` makes a
page of the documentation from them.
"""

from __future__ import annotations

from . import calls, files, labels, pictures, recipes, settings
from .bench import BadCall, BadFit, Bench, without_network

__all__ = ["TABLE", "BadCall", "BadFit", "Bench", "without_network"]

TABLE = {
    "Files": files.FILES,
    "Pictures in memory": pictures.IN_MEMORY,
    "Features": calls.FEATURES,
    "Labels": labels.LABELS,
    "Classes and their names": labels.CLASSES,
    "Prompts": labels.PROMPTS,
    "Sample weights": labels.WEIGHTS,
    "Class mixes": labels.MIXES,
    "Parameters": settings.PARAMETERS,
    "Recipes": recipes.RECIPES,
    "Backbones": recipes.BACKBONES,
    "Devices": recipes.DEVICES,
    "Predictions": calls.PREDICTION,
    "Going on with training": calls.LATER,
    "Files of models, other estimators": calls.OTHERS,
}
