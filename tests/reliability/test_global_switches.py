"""Global switches of other libraries: results depend on the estimators' parameters alone."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from contextlib import contextmanager
from operator import attrgetter

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._compute._isolation import default_modes

rng = np.random.default_rng(0)
X = rng.integers(0, 256, (24, 40, 40, 3), np.uint8)
Y = np.array(["a fox", "a lynx", "an owl"])[np.arange(24) % 3]
ROWS = rng.normal(size=(24, 8)).astype(np.float32)


def switched(set_value, value, before):
    @contextmanager
    def switch():
        old = before()
        set_value(value)
        try:
            yield
        finally:
            set_value(old)

    return switch


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


SWITCHES = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast float16": lambda: torch.autocast("cpu", torch.float16),
    "autocast without its cache": lambda: torch.autocast("cpu", cache_enabled=False),
    "float64": switched(torch.set_default_dtype, torch.float64, torch.get_default_dtype),
    "bfloat16": switched(torch.set_default_dtype, torch.bfloat16, torch.get_default_dtype),
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "deterministic algorithms": deterministic,
    "default device": switched(torch.set_default_device, "meta", torch.get_default_device),
    "device context": lambda: torch.device("meta"),
    "rounded products": switched(
        torch.set_float32_matmul_precision, "medium", torch.get_float32_matmul_precision
    ),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "transform_output": lambda: sklearn.config_context(transform_output="pandas"),
    "metadata routing": lambda: sklearn.config_context(enable_metadata_routing=True),
    "assume_finite": lambda: sklearn.config_context(assume_finite=True),
    "working_memory": lambda: sklearn.config_context(working_memory=1),
    "numpy's errors": lambda: np.errstate(all="raise"),
    "numpy's print": lambda: np.printoptions(precision=1, threshold=2),
    "pandas' text": lambda: pd.option_context("future.infer_string", False),
    "pandas' display": lambda: pd.option_context("display.max_rows", 1, "display.precision", 1),
}


def results(folder) -> dict[str, np.ndarray]:
    """What every door of the estimators gives."""
    common = {"random_state": 0, "max_epochs": 2, "batch_size": 8, "compute__cache": False}
    lora = LiftClassifier(
        "emoji-tiny", adapter="lora", compute__precision="bfloat16", lr=0.1, **common
    ).fit(X, pd.Series(Y))
    rows = LiftClassifier("precomputed", init="linear_probe", **common).fit(ROWS, Y)
    continued = LiftClassifier("precomputed", init="class_mean", **common)
    continued.partial_fit(ROWS, Y, classes=np.unique(Y)).partial_fit(ROWS, Y)
    zero = ZeroShotClassifier("emoji-tiny", compute__cache=False).fit(None, pd.Series(Y))
    projected = ImageEmbedder("emoji-tiny", projected=True, compute__cache=False).fit()
    plain = ImageEmbedder("emoji-tiny", compute__precision="bfloat16", compute__cache=False).fit()
    lora.save(folder / "model.safetensors")
    loaded = LiftClassifier.load(folder / "model.safetensors")
    return {
        **{f"lora {name}": t.numpy() for name, t in lora.model_.trained_state().items()},
        **{f"rows {name}": t.numpy() for name, t in rows.model_.trained_state().items()},
        "lora": lora.predict_proba(X),
        "decisions": lora.decision_function(X),
        "labels": lora.predict(X),
        "prior": lora.estimate_prior(X),
        "rows": rows.predict_proba(ROWS),
        "continued": continued.predict_proba(ROWS),
        "zero-shot": zero.predict_proba(X),
        "text": zero.text_features_,
        "projected": np.asarray(projected.transform(X)),
        "plain": np.asarray(plain.transform(X)),
        "loaded": loaded.predict_proba(X),
        "unpickled": pickle.loads(pickle.dumps(lora)).predict_proba(X),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return results(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_nothing(name, expected, tmp_path):
    with SWITCHES[name]():
        found = results(tmp_path)
    for what, values in expected.items():
        np.testing.assert_array_equal(found[what], values, err_msg=what)


def test_the_number_of_threads_changes_roundings_only(expected, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(3 - min(before, 2))
    try:
        found = results(tmp_path)
    finally:
        torch.set_num_threads(before)
    for what in ("rows", "zero-shot", "projected"):
        np.testing.assert_allclose(found[what], expected[what], atol=1e-5, err_msg=what)


@pytest.mark.parametrize(
    "name",
    ["autocast", "float64", "inference_mode", "no_grad", "device context", "rounded products"],
)
def test_switches_are_as_before_afterwards(name):
    def state():
        return (
            torch.is_autocast_enabled("cpu"),
            torch.is_autocast_cache_enabled(),
            torch.get_default_dtype(),
            torch.get_float32_matmul_precision(),
            torch.is_inference_mode_enabled(),
            torch.is_grad_enabled(),
            str(torch.get_default_device()),
            sklearn.get_config(),
            np.geterr(),
        )

    plain = state()
    with SWITCHES[name](), SWITCHES[name]():
        before = state()
        clf = LiftClassifier("precomputed", max_epochs=1, random_state=0).fit(ROWS, Y)
        with pytest.raises(ValueError, match="features"):
            clf.predict(ROWS[:, :2])
        assert state() == before
    assert state() == plain


@pytest.mark.skipif(
    not hasattr(torch.backends, "fp32_precision"), reason="torch 2.9 has switches of each library"
)
@pytest.mark.parametrize("place", ["", "mkldnn", "mkldnn.matmul", "mkldnn.conv", "cuda.matmul"])
def test_switches_of_the_products_of_libraries(place):
    def state():
        places = ("", "mkldnn", "mkldnn.matmul", "mkldnn.conv", "cuda.matmul")
        return [attrgetter(f"{p}.fp32_precision".lstrip("."))(torch.backends) for p in places]

    switch = attrgetter(place)(torch.backends) if place else torch.backends
    plain, inside = state(), []
    switch.fp32_precision = "tf32" if place == "cuda.matmul" else "bf16"
    try:
        before = state()
        with default_modes():
            inside = state()
        assert state() == before != plain
    finally:
        switch.fp32_precision = "none"
    assert set(inside) <= {"none", "ieee"}
    assert set(state()) <= {"none", "ieee"}  # nothing of it is left behind


def test_a_region_around_a_fit_still_casts_once_it_is_over():
    layer = torch.nn.Linear(8, 8)
    rows = torch.from_numpy(ROWS)
    with torch.autocast("cpu", torch.bfloat16):
        first = layer(rows)
        LiftClassifier("precomputed", max_epochs=1, random_state=0).fit(ROWS, Y)
        assert layer(rows).dtype == torch.bfloat16
        assert torch.equal(layer(rows), first)
    assert layer(rows).dtype == torch.float32


def test_towers_are_loaded_alike_in_any_mode():
    code = (
        "import numpy as np, torch; from sklift import ImageEmbedder\n"
        "X = np.random.default_rng(0).integers(0, 256, (9, 40, 40, 3), np.uint8)\n"
        "emb = ImageEmbedder('emoji-tiny', projected=True, compute__cache=False)\n"
        "torch.set_default_dtype(torch.float64)\n"
        "with torch.inference_mode(), torch.autocast('cpu'), torch.device('meta'):\n"
        "    first = emb.fit_transform(X)\n"
        "torch.set_default_dtype(torch.float32)\n"
        "from sklift import LiftClassifier\n"
        "y = ['a', 'b', 'c'] * 3\n"
        "LiftClassifier('emoji-tiny', adapter='lora', max_epochs=1).fit(X, y).predict(X)\n"
        "assert first.dtype == np.float32 and np.isfinite(first).all()\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=300)


def test_dispatch_to_arrays_of_other_libraries():
    if importlib.util.find_spec("sklearn.externals.array_api_compat") is None:
        pytest.importorskip("array_api_compat")  # scikit-learn 1.6 brings none of its own
    # scipy must be told before it is imported
    code = """
