"""Fuzzing of all that reads files of others, guided by coverage.

    pip install atheris
    python tools/fuzz_guided.py load cache --minutes 15
    python tools/fuzz_guided.py all --n 300 --seed 0

Each target is a file of ``tools/fuzz_targets/``. It makes its seeds itself, changes inputs with
knowledge of their format, and judges the outcome: an input works, or is refused with a documented
error. With ``--minutes``, atheris chooses what is changed further: inputs that reach new lines of
this package, or of the readers in Python below it. With ``--n``, that many changed seeds are tried;
this needs no atheris, and the same seed gives the same inputs.

The script prints each kind of find once, and a line for each target. The exit status is 1 if there
was any: another error, a wrong answer, for one input more than ten seconds of the processor or
``--memory`` MiB, or a process that died. What an input was is not kept; ``--keep FOLDER`` keeps
those of errors in Python.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import json
import logging
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

TARGETS = tuple(
    sorted(
        path.stem
        for path in (Path(__file__).parent / "fuzz_targets").glob("*.py")
        if not path.stem.startswith("_")
    )
)
FINE = {"works", "refused"}
SECONDS = 10  # for one input
ROOM = 6 << 30  # address space for all inputs; a bomb meets a MemoryError, not the machine


class Watch:
    """Run inputs through a target, and count the outcomes in a file.

    Parameters
    ----------
    target : Target
        See :mod:`fuzz_targets`.
    report : Path
        The file, which the parent reads also if this process dies.
    memory : int
        Bytes that the peak may grow by.
    keep : Path or None
        The folder for inputs of finds.
    """

    def __init__(self, target, report: Path, memory: int, keep: Path | None):
        self.target, self.report, self.memory, self.keep = target, report, memory, keep
        self.counts: Counter[str] = Counter()
        self.seen: set[str] = set()
        self.written = 0.0

    def run(self, data: bytes) -> None:
        faulthandler.dump_traceback_later(20 * SECONDS, exit=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor, however busy it is
        before = _new_peak()
        try:
            outcome = self.target.attempt(data)
        except Exception:
            outcome = f"ESCAPES: {traceback.format_exc(limit=-6)}"
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        if (grown := _peak() - before) > self.memory:
            outcome = f"MEMORY: {grown >> 20} MiB more"
        self.counts[outcome.partition(":")[0]] += 1
        if outcome not in FINE:
            self._tell(outcome, data)
        if time.monotonic() > self.written + 1:
            self.write()

    def _tell(self, outcome: str, data: bytes) -> None:
        kind = re.sub(r"\d+", "", " ".join(re.findall(r'File "(.*)", line', outcome)) or outcome)
        if kind in self.seen:
            return
        self.seen.add(kind)
        print(f"{len(data)} bytes: {outcome}", flush=True)
        if self.keep is not None:
            self.keep.mkdir(parents=True, exist_ok=True)
            name = f"{type(self.target).__name__}-{len(self.seen)}-{os.getpid()}"
            (self.keep / name).write_bytes(data)

    def write(self) -> None:
        self.written = time.monotonic()
        self.report.write_text(json.dumps(self.counts))


def child(options) -> None:
    """The process that takes the inputs."""
    warnings.simplefilter("ignore")
    logging.disable()
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)  # which ends the process
    module = f"fuzz_targets.{options.targets[0]}"
    guide: contextlib.AbstractContextManager = contextlib.nullcontext()
    if options.minutes:
        import atheris

        # "with" imports under instruments; what is imported before has none
        guide = atheris.instrument_imports(include=_readers(options.targets[0]))
    with guide:
        target = importlib.import_module(module).Target(options.folder)
    if options.minutes:
        for owner, name in target.watched:
            setattr(owner, name, atheris.instrument_func(getattr(owner, name)))
    seeds = target.seeds()
    for seed in seeds:  # what is loaded at first use, before memory is looked at
        assert (outcome := target.attempt(seed)) in FINE, f"a seed: {outcome}"
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    watch = Watch(target, options.folder / "report.json", options.memory << 20, options.keep)
    if not options.minutes:
        for i in range(options.n):
            draw = random.Random(f"{options.seed}-{i}")
            watch.run(target.mutate(draw.choice(seeds), draw))
        watch.write()
        if change := target.change():
            print(f"CHANGED: {change}", flush=True)
            sys.exit(1)
        return
    corpus = options.folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for i, seed in enumerate(seeds):
        (corpus / f"seed-{i}").write_bytes(seed)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if draw.random() < target.blind:
            return atheris.Mutate(data, most)
        return target.mutate(data, draw)[:most]

    longest = max(map(len, seeds))
    arguments = [
        sys.argv[0], str(corpus), f"-max_total_time={60 * options.minutes:.0f}",
        f"-max_len={longest + longest // 2 + 1024}", f"-seed={options.seed}", "-verbosity=0",
        "-rss_limit_mb=0", "-timeout=3600", f"-artifact_prefix={options.folder}/",
        "-print_final_stats=0", "-handle_segv=0", "-handle_abrt=0", "-len_control=0",
    ]  # fmt: skip
    atheris.Setup(arguments, watch.run, custom_mutator=mutate)
    atheris.Fuzz()


def _readers(name: str) -> list[str]:
    """Packages that get instruments: this one, and what each target says that it reads with."""
    text = (Path(__file__).parent / "fuzz_targets" / f"{name}.py").read_text()
    found = re.search(r"^READERS = (\[.*?\])", text, re.M | re.S)
    return ["sklift", *(json.loads(found[1]) if found else [])]


def fuzz(name: str, options) -> bool:
    """Fuzz one target in processes of its own; return whether nothing was found."""
    counts: Counter[str] = Counter()
    died = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.tmp) as folder:
        left = options.minutes
        while True:
            command = [sys.executable, __file__, name, "--child", folder, f"--n={options.n}"]
            command += [f"--seed={options.seed + died}", f"--minutes={left}"]
            command += [f"--memory={options.memory}"]
            command += [] if options.keep is None else [f"--keep={options.keep}"]
            said = Path(folder) / "stderr"
            with said.open("w") as file:
                returned = subprocess.run(command, stderr=file, check=False).returncode
            end = said.read_text(errors="replace")[-3000:]
            report = Path(folder) / "report.json"
            if not report.exists():
                sys.exit(f"{name}: it did not begin\n{end}")
            counts.update(json.loads(report.read_text()))
            report.unlink()
            left = options.minutes - (time.monotonic() - begun) / 60
            if returned == 0:
                break
            died += 1  # by a crash, or because an input took too long; the input is not kept
            print(f"{name}: the process ended with status {returned}: {end}", flush=True)
            if not options.minutes or left < 0.1:
                break
    seconds = time.monotonic() - begun
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(
        f"{name}: {seconds / 60:.1f} minutes, {sum(counts.values())} inputs: {told}; processes "
        f"that ended early: {died}",
        flush=True,
    )
    return set(counts) <= FINE and not died


def _new_peak() -> int:
    """The memory of now, from which on its peak is taken: what made the input doesn't count."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="+", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=0, help="for each target, guided")
    parser.add_argument("--n", type=int, default=1000, help="inputs of each, without a guide")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=256, help="MiB that an input may take")
    parser.add_argument("--keep", type=Path, help="folder for the inputs of errors in Python")
    parser.add_argument("--tmp", help="folder for temporary files; best in memory")
    parser.add_argument("--child", dest="folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is not None:
        child(options)
        return 0
    names = TARGETS if "all" in options.targets else options.targets
    return 0 if all([fuzz(name, options) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
