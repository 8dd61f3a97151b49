"""Signs of life on stderr while pictures are worked on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

SOON = 0.5  # seconds after which a pass is worth a bar


@contextmanager
def progress(n: int, doing: str, shown: bool) -> Iterator[Callable[[int], object]]:
    """Context with a progress bar; it gives a function that adds a number of finished pictures.

    The bar appears once the pass has taken half a second. ``doing``: what it says before its
    numbers.
    """
    if not shown:
        yield lambda n: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=n, unit="picture", desc=doing, delay=SOON) as bar:
        yield bar.update


def with_progress(
    batches: Iterable[np.ndarray], n: int, doing: str, shown: bool
) -> Iterator[np.ndarray]:
    """The batches, of ``n`` rows in all, with a bar that advances with each."""
    with progress(n, doing, shown) as advance:
        for batch in batches:
            yield batch
            advance(len(batch))


def announce(what: str, shown: bool) -> None:
    """Print a line at once, before something that can't tell how long it will take."""
    if shown:
        print(what, file=sys.stderr, flush=True)
