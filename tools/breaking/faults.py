"""Faults: each disturbs a job a number of times, and counts what was lost.

A fault is a function of a job, its expected outcome, an empty folder, a number of times, a random
state and the seconds of an undisturbed run. It returns the number of faults, of runs, and a text
for each loss. A loss is: an outcome that isn't the expected one, where it may not be an error; an
error in the undisturbed run afterwards; a file that is taken for a whole one and isn't.
"""

from __future__ import annotations

import importlib
import os
import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image

import sklift
from breaking.process import Process, difference, finished
from sklift._fitting import _code


@dataclass
class Tally:
    """Numbers of faults and of runs, and the losses."""

    faults: int = 0
    runs: int = 0
    losses: list[str] = field(default_factory=list)

    def check(self, what: str, loss: str) -> None:
        if loss:
            self.losses.append(f"{what}: {loss}")


def _folders(job, home: Path) -> Iterator[Path]:
    """New folders, each prepared; the last one is removed when the next is asked for."""
    i = 0
    while True:
        folder = home / f"{i}"
        folder.mkdir(mode=0o700)
        job.prepare(folder)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
        i += 1


def _end(tally: Tally, what: str, job, folder: Path, expected) -> None:
    """One more run, undisturbed, in the folder of a disturbed one."""
    tally.check(what, job.flaw(folder))
    tally.runs += 1
    found, _ = finished(job, folder)
    tally.check(what, difference(found, expected))
    left = [path.name for path in folder.rglob("*") if path.name.endswith("-journal")]
    tally.check(what, f"journals are left: {left}" if left else "")


def kill(job, expected, home, n, draw, seconds) -> Tally:
    """SIGKILL at random moments, again and again until a run comes through.

    Half of the kills of jobs with several processes hit one of these only.
    """
    tally = Tally()
    for folder in _folders(job, home):
        killed, n_losses = True, len(tally.losses)
        for attempt in range(1000):
            tally.runs += 1
            process = Process(job, folder)
            # later and later, as the machine may be busier than before
            if process.wait(draw.uniform(0, seconds * (1 + attempt / 5))):
                process.kill()
                killed = False
            else:
                tally.faults += 1
                members = process.members()
                if job.outlives_worker and len(members) > 1 and draw.random() < 0.5:
                    process.kill(draw.choice(members[1:]))
                    ended = process.wait(60)
                    tally.check("kill of a worker", "" if ended else "the others hang")
                process.kill()
            tally.check("kill", job.flaw(folder))
            if not killed or len(tally.losses) > n_losses:
                break
        if not killed:
            tally.check("kill", difference(process.result()[0], expected))
        if tally.faults >= n or len(tally.losses) > 5:
            return tally
    return tally


