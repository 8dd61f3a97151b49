"""Error of a model that does not show where in a picture it looks."""

from __future__ import annotations


class NoPlacesError(ValueError):
    """A tower has neither attention that can be seen, nor maps of places."""
