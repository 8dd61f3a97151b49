"""The checkpoint of a fit, found by what the fit depends on."""

from __future__ import annotations

from .._core._warn import warn
from .._net import CheckpointFile
from ..training import Checkpoint


def open_checkpoint(checkpoint: Checkpoint, identity: dict[str, str], *, is_seeded: bool):
    """The file for the checkpoints of a fit, and what it holds, or None.

    Parameters
    ----------
    checkpoint : Checkpoint
        The folder, and what to do about the training of something else in it.
    identity : dict of str to str
        What the outcome of the fit depends on.
    is_seeded : bool
        Whether the fit has a seed of its own; if not, each is to be another one.

    Raises
    ------
    ValueError
        If the file is damaged, or the folder holds the unfinished training of something else and
        the recipe's ``mismatch`` is "raise".
    """
    file = CheckpointFile(checkpoint.build(), identity)
    state = file.load()
    if state is not None and state["finished"] and not is_seeded:
        state = None
    if state is None and (other := file.other()) is not None:
        name, differences = other
        text = (
            f"{file.directory} holds unfinished training ({name}) that differs in "
            f"{', '.join(differences)}"
        )
        if checkpoint.mismatch == "raise":
            raise ValueError(
                f"{text}; give the same data and parameters to go on with it, another folder, or "
                "checkpoint__mismatch='restart' to start afresh"
            )
        warn(f"{text}; this training starts afresh, beside it")
    return file, state
