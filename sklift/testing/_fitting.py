"""Checks of the effects of fit on the estimator, and on random states."""

from __future__ import annotations

import copy
import pickle
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np
from sklearn.pipeline import make_pipeline

from ._common import assert_same, fitted, outputs, pictures, prepared


def check_fit_returns_self(name, estimator_orig):
    """Fit returns the estimator."""
    estimator = prepared(estimator_orig)
    assert estimator.fit(*pictures()) is estimator, f"{name}.fit does not return self"


def check_fit_keeps_parameters(name, estimator_orig):
    """Fit changes no parameter, nested ones included."""
    estimator = prepared(estimator_orig)
    before = {key: joblib.hash(value) for key, value in estimator.get_params().items()}
    estimator.fit(*pictures())
    after = {key: joblib.hash(value) for key, value in estimator.get_params().items()}
    changed = sorted(
        key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    )
    assert not changed, f"{name}.fit changes the parameters {changed}"


def check_fit_adds_fitted_attributes_only(name, estimator_orig):
    """Attributes that fit adds end with an underscore, or are private."""
    estimator = prepared(estimator_orig)
    before = set(vars(estimator))
    added = set(vars(estimator.fit(*pictures()))) - before
    wrong = sorted(key for key in added if not key.endswith("_") and not key.startswith("_"))
    assert not wrong, f"{name}.fit adds {wrong}: their names must end with an underscore"


def check_fit_idempotent(name, estimator_orig):
    """A second fit gives the same model as the first."""
    X, y = pictures()
    estimator = prepared(estimator_orig, warm_start=False).fit(X, y)
    once = outputs(estimator, X)
    assert_same(outputs(estimator.fit(X, y), X), once, f"{name} fitted twice")


def check_refit_forgets(name, estimator_orig):
    """A fit leaves nothing of an earlier fit to other classes."""
    X, y = pictures(2)
    fresh = fitted(estimator_orig, X, y)
    again = fitted(estimator_orig, *pictures(), warm_start=False).fit(X, y)
    assert_same(outputs(again, X), outputs(fresh, X), f"{name} fitted to other classes before")
    left = sorted(set(vars(again)) - set(vars(fresh)))
    assert not left, f"{name} keeps {left} of an earlier fit"


def check_random_state(name, estimator_orig):
    """Fit gives the same model again, whatever the global random state."""
    X, _ = pictures()
    found = []
    for seed in (1, 2):
        with _random_states_restored():
            _seed_all(seed)
            found.append(outputs(fitted(estimator_orig), X))
    assert_same(found[0], found[1], f"{name} fitted under another global seed")


def check_global_random_state(name, estimator_orig):
    """Fit and predictions leave the random states of Python, numpy and torch alone."""
    X, _ = pictures()
    with _random_states_restored():
        _seed_all(0)
        before = _next_draws()
        _seed_all(0)
        estimator = fitted(estimator_orig)
        assert _next_draws() == before, f"{name}.fit draws from a global random state"
        _seed_all(0)
        outputs(estimator, X)
        assert _next_draws() == before, f"{name} draws from a global random state to predict"


def check_predictions_keep_state(name, estimator_orig):
    """Predictions replace no attribute, and change no array, list or dict in one."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    before, content = dict(vars(estimator)), _content(estimator)
    outputs(estimator, X)
    after, now = vars(estimator), _content(estimator)
    changed = {key for key in before.keys() | after.keys() if before.get(key) is not after.get(key)}
    changed |= {key for key in content if content[key] != now.get(key)}
    assert not changed, f"the predictions of {name} change {sorted(changed)}"


def check_copies(name, estimator_orig):
    """A pickle, a joblib file and a deep copy predict what the original predicts."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    expected = outputs(estimator, X)
    assert_same(outputs(pickle.loads(pickle.dumps(estimator)), X), expected, f"{name} unpickled")
    assert_same(outputs(copy.deepcopy(estimator), X), expected, f"a deep copy of {name}")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "estimator.joblib"
        joblib.dump(estimator, path)
        assert_same(outputs(joblib.load(path), X), expected, f"{name} from joblib")
    assert_same(outputs(estimator, X), expected, f"{name} that has been copied")


def check_pipeline(name, estimator_orig):
    """A pipeline of the estimator predicts the same as the estimator alone."""
    X, y = pictures()
    expected = outputs(fitted(estimator_orig), X)
    pipeline = make_pipeline(prepared(estimator_orig)).fit(X, y)
    assert_same(outputs(pipeline, X), expected, f"{name} in a pipeline")


class _random_states_restored:
    """Context that restores the global random states at its end."""

    def __enter__(self):
        import torch

        self.states = random.getstate(), np.random.get_state(), torch.get_rng_state()

    def __exit__(self, *_):
        import torch

        random.setstate(self.states[0])
        np.random.set_state(self.states[1])
        torch.set_rng_state(self.states[2])


def _content(estimator) -> dict[str, str]:
    held = {k: v for k, v in vars(estimator).items() if isinstance(v, (np.ndarray, list, dict))}
    return {key: joblib.hash(value) for key, value in held.items()}


def _seed_all(seed: int) -> None:
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)  # the generator of the CPU only: it is restored


def _next_draws() -> tuple:
    import torch

    return random.random(), np.random.random(), torch.rand(()).item()


CHECKS = (
    check_fit_returns_self,
    check_fit_keeps_parameters,
    check_fit_adds_fitted_attributes_only,
    check_fit_idempotent,
    check_refit_forgets,
    check_random_state,
    check_global_random_state,
    check_predictions_keep_state,
    check_copies,
    check_pipeline,
)
