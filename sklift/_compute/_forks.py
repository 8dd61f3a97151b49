"""A process that is forked computes with one thread."""

from __future__ import annotations

import os
from functools import partial

import torch

# The threads of GNU OpenMP do not survive a fork: the first operation that a child shares out among
# them waits for ever. torch's own DataLoader gives its workers one thread for the same reason.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))
