"""Sections of ``gpu.py`` about results, and about other uses of a GPU than training."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from _gpu_report import Report, tidy
from _gpu_setup import DEVICE, GRID, ON_GPU, Setup, plain_outputs, seconds, timed
from _gpu_training import peak_mib
from plain import load_tower, test_transform
from prediction import five_crops
from sklearn.model_selection import GridSearchCV
from torch import nn

from sklift import LiftClassifier


class Results:
    """Sections about results."""

    def __init__(self, setup: Setup):
        self.setup = setup

    def prediction(self, report: Report) -> None:
        """Measure predictions of files not seen before, against the loop by hand, in turns."""
        setup = self.setup
        clf = setup.estimator(keep=False).fit(setup.few, setup.y_few)
        embedder = setup.embedder().fit()
        tower = load_tower(setup.model, setup.checkpoint)
        tower.proj = None
        width = tower.ln_post.normalized_shape[0]
        whole = nn.Sequential(tower, nn.Linear(width, len(clf.classes_))).to(DEVICE)
        plain = partial(plain_outputs, batch=setup.batch)
        every, fewer = setup.files, setup.few
        one, five = test_transform(), five_crops()

        def in_crops():
            clf.tta = "fivecrop"
            clf.predict(fewer)
            clf.tta = None

        tasks = {
            "predict": (lambda: clf.predict(every), lambda: plain(whole, every, one), every),
            "five crops": (in_crops, lambda: plain(whole, fewer, five), fewer),
            "features": (
                lambda: embedder.transform(every),
                lambda: plain(tower, every, one),
                every,
            ),
        }
        for what, (ours, theirs, files) in tasks.items():
            ours()
            times = np.median([(timed(ours), timed(theirs)) for _ in range(setup.rounds)], axis=0)
            speeds = len(files) / times
            report.row(f"{what}, unseen files", float(speeds[0]), "img/s")
            compared = f"ours {speeds[0] / speeds[1]:.2f} times as fast"
            report.row(f"plain {what}, bfloat16", float(speeds[1]), "img/s", compared)

    def same_twice(self, report: Report) -> None:
        """Compare two fits with one random_state, and the predictions of one model, bit by bit."""
        setup = self.setup
        fits = [setup.estimator(epochs=2).fit(setup.few, setup.y_few) for _ in range(2)]
        a, b = (clf.model_.trained_state() for clf in fits)
        same = [torch.equal(a[name], b[name]) for name in a]
        goal = "goal: all"
        report.row("tensors equal after two fits", f"{sum(same)} of {len(same)}", "", goal)
        largest = max(float((a[n].double() - b[n].double()).abs().max()) for n in a)
        report.row("largest difference of a weight", largest, "", "goal: 0")
        once, twice = (fits[0].predict_proba(setup.few) for _ in range(2))
        report.row("predictions equal", str(np.array_equal(once, twice)), "", "goal: True")

    def agreement(self, report: Report) -> None:
        """Compare predictions on the device with those of the CPU in float32."""
        setup = self.setup
        clf = setup.estimator(epochs=3, init="class_mean").fit(setup.few, setup.y_few)
        some = setup.files[:: max(1, len(setup.files) // (16 if setup.dry else 96))]
        found = [("in the precision of training", clf.predict_proba(some))]
        found.append(("float32", setup.in_float32(clf).predict_proba(some)))
        path = str(Path(setup.folder) / "model.safetensors")
        clf.save(path)
        exact = setup.in_float32(LiftClassifier.load(path, device="cpu")).predict_proba(some)
        for what, proba in found:
            same = np.mean(proba.argmax(1) == exact.argmax(1)) * 100
            compared = f"of {len(some)}, with the CPU's float32"
            report.row(f"the same class, {what}", float(same), "%", compared)
            largest = float(np.abs(proba - exact).max())
            report.row("  largest difference of a probability", largest)

    def out_of_memory(self, report: Report) -> None:
        """Measure a fit that must take batches in parts, and the memory that it leaves behind."""
        setup = self.setup
        found, limit, compared = [], 1.0, ""

        def fit():
            found.append(setup.estimator(init="class_mean").fit(setup.few, setup.y_few))

        fit()
        found.clear()
        tidy()
        held = torch.cuda.memory_allocated() if ON_GPU else 0
        peak = peak_mib(fit)
        if peak is not None:
            everything = torch.cuda.get_device_properties(DEVICE).total_memory
            limit = (held + 0.4 * (peak * 2**20 - held)) / everything
            compared = f"in {limit * everything / 2**20:.0f} MiB, without limit {peak:.0f}"
        tidy()
        try:
            if ON_GPU:
                torch.cuda.set_per_process_memory_fraction(limit)
            spent = timed(fit)
            limited = found[1].predict_proba(setup.few)
        finally:
            if ON_GPU:
                torch.cuda.set_per_process_memory_fraction(1.0)
        free = found[0].predict_proba(setup.few)
        parts = found[1].accumulate_ if ON_GPU else None
        report.row("parts of a batch in little memory", parts, "", compared)
        report.row("  seconds of that fit", spent, "s")
        report.row("  largest difference of a probability", float(np.abs(free - limited).max()))
        same = float(np.mean(free.argmax(1) == limited.argmax(1)) * 100)
        report.row("  the same class", same, "%")
        found.clear()
        tidy()
        left = torch.cuda.memory_allocated() - held if ON_GPU else None
        report.row("memory left behind after del clf", left, "bytes", "goal: 0")

    def grid(self, report: Report) -> None:
        """Measure a search of 8 candidates in 3 folds, and the last fit."""
        setup = self.setup
        epochs = 1 if setup.dry else 2
        search = GridSearchCV(setup.estimator(epochs=epochs), GRID, cv=3, error_score="raise")
        spent = timed(lambda: search.fit(setup.few, setup.y_few))
        n = len(search.cv_results_["params"])
        compared = f"{n} candidates, 3 folds, {setup.n_few} pictures, {epochs} epochs"
        report.row("grid search", spent, "s", compared)
        for part in ("fit", "score"):
            mean = float(np.mean(search.cv_results_[f"mean_{part}_time"]))
            report.row(f"  a {part} of it", mean, "s")

    def low_precision(self, report: Report) -> None:
        """Measure the bare rates of a feed-forward part's product in 8 bits."""
        m, k, n = (32, 64, 128) if self.setup.dry else (25216, 768, 3072)
        a, b = torch.randn(m, k, device=DEVICE), torch.randn(n, k, device=DEVICE)
        report.keep("product", [m, k, n])
        one, n_times = torch.ones((), device=DEVICE), 1 if self.setup.dry else 20

        def rate(function) -> float:
            return 2 * m * k * n / seconds(function, n_times) / 1e12

        def bfloat16():
            x, w = a.bfloat16(), b.bfloat16()
            return rate(lambda: x @ w.T)

        def int8():
            x, w = ((t * 30).clamp(-127, 127).to(torch.int8) for t in (a, b))
            return rate(lambda: torch._int_mm(x, w.T))

        def float8(fast: bool):
            x, w = (t.to(torch.float8_e4m3fn) for t in (a, b))
            scaled = partial(torch._scaled_mm, out_dtype=torch.bfloat16, use_fast_accum=fast)
            return rate(lambda: scaled(x, w.T, scale_a=one, scale_b=one))

        def conversion():
            x = a.bfloat16()
            return seconds(lambda: (x * 0.5).to(torch.float8_e4m3fn), n_times) * 1e6

        shape = f"({m}, {k}) x ({k}, {n})"
        report.attempt("product in bfloat16", bfloat16, "TFLOP/s", shape)
        report.attempt("product in int8", int8, "TOP/s", shape)
        report.attempt("product in float8", partial(float8, False), "TFLOP/s", shape)
        report.attempt("product in float8, fast sums", partial(float8, True), "TFLOP/s", shape)
        report.attempt("scaling the left factor to float8", conversion, "us", "two kernels")
