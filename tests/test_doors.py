"""Names that other libraries keep to themselves stand in one module for each of them."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import sklift

ROOT = Path(sklift.__file__).parent
DOORS = (
    "_core/_sklearn.py",
    "_compute/_torch.py",
    "backbones/_towers/_open_clip.py",
    "backbones/_towers/_timm.py",
)
TOWERS = "backbones/_towers"
# Inner names of towers that begin with no underscore.
TOWER_WORDS = {
    *("resblocks", "ln_1", "ln_2", "ls_2", "pool_type", "output_tokens", "grad_checkpointing"),
    *("ls1", "ls2", "global_pool", "patch_embed", "patch_drop", "norm_pre", "downsample"),
    *("forward_head", "attn_pool", "c_fc", "c_proj", "layer1"),
}
LOADERS = ("backbones/_openclip.py",)  # makes the tower: CoCa's must not give all its tokens
# What Python, and a notebook, call so in public.
PROTOCOLS = {"_getframe", "_repr_html_"}
# What an estimator declares: scikit-learn reads it by this name, and there is no other way.
ASKED_FOR = {"_parameter_constraints", "_run_search"}
# Set on each subclass by the library itself.
MADE_BY_THEM = {"_abc_impl", "_backward_cls", "_sklearn_auto_wrap_output_keys"}
ACCESSORS = {"getattr", "hasattr", "setattr", "delattr", "attrgetter"}


def is_private(name: str) -> bool:
    return name.startswith("_") and name.strip("_") != "" and not name.endswith("__")


def own_names(trees) -> set[str]:
    """Names that the package itself gives."""
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if getattr(node.value, "id", None) == "self":
                found.add(node.attr)
        elif isinstance(node, ast.Dict):  # of attributes that are set at once
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
    return found


def foreign(tree: ast.AST, own: set[str]) -> list[tuple[int, str]]:
    """Line and name of what is private to others, and of each change of a class."""
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [node.attr]
            if node.attr == "__class__" and isinstance(node.ctx, ast.Store):
                found.append((node.lineno, "a change of class"))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) in ACCESSORS:
            values = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            names = [part for v in values if isinstance(v, str) for part in v.split(".")]
            if "__class__" in names and node.func.id == "setattr":
                found.append((node.lineno, "a change of class"))
        found += [(node.lineno, name) for name in names if is_private(name) and name not in own]
    return found


def trees_of(root: Path) -> dict[str, ast.AST]:
    paths = sorted(root.rglob("*.py"))
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


def misplaced(root: Path) -> list[str]:
    trees = trees_of(root)
    own = own_names(tree for path, tree in trees.items() if path not in DOORS)
    own |= {part for path in trees for part in path.removesuffix(".py").split("/")}
    own |= PROTOCOLS | ASKED_FOR
    return [
        f"{path}:{line}: {name}"
        for path, tree in trees.items()
        if path not in DOORS
        for line, name in foreign(tree, own)
    ]


def test_private_names_stand_in_the_doors():
    assert misplaced(ROOT) == []


def test_every_door_is_needed_and_gives_its_reasons():
    trees = trees_of(ROOT)
    own = own_names(tree for path, tree in trees.items() if path not in DOORS)
    for path in DOORS:
        names = {name for _, name in foreign(trees[path], own)}
        assert names, path
        reasons = ast.get_docstring(trees[path])
        for name in names - {"a change of class"}:
            assert f"``{name}``" in reasons or f"``{name}." in reasons, (path, name)


def test_inner_names_of_towers_stand_in_their_doors():
    found = []
    for path, tree in trees_of(ROOT).items():
        if path.startswith(TOWERS) or path in LOADERS:
            continue
        said = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        said |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)} - {None}
        found += [f"{path}: {word}" for word in sorted(TOWER_WORDS & said)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import torch\ntorch._dynamo.reset()", "_dynamo"),
        ("from sklearn.utils._param_validation import Interval", "_param_validation"),
        ("from sklearn.utils import _safe_indexing", "_safe_indexing"),
        ("import timm.layers._fx", "_fx"),
        ("def f(net):\n    return net._get_params_for('module')", "_get_params_for"),
        ("class A:\n    def f(self):\n        return self._parameters", "_parameters"),
        ("def f(x):\n    return getattr(x, '_buffers', None)", "_buffers"),
        ("def f(x, kind):\n    x.__class__ = kind", "a change of class"),
        ("def f(x, kind):\n    setattr(x, '__class__', kind)", "a change of class"),
    ],
)
def test_what_belongs_to_others_is_found(tmp_path, source, name):
    (tmp_path / "_a.py").write_text("def _own():\n    return _own._own\n" + source)
    (found,) = misplaced(tmp_path)
    assert found.endswith(f": {name}")


def test_a_door_may_say_them(tmp_path):
    (tmp_path / "_compute").mkdir()
    (tmp_path / "_compute" / "_torch.py").write_text("import torch\ntorch._dynamo.reset()")
    assert misplaced(tmp_path) == []


def test_no_class_overrides_what_a_library_keeps_to_itself():
    found = []
    for module in pkgutil.walk_packages(sklift.__path__, "sklift."):
        if module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ != module.name:
                continue
            theirs = [base for base in kind.__mro__ if not base.__module__.startswith("sklift")]
            names = {n for base in theirs if base is not object for n in vars(base)}
            found += [
                f"{module.name}.{kind.__name__}: {name}"
                for name in vars(kind).keys() & names
                if is_private(name) and name not in ASKED_FOR | MADE_BY_THEM
            ]
    assert found == []
