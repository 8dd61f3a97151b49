"""A single thread for forked processes."""

from __future__ import annotations

import os
from functools import partial

import torch

# The threads of GNU OpenMP do not survive a fork: the first operation of the child that needs them
# would wait for ever. torch's DataLoader gives its workers one thread for the same reason.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))
