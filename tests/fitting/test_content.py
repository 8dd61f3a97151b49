"""What tells a fit from another: values, and the code that they stand for."""

from __future__ import annotations

import builtins
import enum
import functools
import importlib
import logging
import math
import os
import re
import subprocess
import sys
import sysconfig
import textwrap
import threading
import types
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from skorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F
from torchvision.transforms import v2

from sklift._fitting import _code
from sklift._fitting._content import Description, describe

Pair = namedtuple("Pair", "a b")


def define(source: str, **names):
    """What a cell of a notebook defines: ``f`` or ``C``, in a module of its own."""
    module = types.ModuleType("cell")
    vars(module).update(torch=torch, F=F, nn=nn, **names)
    exec(textwrap.dedent(source), vars(module))
    return getattr(module, "f", None) or module.C


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


class Hidden(nn.Module):
    def __init__(self, value):
        super().__init__()
        self._scale = value


class Partial(BaseEstimator):
    """With something that is no parameter."""

    def __init__(self, a=1):
        self.a = a
        self._b = 2


def fitted(estimator):
    estimator.coef_ = np.ones(3)
    return estimator


def in_the_state_of(rng):
    """Another one, that began with another seed."""
    if isinstance(rng, np.random.Generator):
        other = np.random.default_rng(9)
        other.bit_generator.state = rng.bit_generator.state
    else:
        other = np.random.RandomState(9)
        other.set_state(rng.get_state())
    return other


class Custom:
    """Tells a part of itself to copies."""

    def __init__(self, value):
        self.value, self.same = value, 1

    def __getstate__(self):
        return {"same": self.same}


class Looped:
    def __init__(self, value):
        self.me, self.value = self, value


@dataclass
class Record:
    value: float


def keyword(v):
    def f(x, *, scale=v):
        return x * scale

    return f


def attribute(v):
    def f(x):
        return x * f.scale

    f.scale = v
    return f


