"""Finding the checkpoint of a fit."""

from __future__ import annotations

from .._core._warn import warn
from .._net import CheckpointFile
from ._identity import describe, identify


def open_checkpoint(est, sample, backbone, device, precision, model):
    """The file for the checkpoints of this fit and what it holds, or None and None.

    Raises
    ------
    ValueError
        If the file is damaged, or the folder holds the unfinished training of something else and
        ``checkpoint_mismatch`` is "raise".
    """
    if est.checkpoint_dir is None:
        return None, None
    identity = identify(est, sample, backbone, device, precision)
    if model is not None:  # a warm start: where it starts from counts
        identity["start"] = describe({k: t.numpy() for k, t in model.trained_state().items()})
    file = CheckpointFile(est.checkpoint_dir, identity)
    state = file.load()
    if state is not None and state["finished"] and est.random_state is None:
        state = None  # each fit is to be another one
    if state is None and (other := file.other()) is not None:
        name, differences = other
        text = (
            f"{file.directory} holds unfinished training ({name}) that differs in "
            f"{', '.join(differences)}"
        )
        if est.checkpoint_mismatch == "raise":
            raise ValueError(
                f"{text}; give the same data and parameters to go on with it, another "
                "checkpoint_dir, or checkpoint_mismatch='restart' to start afresh"
            )
        warn(f"{text}; this training starts afresh, beside it")
    return file, state