import numpy as np, sklearn, torch, warnings
from sklift import LiftClassifier, metrics
rng = np.random.default_rng(0)
X, y = rng.normal(size=(24, 8)).astype('f'), np.arange(24) % 3
wrong = np.roll(y, 5) % 3
proba = rng.dirichlet([1, 1, 1], 24)
def results(X, y, wrong, proba):
    clf = LiftClassifier("precomputed", max_epochs=2, random_state=0).fit(X, y)
    return {
        "proba": clf.predict_proba(X), "score": clf.score(X, y),
        "recall": metrics.per_class_recall(y, wrong),
        "worst": metrics.worst_class_recall(y, wrong),
        "harmonic": metrics.harmonic_mean_recall(y, wrong),
        "geometric": metrics.geometric_mean_recall(y, wrong),
        "shots": list(metrics.shot_accuracy_score(y, wrong, [30, 10, 200]).values()),
        "ece": metrics.expected_calibration_error(y, proba),
    }
want = results(X, y, wrong, proba)
tensors = [torch.from_numpy(a) for a in (X, y, wrong, proba)]
with sklearn.config_context(array_api_dispatch=True):
    for given in ((X, y, wrong, proba), tensors):
        found = results(*given)
        for name, value in want.items():
            np.testing.assert_array_equal(np.asarray(found[name]), value, err_msg=name)
"""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not ran.returncode, ran.stderr[-2000:]
