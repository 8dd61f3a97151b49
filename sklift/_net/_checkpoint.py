"""Checkpoints: files with the state of training, from which a fit continues."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from skorch.callbacks import Callback

from .._core._warn import warn
from .._store._atomic import remove_leftovers, replacing
from .._store._private import make_folder, open_file

FORMAT = 3
# Bounds for the files of finished fits, which a restarted search does not repeat.
MOST_FINISHED = 1000
MOST_BYTES = 1 << 33
_MOST_READ = 3  # files of other fits that are read
_MOST_VALUES = 1 << 22  # numbers and texts in a state
_DEEPEST = 16
_MOST_REPEATED = 1 << 28  # bytes that an expanded tensor has more than its storage
_PLAIN = (str, bytes, int, float, complex, type(None), torch.dtype, torch.device)
_KEYS = {
    "accumulate",
    "best",
    "finished",
    "format",
    "history",
    "identity",
    "loss",
    "optimizer",
    "random_state",
    "regularizer",
    "resumed",
    "seed",
    "stopping",
    "weights",
}


class CheckpointFile:
    """The checkpoint files of one fit, named by its identity: the fits of a search share a folder.

    The state of an unfinished fit is in ``fit-<digest>.pt``, that of a finished fit in
    ``finished-<digest>.pt``: other fits see the difference without reading the file. Beyond
    ``MOST_FINISHED`` or ``MOST_BYTES``, the oldest finished ones are deleted.

    Parameters
    ----------
    directory : str or path
        The folder, which is created before the first write.
    identity : dict of str to str
        Texts of everything that the outcome of the fit depends on, by name.

    Raises
    ------
    ValueError
        If the folder is a file.
    """

    def __init__(self, directory, identity: dict[str, str]):
        self.directory = Path(directory).expanduser()
        self.identity = identity
        if os.path.isfile(self.directory):
            raise ValueError(f"checkpoint={str(directory)!r} is a file: give a folder")
        text = "\n".join(f"{name}={identity[name]}" for name in sorted(identity))
        digest = blake2b(text.encode(), digest_size=8).hexdigest()
        self.path = self.directory / f"fit-{digest}.pt"
        self.finished_path = self.directory / f"finished-{digest}.pt"

    def load(self) -> dict | None:
        """The stored state of this fit, or None.

        Raises
        ------
        ValueError
            If the file can't be read.
        """
        path = next((p for p in (self.path, self.finished_path) if os.path.exists(p)), None)
        if path is None:
            return None
        return _read(path)

    def open_folder(self) -> None:
        """Create the folder, if necessary, and remove temporary files of this fit.

        Raises
        ------
        OSError
            If it can't be created.
        """
        make_folder(self.directory)
        for path in (self.path, self.finished_path):
            remove_leftovers(path)

    def save(self, state: dict) -> None:
        """Write the state to a temporary file, then replace the old file by it."""
        make_folder(self.directory)  # it may have been deleted since the start
        state = {"format": FORMAT, "identity": self.identity, **state}
        with replacing(self.finished_path if state["finished"] else self.path) as file:
            torch.save({**state, "checksum": _checksum(state)}, file)
        if state["finished"]:
            self.path.unlink(missing_ok=True)
            self._drop_oldest()

    def other_fit(self) -> tuple[str, list[str]] | None:
        """File name of another unfinished fit in the folder, and the names that differ; or None."""
        try:
            paths = [path for path in sorted(self.directory.glob("fit-*.pt")) if path != self.path]
        except OSError:  # no folder can have this name
            return None
        for path, _ in zip(paths, range(_MOST_READ), strict=False):
            with suppress(ValueError):
                theirs = _read(path)["identity"]
                names = self.identity.keys() | theirs.keys()
                differences = [n for n in names if self.identity.get(n) != theirs.get(n)]
                return path.name, sorted(differences)
        return None

    def _drop_oldest(self) -> None:
        """Delete the oldest files, but never that of this fit: the clock may have been ahead."""
        found = []
        for path in self.directory.glob("finished-*.pt"):
            with suppress(OSError):  # another process has removed it
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        n_bytes = sum(size for _, size, _ in found)
        surplus = len(found) - MOST_FINISHED
        others = sorted(file for file in found if file[2] != self.finished_path)
        for i, (_, size, path) in enumerate(others):
            if i >= surplus and n_bytes <= MOST_BYTES:
                break
            path.unlink(missing_ok=True)
            n_bytes -= size


def _read(path: Path) -> dict:
    try:
        with open_file(path, "rb") as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
        found = state["format"]
        checksum = state.pop("checksum", None)
        is_whole = checksum is not None and checksum == _checksum(state) and state.keys() == _KEYS
    except Exception:  # many types, some with the advice to trust the file
        found, is_whole = None, False
    if isinstance(found, int) and found != FORMAT:
        raise ValueError(
            f"{path} is of checkpoint format {found}, this version of sklift reads {FORMAT}: "
            "delete it, or go on with the version that wrote it"
        )
    if not is_whole:
        raise ValueError(
            f"the checkpoint {path} can't be read, it is damaged or something else: delete it to "
            "start afresh"
        )
    return state


def _checksum(state: dict) -> str:
    """A digest of all tensors and values, since torch reads a file whose bytes have changed.

    Raises
    ------
    ValueError
        If values stand in each other, or a tensor is far larger than what is stored for it.
    """
    digest, n_values = blake2b(digest_size=16), 1
    waiting: list[tuple[Any, int]] = [(state, 0)]  # values, and how deep they lie
    while waiting:
        value, depth = waiting.pop()
        digest.update(f"{type(value).__name__} ".encode())
        if isinstance(value, (dict, list, tuple)):
            parts = value
            if isinstance(value, dict):
                parts = [part for item in value.items() for part in item]
            digest.update(f"{len(parts)}\n".encode())
            n_values += len(parts)
            if n_values > _MOST_VALUES or depth > _DEEPEST:
                raise ValueError("the state has too many values, or they stand in each other")
            waiting += [(part, depth + 1) for part in parts]
        elif isinstance(value, torch.Tensor):
            if value.nbytes > value.untyped_storage().nbytes() + _MOST_REPEATED:
                raise ValueError("a tensor repeats its values too often")
            digest.update(f"{value.dtype} {tuple(value.shape)}\n".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        elif isinstance(value, _PLAIN):
            digest.update(f"{value!r}\n".encode())
    return digest.hexdigest()


class Checkpoints(Callback):
    """Saves the state of training at the end of each epoch, and every ``minutes`` within it."""

    def __init__(self, file: CheckpointFile, minutes: float, seed: int, within_epochs: bool = True):
        self.file = file
        self.minutes = minutes
        self.seed = seed
        self.within_epochs = within_epochs  # False for user orders: they can't resume in an epoch

    def on_train_begin(self, net, **kwargs):
        """Start the clock, and create the folder, so that a failure is reported at once."""
        self.saved_ = time.monotonic()
        self.failed_ = False
        self._attempt(self.file.open_folder)

    def on_batch_end(self, net, training=False, **kwargs):
        """Save if it is time to, or after Ctrl-C; the state is consistent between two batches."""
        due = time.monotonic() - self.saved_ >= 60 * self.minutes
        if training and (due or net.interrupted) and self.within_epochs:
            self.save(net)

    def on_epoch_end(self, net, **kwargs):
        """Save the epoch; this comes before the callbacks that stop training."""
        self.save(net)

    def save(self, net, finished: bool = False) -> None:
        """Write the state. After a failure, such as a full disk, training continues."""
        self.saved_ = time.monotonic()
        self._attempt(
            lambda: self.file.save(
                {"seed": self.seed, "finished": finished, **net.training_state()}
            )
        )

    def _attempt(self, action) -> None:
        try:
            action()
        except Exception as error:  # torch raises the same types for a full disk and for bugs
            if not self.failed_:
                warn(
                    f"the checkpoint {self.file.path} could not be written ({error}); training "
                    "goes on, and the last one that was written stays"
                )
            self.failed_ = True
