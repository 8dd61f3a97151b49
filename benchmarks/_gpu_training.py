"""Sections of ``gpu.py`` about training: its rate, its speed, its memory."""

from __future__ import annotations

import re

import numpy as np
import torch
from _gpu_report import Report, tidy
from _gpu_setup import DEVICE, ON_GPU, Setup, seconds, stepping, timed
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from sklift.images import resolve_augmentation

PRODUCTS = re.compile(r"gemm|nvjet|cutlass|xmma|flash|fmha|sdp|addmm|::mm|bmm", re.IGNORECASE)


class Training:
    """Sections about training; some compare with the figures of earlier ones."""

    def __init__(self, setup: Setup):
        self.setup = setup
        self.peak = self.step_seconds = float("nan")

    def matrix_product(self, report: Report) -> None:
        """Measure the product of two large random matrices in bfloat16."""
        n = 512 if self.setup.dry else 8192
        a, b = (torch.randn(n, n, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
        self.peak = 2 * n**3 / seconds(lambda: a @ b, 20)
        report.row(f"matrix product {n}^3, bfloat16", self.peak / 1e12, "TFLOP/s")

    def step(self, report: Report) -> None:
        """Measure the step alone, of ours and of the loop by hand; ``gpu.py`` says what counts."""
        setup = self.setup
        clf = setup.estimator().fit(setup.few, setup.y_few)
        n_classes = len(clf.classes_)
        with stepping(clf, setup.device_batch(n_classes)) as step:
            with FlopCounterMode(display=False) as counter:
                step()
            self.step_seconds = seconds(step, 3 if setup.dry else 30)
            flops = counter.get_total_flops()
            rate = flops / self.step_seconds
            report.row("training step", setup.batch / self.step_seconds, "img/s")
            report.row("counted in a step", flops / setup.batch / 1e9, "GFLOP/img")
            report.row("rate of a step", rate / 1e12, "TFLOP/s")
            report.row("share of the product's rate", rate / self.peak * 100, "%", "goal 50 %")
            busy, compared = lambda: self._kernels(report, step), "under the profiler"
            report.attempt("device busy in a step", busy, "%", compared)
        plain = setup.loop(setup.few, setup.y_few, clf.adapter_.rank)
        batch = [setup.device_batch(n_classes, floats=True)]
        for dtype in (torch.bfloat16, torch.float32):
            each = seconds(lambda dtype=dtype: plain.epoch(batch, dtype), 2 if setup.dry else 10)
            ours = f"ours {each / self.step_seconds:.2f} times as fast"
            report.row(f"plain step, {str(dtype)[6:]}", setup.batch / each, "img/s", ours)

    def _kernels(self, report: Report, step) -> float:
        """Measure the kernels of three steps, and the share of time that the device computes."""
        kind = ProfilerActivity.CUDA if ON_GPU else ProfilerActivity.CPU
        with profile(activities=[kind]) as trace:
            wall = timed(lambda: [step() for _ in range(3)])
        name = "self_device_time_total" if ON_GPU else "self_cpu_time_total"
        rows = [(getattr(e, name) / 1e6, e.key, e.count) for e in trace.key_averages()]
        rows.sort(reverse=True)
        busy = sum(row[0] for row in rows)
        products = sum(row[0] for row in rows if PRODUCTS.search(row[1]))
        report.row(
            "products and attention in a step", products / busy * 100, "%", "of kernels' time"
        )
        report.keep(
            "kernels", [{"share": s / busy, "calls": n, "name": k} for s, k, n in rows[:40]]
        )
        for spent, key, count in rows[:12]:
            print(f"   {spent / busy:6.1%} {count:5d} calls  {key[:90]}")
        return busy / wall * 100

    def fits(self, report: Report) -> None:
        """Measure whole fits from files, the loop by hand, and the step alone, in turns."""
        setup = self.setup
        rank = setup.estimator().fit(setup.few, setup.y_few).adapter_.rank  # and what is done once
        plain = setup.loop(setup.files, setup.labels, rank)

        def by_hand():
            plain.epoch(dtype=torch.bfloat16)

        by_hand()  # starts the workers
        steps, epochs, firsts, hand = [], [], [], []
        for _ in range(setup.rounds):
            clf = setup.estimator(epochs=3).fit(setup.paths, setup.y)
            firsts.append(clf.history_[0]["dur"])
            epochs += [row["dur"] for row in clf.history_[1:]]
            with stepping(clf, setup.device_batch(len(clf.classes_))) as step:
                steps.append(seconds(step, 2 if setup.dry else 10) / setup.batch)
            hand.append(timed(by_hand))
        alone, n = 1 / float(np.median(steps)), len(setup.y)
        ours, theirs = n / float(np.median(epochs)), len(setup.labels) / float(np.median(hand))
        report.row("fit, first epoch, files decoded", n / firsts[0], "img/s", "each file 3 times")
        report.row("fit, second epoch on", ours, "img/s")
        report.row("step alone, in the same rounds", alone, "img/s")
        report.row("share of fit in step", ours / alone * 100, "%", "goal 95 %")
        report.row(
            "plain epoch, bfloat16", theirs, "img/s", f"ours {ours / theirs:.2f} times as fast"
        )
        report.keep("epochs", {"ours": epochs, "plain": hand, "steps": steps})
        views = timed(lambda: self._views(clf))
        report.row("views alone, decoded before", n / views, "img/s", "what a fit can't exceed")

    def _views(self, clf) -> None:
        """Measure the batches of an epoch, without computing with them."""
        data = clf._data(self.setup.paths, reset=False)
        codes = np.searchsorted(clf.classes_, self.setup.y)
        backbone = clf.model_.backbone
        augmentation = resolve_augmentation(clf.augmentation)
        views = data.training(backbone, codes, None, augmentation, clf.max_epochs, 0)
        for _ in clf.net_.get_iterator(views, training=True):
            pass

    def memory(self, report: Report) -> None:
        """Measure the most memory that a few steps allocate, the frozen tower included."""
        setup = self.setup
        X, y = setup.few, setup.y_few

        def fit(**changes):
            return peak_mib(lambda: setup.estimator(**changes).fit(X, y))

        first = setup.estimator().fit(X, y)  # brings the tower to the device
        rank, n_classes = first.adapter_.rank, len(first.classes_)
        del first
        base = fit()
        report.row("memory of training", base, "MiB")
        report.row("memory, recompute=True", fit(recompute=True), "MiB")
        tidy()
        held = torch.cuda.memory_allocated() / 2**20 if ON_GPU else 0
        plain = setup.loop(X, y, rank)
        batches = [setup.device_batch(n_classes, floats=True)] * 3
        for dtype in (torch.bfloat16, torch.float32):
            peak = peak_mib(lambda dtype=dtype: plain.epoch(batches, dtype))
            peak = None if peak is None else peak - held  # our tower, which it does not need
            compared = "" if peak is None else f"ours {base / peak:.2f} of it"
            report.row(f"memory of plain, {str(dtype)[6:]}", peak, "MiB", compared)

    def compiled(self, report: Report) -> None:
        """Measure ``compile=True``: seconds until it runs, its speed, its memory."""
        setup = self.setup
        if not ON_GPU:  # a minute on two cores
            report.row("compile=True", None)
            return
        plain = setup.estimator(epochs=3).fit(setup.paths, setup.y)
        found = []
        peak = peak_mib(
            lambda: found.append(setup.estimator(epochs=3, compiled=True).fit(setup.paths, setup.y))
        )
        (clf,) = found
        without, later = (min(r["dur"] for r in c.history_[1:]) for c in (plain, clf))
        report.row("compile=True, first epoch", clf.history_[0]["dur"], "s", "compilation included")
        compared = f"{without / later:.2f} times as fast as without"
        report.row("compile=True, later epochs", len(setup.y) / later, "img/s", compared)
        report.row("memory, compile=True", peak, "MiB")

    def recomputed(self, report: Report) -> None:
        """Measure ``recompute=True``: memory and time."""
        setup = self.setup
        clf = setup.estimator(recompute=True).fit(setup.few, setup.y_few)
        with stepping(clf, setup.device_batch(len(clf.classes_))) as step:
            each = seconds(step, 2 if setup.dry else 10)
        compared = f"{each / self.step_seconds:.2f} times the time"
        report.row("training step, recompute=True", setup.batch / each, "img/s", compared)

    def workers(self, report: Report) -> None:
        """Compare processes that prepare batches with threads, in turns."""
        setup = self.setup
        times: dict[int, list[float]] = {0: [], (2 if setup.dry else 8): []}
        for _ in range(min(2, setup.rounds)):
            for n, found in times.items():
                clf = setup.estimator(epochs=3, workers=n).fit(setup.paths, setup.y)
                found += [row["dur"] for row in clf.history_[1:]]
        for n, found in times.items():
            report.row(f"fit, num_workers={n}", len(setup.y) / float(np.median(found)), "img/s")


def peak_mib(function) -> float | None:
    """Return the largest memory of the GPU during a call, in MiB."""
    tidy()
    if not ON_GPU:
        function()
        return None
    torch.cuda.reset_peak_memory_stats()
    function()
    return torch.cuda.max_memory_allocated() / 2**20
