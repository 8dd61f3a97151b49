"""Training that survives: its state in a file, after each epoch and every few minutes."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import torch
from skorch.callbacks import Callback

from .._core._warn import warn

FORMAT = 1
_KEYS = {
    "accumulate",
    "best",
    "finished",
    "format",
    "history",
    "identity",
    "optimizer",
    "random_state",
    "resumed",
    "seed",
    "stopping",
    "weights",
}


class CheckpointFile:
    """One file for one fit, named by data and parameters: a search may share a folder.

    Parameters
    ----------
    directory : str or path
        The folder; made if it is not there.
    identity : dict of str to str
        What the outcome depends on, by name.
    """

    def __init__(self, directory, identity: dict[str, str]):
        self.directory = Path(directory).expanduser()
        self.identity = identity
        if self.directory.is_file():
            raise ValueError(f"checkpoint={str(directory)!r} is a file: give a folder")
        self.directory.mkdir(parents=True, exist_ok=True)
        text = "\n".join(f"{name}={identity[name]}" for name in sorted(identity))
        digest = blake2b(text.encode(), digest_size=8).hexdigest()
        self.path = self.directory / f"fit-{digest}.pt"
        for path in self.directory.glob(f"{self.path.stem}-*.tmp"):
            with suppress(OSError):  # a kill leaves what it cut short; a live write is younger
                if time.time() - path.stat().st_mtime > 3600:
                    path.unlink()

    def load(self) -> dict | None:
        """The state of this very fit, or None if there is none.

        Raises
        ------
        ValueError
            If the file can't be read.
        """
        if not self.path.exists():
            return None
        state = _read(self.path)
        if state["format"] != FORMAT:
            raise ValueError(
                f"{self.path} is of checkpoint format {state['format']}, this version of sklift "
                f"reads {FORMAT}: delete it, or go on with the version that wrote it"
            )
        return state

    def save(self, state: dict) -> None:
        """Write the state beside the file, then put it in its place: never is it half there."""
        state = {"format": FORMAT, "identity": self.identity, **state}
        handle, temporary = tempfile.mkstemp(".tmp", f"{self.path.stem}-", self.directory)
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def others(self) -> dict[str, list[str]]:
        """Unfinished fits in the folder that are not this one, and where they differ."""
        found = {}
        for path in sorted(self.directory.glob("fit-*.pt")):
            if path == self.path:
                continue
            try:
                state = _read(path)
            except ValueError:
                continue
            if not state["finished"]:
                theirs = state["identity"]
                names = self.identity.keys() | theirs.keys()
                found[path.name] = sorted(n for n in names if self.identity.get(n) != theirs.get(n))
        return found


def _read(path: Path) -> dict:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # of many kinds, with texts that advise to trust the file
        state = None
    if (
        not isinstance(state, dict)
        or not state.keys() >= _KEYS
        or not isinstance(state["identity"], dict)
    ):
        raise ValueError(
            f"the checkpoint {path} can't be read, it is damaged or something else: delete it to "
            "start afresh"
        ) from None
    return state


class Checkpoints(Callback):
    """Saves the state of training at the end of each epoch, and within when minutes have passed."""

    def __init__(self, file: CheckpointFile, minutes: float, seed: int, within_epochs: bool = True):
        self.file = file
        self.minutes = minutes
        self.seed = seed
        self.within_epochs = within_epochs  # a user's own order can't be taken up in the middle

    def on_train_begin(self, net, **kwargs):
        """The clock starts."""
        self.saved_ = time.monotonic()
        self.failed_ = False

    def on_batch_end(self, net, training=False, **kwargs):
        """Between two batches everything is consistent."""
        due = time.monotonic() - self.saved_ >= 60 * self.minutes
        if training and (due or net.interrupted) and self.within_epochs:
            self.save(net)

    def on_epoch_end(self, net, **kwargs):
        """After the epoch, and before anybody stops training."""
        self.save(net)

    def save(self, net, finished: bool = False) -> None:
        """Write; a failure, such as a full disk, loses nothing and training goes on."""
        self.saved_ = time.monotonic()
        try:
            self.file.save({"seed": self.seed, "finished": finished, **net.training_state()})
        except OSError as error:
            if not self.failed_:
                warn(
                    f"the checkpoint {self.file.path} could not be written ({error}); training "
                    "goes on, and the last one that was written stays"
                )
            self.failed_ = True
