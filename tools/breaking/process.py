"""A job in a forked process, which may be stopped, starved of disk space, or told another time."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

LONGEST = 180.0  # seconds for any run; more is a loss


class Process:
    """A job that has been started.

    Parameters
    ----------
    job : Job
        The job.
    folder : Path
        Its folder.
    before : callable, optional
        Called in the new process before the job.
    """

    def __init__(self, job, folder: Path, before: Callable[[], None] | None = None):
        self.begun = time.monotonic()
        self.out = folder.parent / f"{folder.name}.outcome"
        self.out.unlink(missing_ok=True)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._be(job, folder, before)
            finally:  # whatever happens: what follows is the work of the parent
                os._exit(0)

    def _be(self, job, folder, before) -> None:
        """Do the job in this new process, write its outcome, and end."""
        os.setsid()  # the whole group can be killed
        out = self.out.open("wb")  # now: the job may lose the right to
        log = os.open(self.out.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if before is not None:
                    before()
                outcome: object = job.run(folder)
            except BaseException as error:
                outcome = f"{type(error).__name__}: {error}"
                with contextlib.suppress(OSError):  # there may be no room for it
                    traceback.print_exc()
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        texts = [str(warning.message) for warning in caught]
        with out:
            pickle.dump((outcome, texts), out)

    def wait(self, seconds: float = LONGEST) -> bool:
        """Return whether it ended within this time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return True
            time.sleep(0.002)
        return False

    def kill(self, pid: int | None = None) -> None:
        """Kill the whole group, or one process of it."""
        with contextlib.suppress(ProcessLookupError):
            if pid is None:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)
        if pid in (None, self.pid):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def members(self) -> list[int]:
        """Processes of the group, that of the job first."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.pid:
                    found.append(int(path.parent.name))
        return sorted(found, key=lambda pid: pid != self.pid)

    def result(self):
        """Arrays by name, or the text of an error; and the texts of warnings."""
        try:
            return pickle.loads(self.out.read_bytes())
        except (OSError, EOFError, pickle.UnpicklingError):  # killed before its end
            return "it ended without an outcome", []


def finished(job, folder: Path, before=None):
    """The result of a job that is left alone; a hang is a result, too."""
    process = Process(job, folder, before)
    if not process.wait():
        process.kill()
        return f"it hung for {LONGEST:.0f} s", []
    process.kill()  # helpers that it left, such as those of joblib
    return process.result()


def difference(found, expected: dict[str, np.ndarray]) -> str:
    """Why an outcome isn't the expected one; an empty text if it is, bit by bit."""
    if isinstance(found, str):
        return found
    if found.keys() != expected.keys():
        return f"other values: {sorted(found)}"
    for name, array in found.items():
        other = expected[name]
        if array.dtype != other.dtype or array.tobytes() != other.tobytes():
            return f"{name} differs"
    return ""