VALUES = {
    "float": lambda v: v / 10,
    "text": lambda v: "x" * 200 + str(v),
    "array": lambda v: np.full((3, 2), v),
    "shape": lambda v: np.zeros((v, 2 // v)),
    "dtype of an array": lambda v: np.zeros(1, ["int64", "float64"][v - 1]),
    "shape of a tensor": lambda v: torch.zeros(v, 2 // v),
    "dtype of a tensor": lambda v: torch.zeros(1, dtype=[torch.int64, torch.float64][v - 1]),
    "array of objects": lambda v: np.array([v, "a", None], dtype=object),
    "array of no dimension": lambda v: np.array(v),
    "scalar of numpy": np.float32,
    "tensor": lambda v: torch.full((2,), v),
    "bfloat16": lambda v: torch.tensor(v, dtype=torch.bfloat16),
    "list": lambda v: [[v]],
    "dict": lambda v: {"a": {"b": v}},
    "key": lambda v: {v: "a"},
    "ordered dict": lambda v: OrderedDict(a=v),
    "set": lambda v: {str(v), "a", "b"},
    "named tuple": lambda v: Pair(1, v),
    "series": lambda v: pd.Series([v, 2], ["a", "b"]),
    "index of a series": lambda v: pd.Series([1, 2], ["a", str(v)]),
    "frame": lambda v: pd.DataFrame({"a": [v]}),
    "column of a frame": lambda v: pd.DataFrame({f"c{v}": [1]}),
    "pattern": lambda v: re.compile(str(v)),
    "enum": Color,
    "dtype": lambda v: [torch.float16, torch.float32][v - 1],
    "random state": np.random.RandomState,
    "generator": np.random.default_rng,
    "slots": Slots,
    "module": lambda v: nn.CrossEntropyLoss(label_smoothing=v / 10),
    "private attribute of a module": Hidden,
    "buffer": lambda v: nn.BatchNorm1d(v),
    "transform": lambda v: v2.Compose([v2.RandomHorizontalFlip(v / 10)]),
    "what a copy is not told": Custom,
    "parameter": Partial,
    "in itself": Looped,
    "data class": Record,
    "bound method": lambda v: Record(v).__eq__,
    "bound method of a builtin": lambda v: [v].append,
    "partial": lambda v: functools.partial(F.cross_entropy, label_smoothing=v / 10),
    "closure": lambda v: lambda x: x * v,
    "default": lambda v: lambda x, s=v: x * s,
    "keyword default": keyword,
    "attribute of a function": attribute,
    "wrapped": lambda v: functools.wraps(F.relu)(lambda x: x * v),
    "in a wrapper of a library": lambda v: torch.no_grad()(lambda x: x * v),
    "cached": lambda v: functools.lru_cache(lambda x: x * v),
    "class attribute": lambda v: type("C", (), {"scale": v})(),
    "base class": lambda v: type("C", (type("B", (), {"scale": v}),), {})(),
    "class": lambda v: type("C", (), {"scale": v}),
    "property": lambda v: type("C", (), {"f": property(lambda self: v)})(),
    "static method": lambda v: type("C", (), {"f": staticmethod(lambda: v)})(),
    "class method": lambda v: type("C", (), {"f": classmethod(lambda cls: v)})(),
    "cached property": lambda v: type("C", (), {"f": functools.cached_property(lambda self: v)})(),
    "generic alias": lambda v: list[[int, str][v - 1]],
    "meta class": lambda v: type("M", (type,), {"scale": v})("C", (), {})(),
}


@pytest.mark.parametrize("name", VALUES)
def test_other_values(name):
    make = VALUES[name]
    assert describe(make(1)) == describe(make(1)) != describe(make(2))


CODE = {
    "constant": "def f(x): return x * V",
    "global": "S = V\ndef f(x): return x * S",
    "global of a global": "S = V\ndef g(x): return x * S\ndef f(x): return g(x)",
    "global in a list": "S = [{'a': V}]\ndef f(x): return x * S[0]['a']",
    "global of an inner function": "S = V\ndef f(x): return [(lambda y: y * S)(v) for v in x]",
    "later global": "def f(x): return x * S\nS = V",
    "method": "class C:\n    def __call__(self, x): return x * V",
    "global of a method": "S = V\nclass C:\n    def __call__(self, x): return x * S",
    "method of a module": "class C(nn.Module):\n    def forward(self, x): return x * V",
    "super": "class B:\n    def f(s): return V\nclass C(B):\n    def f(s): return super().f()",
    "class in a function": "def f(x):\n    class D:\n        s = V\n    return D.s",
    "name of a method": "def f(x): return x.mV()",
    "name of a method in a method": "class C:\n    def f(self, x): return x.mV()",
    "recursion": "def f(x): return f(x - 1) * V",
    "decorator": "def d(g): return lambda x: g(x) * V\n@d\ndef f(x): return x",
    "generator": "def f(x): yield V",
    "exception table": "def f(x):\n    try: return x\n    except OSError: return V",
}


@pytest.mark.parametrize("name", CODE)
def test_other_code(name):
    one, same, other = (define(CODE[name].replace("V", v)) for v in "112")
    assert describe(one) == describe(same) != describe(other)
    if isinstance(one, type):
        assert describe(one()) == describe(same()) != describe(other())


def test_another_operator():
    plus, minus = (define(f"def f(x): return x {sign} 1") for sign in "+-")
    assert describe(plus) != describe(minus)


def test_another_way_to_be_called():
    both, by_name = define("def f(x, y): return x - y"), define("def f(x, *, y): return x - y")
    assert describe(both) != describe(by_name)


def test_code_that_a_library_has_written():
    """As ``torch.fx`` does from what the user gives."""

    def written(factor):
        names = {"__name__": "torch.fx.graph_module"}
        exec(compile(f"def f(x): return x * {factor}", "<eval_with_key>", "exec"), names)
        return names["f"]

    assert describe(written(1)) == describe(written(1)) != describe(written(2))


def test_a_global_that_is_set_later():
    f = define("def f(x): return x * S", S=1)
    before = describe(f)
    f.__globals__["S"] = 2
    assert describe(f) != before
    f.__globals__["S"] = 1
    assert describe(f) == before


def test_globals_that_are_not_read_do_not_count():
    f = define("def f(x): return x.S + 1", S=1)
    before = describe(f)
    f.__globals__["S"] = 2
    assert describe(f) == before


class TestModules:
    @pytest.fixture
    def settings(self, tmp_path, monkeypatch):
        """A module of the user, with a package around it."""
        package = tmp_path / "mypackage"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "settings.py").write_text("SCALE, OTHER = 1, 1\ndef scaled(x): return x * SCALE")
        monkeypatch.syspath_prepend(tmp_path)
        yield importlib.import_module("mypackage.settings")
        for name in ("mypackage", "mypackage.settings"):
            sys.modules.pop(name)

    @pytest.mark.parametrize(
        "source",
        [
            "import mypackage.settings as s\ndef f(x): return x * s.SCALE",
            "import mypackage\ndef f(x): return x * mypackage.settings.SCALE",
            "from mypackage.settings import scaled\ndef f(x): return scaled(x)",
            "def f(x):\n    from mypackage.settings import SCALE\n    return x * SCALE",
            "def f(x):\n    import mypackage.settings\n    return x * mypackage.settings.SCALE",
            "import mypackage.settings as s\ndef f(x): return x * getattr(s, 'SC' + 'ALE')",
            "import mypackage.settings as s\ndef f(x): return x * getattr(s, 'SCALE')",
            "import mypackage.settings as s\nclass C:\n    def f(self): return s.SCALE",
            "import mypackage.settings as s\ndef f(x): return x * (lambda: s.SCALE)()",
        ],
    )
    def test_what_is_read_of_the_users_own(self, settings, source):
        f = define(source)
        before = describe(f)
        if "getattr" not in source:
            settings.OTHER = 2
        assert describe(f) == before
        settings.SCALE = 2
        assert describe(f) != before

    @pytest.mark.parametrize(
        "source",
        [
            "def g(m): return m.SCALE\ndef f(x): return x * g(s)",
            "def f(x, m=s): return x * m.SCALE",
            "def g(*, m): return m.SCALE\ndef f(x): return x * g(m=s)",
            "def f(x):\n    m = s\n    return x * operator.attrgetter('SC' + 'ALE')(m)",
        ],
    )
    def test_a_module_that_is_passed_on_counts_whole(self, settings, source):
        f = define(f"import operator\nimport mypackage.settings as s\n{source}")
        before = describe(f)
        assert describe(f) == before and not unseen(f)
        settings.SCALE = 2
        assert describe(f) != before

    def test_an_import_behind_many_names(self, settings):
        many = "; ".join(f"x.a{i}" for i in range(300))
        f = define(f"def f(x):\n    {many}\n    import mypackage.settings as s\n    return s.SCALE")
        before = describe(f)
        assert not unseen(f)
        settings.SCALE = 2
        assert describe(f) != before

    def test_a_library_is_told_by_its_version(self, monkeypatch):
        f = define("def f(z, t): return F.cross_entropy(z, t)")
        before = describe(f)
        monkeypatch.setattr(F, "_some_state", 1, raising=False)
        assert describe(f) == before

    def test_what_somebody_puts_into_a_library(self, monkeypatch):
        f = define("def f(z, t): return F.cross_entropy(z, t)")
        before = describe(f)
        monkeypatch.setattr(F, "cross_entropy", lambda z, t: z.mean())
        assert describe(f) != before

    def test_values_that_somebody_puts_into_a_library(self, monkeypatch):
        f = define("def f(z): return z * F.my_settings.value")
        texts = []
        for value in (1, 1, 2):
            monkeypatch.setattr(F, "my_settings", Record(value), raising=False)
            texts.append(describe(f))
        assert texts[0] == texts[1] != texts[2]

    @pytest.mark.parametrize("source", ["scaled", "SCALE"])
    def test_an_installed_package_that_is_edited(self, settings, tmp_path, monkeypatch, source):
        """Its version stays the same, and so may its values."""
        paths = {**sysconfig.get_paths(), "purelib": str(tmp_path)}
        monkeypatch.setattr(_code.sysconfig, "get_paths", lambda: paths)
        file = tmp_path / "mypackage" / "settings.py"
        f, texts = define(f"import mypackage.settings as s\ndef f(x): return s.{source}"), []
        for i in (1, 1, 2):
            file.write_text(f"SCALE = 1\ndef scaled(x): return x * {i}")
            _code.library_of.cache_clear()
            importlib.invalidate_caches()
            texts.append(describe(f))
        _code.library_of.cache_clear()
        assert texts[0] == texts[1] != texts[2]

    def test_the_state_of_a_library_does_not_count(self):
        f = define("def f(x): return np.random.normal() + math.pi", np=np, math=math)
        before = describe(f)
        np.random.normal()
        assert describe(f) == before and not unseen(f)


def unseen(value):
    description = Description()
    description(value)
    return description.unseen


@pytest.mark.parametrize(
    "value",
    [
        threading.Lock(),
        (i for i in "a"),
        [threading.Lock()],
        define("def f(x): return eval('x')"),
        define("def f(x): return globals()['S']"),
        define("def f(x): return b.eval('S')", b=builtins),
        define("def f(x): return f.__globals__['S']"),
        define("def f(x): return sys.modules['cell'].S", sys=sys),
        define("def f(x): return sys._getframe().f_globals['S']", sys=sys),
        define("def f(x): return load('cell').S", load=importlib.import_module),
        define("def f(x):\n    import importlib\n    return importlib.import_module('cell').S"),
        define("def f(x):\n    import no_such_module"),
        Record(threading.Lock()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_seen_is_never_the_same(value):
    assert describe(value) != describe(value)
    assert unseen(value)


@pytest.mark.parametrize("name", [*VALUES])
def test_all_that_is_usual_can_be_seen(name):
    assert not unseen(VALUES[name](1))


@pytest.mark.parametrize(
    "name", ["torch.Tensor", "nn.Parameter", "pd.DataFrame", "np.ndarray", "(int, torch.Tensor)"]
)
def test_code_that_asks_for_the_kind_of_a_value_can_be_seen(name):
    asks, other = (
        define(f"def f(x): return isinstance(x, {kind})", np=np, pd=pd) for kind in (name, "dict")
    )
    assert describe(asks) == describe(asks) != describe(other)
    assert not unseen(asks)


def test_an_optimizer_is_the_same_after_its_use():
    """torch wraps the step of a class when the first of its optimizers is made."""
    source = "class C(torch.optim.SGD):\n    def step(self, closure=None): super().step(closure)"
    used, other = define(source), define(source.replace("closure)", "None)"))
    before = describe(used)
    used([nn.Parameter(torch.zeros(1))])
    assert vars(used)["step"].hooked
    assert describe(used) == before != describe(other) and not unseen(used)


def test_code_that_writes_to_a_log_can_be_seen():
    f = define("def f(x):\n    log.info(x)\n    return x", log=logging.getLogger("mine"))
    assert describe(f) == describe(f) and not unseen(f)


def test_more_than_a_setting_is_not_looked_at(monkeypatch):
    monkeypatch.setattr("sklift._fitting._content._MOST", 50)
    assert not unseen([[i] for i in range(40)]) and unseen([[i] for i in range(60)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.float64(0.1), 0.1),
        (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        (np.array(["a", "b"], dtype=object), ["a", "b"]),
        (Partial(3), clone(Partial(3))),
        (Partial(3), fitted(Partial(3))),
        (np.random.RandomState(3), in_the_state_of(np.random.RandomState(3))),
        (np.random.default_rng(3), in_the_state_of(np.random.default_rng(3))),
        ([[1]] * 2, [[1], [1]]),
    ],
    ids=str,
)
def test_equal_values(one, other):
    assert describe(one) == describe(other)


class Watcher(Callback):
    seen = 0

    def __init__(self, every=1):
        self.every = every

    def on_batch_end(self, net, **kwargs):
        Watcher.seen += 1
        self.last_ = Watcher.seen


def test_what_watches_may_change_meanwhile(monkeypatch):
    def text(callback):
        return Description(type(callback).__mro__)(callback)

    callback = Watcher()
    before, with_values = text(callback), describe(callback)
    callback.on_batch_end(None)
    assert text(callback) == before != text(Watcher(2))
    assert describe(callback) != with_values
    monkeypatch.setattr(Watcher, "on_batch_end", lambda self, net, **kwargs: None)
    assert text(callback) != before


def test_processes_agree(tmp_path):
    program = textwrap.dedent(
        """
        import functools
        import torch
        from torch import nn
        from torch.nn import functional as F
        from sklift._fitting._content import describe

        NAMES = {"some", "names", "in", "a", "set"}
        class Loss(nn.Module):
            names = NAMES
            def forward(self, z, t): return F.cross_entropy(z, t) * len(NAMES)
        print(describe([Loss(), functools.partial(lambda x: x in {"a", "b", "c"}), NAMES]))
        """
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outs) == 1
