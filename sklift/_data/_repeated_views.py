"""Views that training and scoring repeat: one of each picture, or a fixed few."""

from __future__ import annotations

from functools import partial

from ..images._dataset import N_FIXED, FixedViews, PlainViews, TestViews

# Views that a picture has only one of, with a name that tells them from each other.
PLAIN = (PlainViews, ("plain",))
TEST = (TestViews, ("test",))
FIXED = [(partial(FixedViews, view=v), ("fixed", v, N_FIXED)) for v in range(N_FIXED)]


def repeated_views(augmentation, n_epochs: int) -> list | None:
    """The views of each picture that training repeats; None where each epoch draws new ones."""
    if augmentation is None:
        return [TEST]
    is_fixed = isinstance(augmentation, str) and augmentation == "fixed"
    return FIXED[:n_epochs] if is_fixed else None
