"""Helpers that all rooms share: recipes, names, warnings, the version."""
