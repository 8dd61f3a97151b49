"""The checkpoint of a fit, found by the identity of the fit."""

from __future__ import annotations

from .._core._warn import warn
from .._net import CheckpointFile
from ..training import Checkpoint


def open_checkpoint(checkpoint: Checkpoint, identity: dict[str, str], *, is_seeded: bool):
    """Return the checkpoint file of a fit, and its state or None.

    Parameters
    ----------
    checkpoint : Checkpoint
        The recipe: the folder, and the answer to unfinished training of another fit in it.
    identity : dict of str to str
        Texts of everything that the outcome of the fit depends on.
    is_seeded : bool
        Whether the user has set a seed. If not, a finished fit is not reused.

    Raises
    ------
    ValueError
        If the file is damaged, or the folder holds unfinished training of another fit and
        the recipe's ``mismatch`` is "raise".
    """
    file = CheckpointFile(checkpoint.build(), identity)
    state = file.load()
    if state is not None and state["finished"] and not is_seeded:
        state = None
    if state is None and (other := file.other_fit()) is not None:
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
