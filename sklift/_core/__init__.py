"""What all rooms share: recipes, warnings, the version."""