def full_disk(job, expected, home, n, draw, seconds) -> Tally:
    """No file may grow beyond a size: none at all, a part of each file, all but its last byte."""
    folders = _folders(job, home)
    folder = next(folders)
    finished(job, folder)
    sizes = {path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    limits = {0, 1} | {part for size in sizes for part in (size // 2, max(0, size - 1))}
    limits = sorted({max(limit, job.least_room) for limit in limits})
    tally = Tally()
    for limit in limits:
        folder = next(folders)
        tally.faults += 1
        tally.runs += 1
        found, told = finished(job, folder, lambda limit=limit: _limit(limit))
        what = f"no file above {limit} bytes"
        if job.always_finishes:
            tally.check(what, difference(found, expected))
            silent = limit == 0 and job.warns_here and not told
            tally.check(what, "no warning" if silent else "")
        elif isinstance(found, str):
            tally.check(what, "" if found.startswith("OSError") else found)
        _end(tally, what, job, folder, expected)
    return tally


def filling_disk(job, expected, home, n, draw, seconds) -> Tally:
    """From a random moment on, no file may grow beyond a random size."""
    tally = Tally()
    for folder in _folders(job, home):
        tally.runs += 1
        process = Process(job, folder)
        if not process.wait(draw.uniform(0, seconds)):
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            limit = draw.choice([0, *(size + draw.choice([0, 1, 4096]) for size in sizes)])
            limit = max(limit, job.least_room)
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            for pid in process.members():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))
            tally.faults += 1
            if not process.wait():
                tally.check("a disk that fills up", "it hung")
        process.kill()
        found, _ = process.result()
        if job.always_finishes or not isinstance(found, str):
            tally.check("a disk that fills up", difference(found, expected))
        elif not found.startswith("OSError"):
            tally.check("a disk that fills up", found)
        _end(tally, "after a disk that filled up", job, folder, expected)
        if tally.faults >= n or len(tally.losses) > 5:
            return tally
    return tally


def read_only(job, expected, home, n, draw, seconds) -> Tally:
    """A folder that can't be written to: an empty one, one with a part, and a full one."""
    tally = Tally()
    for stage, folder in zip(("empty", "a part", "full"), _folders(job, home), strict=False):
        if stage == "a part":
            process = Process(job, folder)
            process.wait(seconds / 2)
            process.kill()
        if stage == "full":
            finished(job, folder)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        tally.faults += 1
        tally.runs += 1
        found, told = finished(job, folder, _be_nobody)
        what = f"a folder that is read-only, {stage}"
        if job.always_finishes:
            tally.check(what, difference(found, expected))
            silent = stage == "empty" and job.warns_here and not told
            tally.check(what, "no warning" if silent else "")
        else:
            tally.check(what, "" if "PermissionError" in str(found) else str(found))
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        _end(tally, what, job, folder, expected)
    return tally


def removed(job, expected, home, n, draw, seconds) -> Tally:
    """Files of the folder, or all of it, vanish at random moments."""
    tally = Tally()
    for folder in _folders(job, home):
        tally.runs += 1
        process = Process(job, folder)
        if not process.wait(draw.uniform(0, seconds)):
            places = sorted(folder.iterdir())
            if places:
                tally.faults += 1
                place = draw.choice(places)
                inside = sorted(place.iterdir()) if place.is_dir() else []
                if inside and draw.random() < 0.7:
                    place = draw.choice(inside)
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(True)
            if not process.wait():
                tally.check("files that vanish", "it hung")
        process.kill()
        found, _ = process.result()
        tally.check("files that vanish", difference(found, expected))
        _end(tally, "after files vanished", job, folder, expected)
        if tally.faults >= n or len(tally.losses) > 5:
            return tally
    return tally


def clock(job, expected, home, n, draw, seconds) -> Tally:
    """Half of a run; then the times of all files jump to 1980 or to 2100; then another run."""
    tally = Tally()
    for i, folder in enumerate(_folders(job, home)):
        if i == n:
            return tally
        tally.runs += 1
        process = Process(job, folder)
        process.wait(draw.uniform(0, seconds))
        process.kill()
        when = draw.choice([315532800, 4102444800])
        for path in folder.rglob("*"):
            os.utime(path, (when, when))
        tally.faults += 1
        jump = draw.choice([-(10**8), 10**8])
        tally.runs += 1
        found, _ = finished(job, folder, lambda jump=jump: _shift_clock(jump))
        tally.check("times that jump", difference(found, expected))
        _end(tally, "after times jumped", job, folder, expected)
    return tally


def inputs(job, expected, home, n, draw, seconds) -> Tally:
    """One of the pictures changes or vanishes in the middle, and is put back afterwards."""
    tally = Tally()
    for folder in _folders(job, home):
        i = draw.randrange(len(job.paths))
        path = Path(job.paths[i])
        content, times = path.read_bytes(), path.stat()
        process = Process(job, folder)
        tally.runs += 1
        if not process.wait(draw.uniform(0, seconds)):
            tally.faults += 1
            kind = draw.choice(["gone", "other", "damaged"])
            if kind == "gone":
                path.unlink()
            elif kind == "other":
                Image.new("RGB", (50, 44), (255, 0, 0)).save(path)
            else:
                path.write_bytes(content[: len(content) // 2])
            if not process.wait():
                tally.check("a picture that changes", "it hung")
        process.kill()
        found, _ = process.result()
        if isinstance(found, str) and path.name not in found:
            tally.check("a picture that changes", f"an error that does not name it: {found}")
        if not isinstance(found, str):
            for name, rows in found.items():
                if rows.shape == expected[name].shape and len(rows) == len(job.paths):
                    rows[i] = expected[name][i]  # either content is right
            tally.check("a picture that changes", difference(found, expected))
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had happened
        _end(tally, "after a picture changed", job, folder, expected)
        if tally.faults >= n or len(tally.losses) > 5:
            return tally
    return tally


def versions(job, expected, home, n, draw, seconds) -> Tally:
    """The folder was written by another version of this package, or in another format."""
    tally = Tally()
    folders = _folders(job, home)
    folder = next(folders)
    tally.faults += 1
    process = Process(job, folder, _be_older)
    tally.runs += 1
    process.wait(seconds / 2)
    process.kill()
    tally.runs += 1
    found, told = finished(job, folder)
    if isinstance(found, str) and "differs in versions" in found:  # mismatch="raise"
        shutil.rmtree(folder / "runs")
        found, told = finished(job, folder)
    tally.check("a checkpoint of another version", difference(found, expected))
    for change in (_other_tables, _other_format):
        folder = next(folders)
        process = Process(job, folder)
        tally.runs += 1
        # a cache is there in the end, unfinished training before
        process.wait() if change is _other_tables else process.wait(0.7 * seconds)
        process.kill()
        changed = change(folder)
        if not changed:
            continue
        tally.faults += 1
        tally.runs += 1
        found, told = finished(job, folder)
        if change is _other_format:
            names = {path.name for path in changed}
            named = isinstance(found, str) and "format" in found
            if not (named and any(name in found for name in names)):
                tally.check("another format", f"not told: {found if named else type(found)}")
            for path in changed:
                path.unlink(missing_ok=True)
        else:
            tally.check("other tables", difference(found, expected))
            silent = job.warns_here and not told
            tally.check("other tables", "no warning" if silent else "")
        _end(tally, "after another version", job, folder, expected)
    return tally


def _limit(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def _be_nobody() -> None:
    if os.getuid() == 0:  # for whom all can be written to
        for name in ("heap", "pool", "popen_fork", "queues", "resource_sharer", "synchronize"):
            importlib.import_module(f"multiprocessing.{name}")  # nobody may not read them
        os.setresuid(65534, 65534, 0)


def _shift_clock(seconds: int) -> None:
    real = time.time
    time.time = lambda: real() + seconds


def _be_older() -> None:
    known = _code._version
    _code._version = lambda name: "0.0.1" if "lift" in name else known(name)
    sklift.__version__ = "0.0.1"


def _other_tables(folder: Path) -> list[Path]:
    """Databases of the same names whose tables have other columns."""
    found = sorted(folder.rglob("*.sqlite"))
    for path in found:
        path.unlink()
        with closing(sqlite3.connect(path)) as db, db:
            for table in ("features", "files", "arrays", "total"):
                db.execute(f"CREATE TABLE {table} (number INTEGER, text TEXT)")
    return found


def _other_format(folder: Path) -> list[Path]:
    """Checkpoints that say that they are of a later format."""
    found = sorted(folder.rglob("fit-*.pt"))
    for path in found:
        state = torch.load(path, weights_only=True)
        torch.save({**state, "format": 999}, path)
    return found


FAULTS = {
    "kill -9": kill,
    "full disk": full_disk,
    "disk that fills up": filling_disk,
    "read-only folder": read_only,
    "files of ours vanish": removed,
    "clock jumps": clock,
    "pictures change or vanish": inputs,
    "another version": versions,
}
