"""Length of training: batch size and number of epochs that suit the number of pictures."""

from __future__ import annotations

import math

LARGEST, SMALLEST = 128, 16  # the papers' batch size, and that of the smallest collections
STEPS_OF_AN_EPOCH = 64  # the least number, where the batch size allows it

STEPS = 300  # after which small collections are learned
FEWEST, MOST = 5, 50  # epochs: five are the papers' for large collections


def choose_batch_size(n_samples: int, *, frozen: bool) -> int:
    """The papers' batch size; for a tower that is tuned, at most a 64th of the samples, down to 16.

    ``frozen``: whether the head alone is trained, which learns as much from large batches.

    Examples
    --------
    >>> from sklift._fitting._length import choose_batch_size
    >>> [choose_batch_size(n, frozen=False) for n in (50, 1500, 3000, 10_000)]
    [16, 16, 32, 128]
    """
    power = math.floor(math.log2(max(1, n_samples / STEPS_OF_AN_EPOCH)))
    return LARGEST if frozen else min(LARGEST, max(SMALLEST, 2**power))


def choose_max_epochs(n_samples: int, batch_size: int) -> int:
    """The number of epochs, 5 to 50, that makes about 300 steps.

    Examples
    --------
    >>> from sklift._fitting._length import choose_max_epochs
    >>> [choose_max_epochs(n, 16) for n in (50, 500, 1500)]
    [50, 10, 5]
    """
    in_epoch = max(1, math.ceil(n_samples / batch_size))
    return min(MOST, max(FEWEST, math.ceil(STEPS / in_epoch)))
