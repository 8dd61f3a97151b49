"""Growth of time and memory with rows, classes, candidates, epochs and calls.

Each case runs in a process of its own, at three or four sizes: CPU seconds (the least of some
repetitions), and the peak of the memory above what was there before, without the arrays that are
returned. The exponent is the slope between the two largest sizes, both as logarithms: 1 is linear,
0 is constant. Then a million rows of features, fit and predict, as a ratio to the features alone,
and the memory, open files and threads of a process that does the same again and again.

What is found is kept in a file: a run that is stopped goes on, and a case is run again with
``--again``. Linux only.

``python benchmarks/growth.py [NAME ...] [--quick] [--again] [--results growth.json]``
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# The allocator gives large arrays back at once, and does not get used to them; those of a batch
# come from the heap, since new pages take longer than what is computed in them.
os.environ["MALLOC_MMAP_THRESHOLD_"] = str(1 << 24)
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH")])
)

MOST = 1.1  # exponent
QUICK = 2  # sizes of a case
MILLION, WIDE = (10, 100, 8_142), 1_000_000  # classes, rows
ENOUGH = 20  # seconds of a fit, whose memory does not depend on them
FLAT = 1.05  # memory after all calls, in parts of that after the first


def run_case(key: str, sizes: list[int], send) -> None:
    """Measure a case at its sizes, in this process."""
    from _growth_cases import CASES, prepare_process
    from _growth_measure import measure

    prepare_process()
    prepare = CASES[key].prepare
    prepare(sizes[0])()  # imports, and what the libraries allocate once
    send.send([measure(prepare(size)) for size in sizes])


def run_soak(key: str, n_times: int, send) -> None:
    """Usage of this process in many calls."""
    from _growth_cases import SOAKS, prepare_process
    from _growth_measure import soak

    prepare_process()
    send.send(soak(SOAKS[key][0](), n_times, max(2, n_times // 10)))


def run_million(n_rows: int, n_classes: int, send) -> None:
    """Peak memory of fit and predict, in parts of the features'."""
    from _growth_cases import head, prepare_process, table
    from _growth_measure import give_back_at_once, measure

    give_back_at_once()
    prepare_process()
    head().fit(*table(1_000, 10)).predict(table(1_000, 10)[0])
    X, y = table(n_rows, n_classes)
    clf = head(compute__time_limit=ENOUGH)
    calls = {"fit": lambda: clf.fit(X, y) and None, "predict": lambda: clf.predict(X)}
    found = {what: measure(call) for what, call in calls.items()}
    send.send({what: 1 + one["bytes"] / X.nbytes for what, one in found.items()})


def elsewhere(function, *given):
    """What a function sends from a process of its own, forked where all is imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["_growth_cases"])
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(*given, send))
    process.start()
    send.close()
    try:
        return receive.recv()
    except EOFError:
        raise SystemExit(f"{given[0]} failed, see above") from None
    finally:
        process.join()


class Results:
    """Figures in a file, by section and name; ``again`` measures what is there already anew."""

    def __init__(self, path: str, again: bool):
        self.path, self.again = Path(path), again
        self.content: dict = {}
        if self.path.exists():
            self.content = json.loads(self.path.read_text(encoding="utf-8"))

    def get(self, section: str, name: str, function, *given):
        """The figure, from the file or measured now."""
        part = self.content.setdefault(section, {})
        key = f"{name} {list(given[1:])}"  # other sizes are another measurement
        if self.again or key not in part:
            part[key] = elsewhere(function, *given)
            self.path.write_text(json.dumps(self.content, indent=1), encoding="utf-8")
        return part[key]


def case_row(case, sizes: list[int], found: list[dict]) -> str:
    """A line of the table of cases."""
    from _growth_measure import SMALLEST, exponent

    seconds, memory = ([one[unit] for one in found] for unit in ("seconds", "bytes"))
    slopes = exponent(sizes, seconds), exponent(sizes, memory, SMALLEST)
    shown = ["0" if slope is None else f"{slope:.2f}" for slope in slopes]
    mark = " <" if any(slope is not None and slope > MOST for slope in slopes) else ""
    times = ", ".join(f"{1000 * one:.3g}" for one in seconds)
    largest = f"{memory[-1] / 2**20:.0f}"
    what = f"{sizes[0]:,} to {sizes[-1]:,} {case.against}"
    return f"| {case.name} | {what} | {times} | {shown[0]} | {largest} | {shown[1]} |{mark}"


def soak_row(name: str, n_times: int, found: list[dict]) -> str:
    """A line of the table of processes."""
    memory = [one["bytes"] for one in found]
    counts = [f"{found[0][k]} to {found[-1][k]}" for k in ("open files", "threads")]
    more = any(found[-1][k] > found[0][k] for k in ("open files", "threads"))
    mark = " <" if more or memory[-1] > FLAT * memory[0] else ""
    shown = ", ".join(f"{one / 2**20:.0f}" for one in memory)
    return f"| {n_times:,} {name} | {shown} | {' | '.join(counts)} |{mark}"


def main() -> None:
    """Print the tables, a line at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of the names of cases")
    parser.add_argument("--quick", action="store_true", help="only the smallest sizes")
    parser.add_argument("--again", action="store_true", help="measure anew what is in the file")
    parser.add_argument("--results", default="growth.json")
    given = parser.parse_args()
    from _growth_cases import CASES, SOAKS

    def chosen(name: str) -> bool:
        return not given.names or any(part in name for part in given.names)

    start, results = time.monotonic(), Results(given.results, given.again)
    print("| what | sizes | milliseconds | exponent | MiB at the largest | exponent |")
    print("|---|---|---|---|---|---|")
    for key, case in CASES.items():
        if chosen(key):
            sizes = list(case.sizes[: QUICK if given.quick else None])
            print(
                case_row(case, sizes, results.get("cases", key, run_case, key, sizes)), flush=True
            )
    print("\n| memory, parts of the features' | fit | predict |\n|---|---|---|")
    n_rows = 10_000 if given.quick else WIDE
    for n_classes in MILLION:
        name = f"{n_rows:,} rows, {n_classes:,} classes"
        if chosen(name):
            found = results.get("million", name, run_million, n_rows, n_classes)
            print(f"| {name} | {found['fit']:.2f} | {found['predict']:.2f} |", flush=True)
    print(
        "\n| calls | MiB after the first, each quarter | open files | threads |\n|---|---|---|---|"
    )
    for key, (_, n_times) in SOAKS.items():
        if chosen(key):
            n = n_times // 20 if given.quick else n_times
            print(soak_row(key, n, results.get("soaks", key, run_soak, key, n)), flush=True)
    print(f"\n{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
