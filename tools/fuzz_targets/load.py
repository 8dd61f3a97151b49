"""Files of models: damaged ones, and forged ones whose checksum fits."""

from __future__ import annotations

import copy
import json
import random
import re

import numpy as np
import torch
from safetensors.torch import load, save

from fuzz_targets._bytes import Plain, damage
from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._persistence._file import _KEY, _checksum

_RNG = np.random.default_rng(0)
_PICTURES = _RNG.integers(0, 256, (12, 40, 40, 3), dtype=np.uint8)
_FEATURES = _RNG.normal(size=(12, 8))
_LABELS = np.repeat(["cat", "dog", "red fox"], 4)
_CLASSES = {cls.__name__: cls for cls in (LiftClassifier, ZeroShotClassifier, ImageEmbedder)}
_NAME = re.compile(rb'estimator\\?"\s*:\s*\\?"(\w+)')
_SHA = re.compile(rb'sha256\\?"\s*:\s*\\?"(\w+)')
_VALUES = [
    None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, 10**18, 10**400, 0.5, -1e308, 5e-324,
    "", "auto", "none", "cpu", "cuda:0", "meta", "float64", "../x", "\ud800", "a" * 5000, "{}",
    [], [[]], {}, [0] * 1000, {"tuple": []}, {"tuple": [1, 2]}, {"dict": [[[], 1]]},
    {"dict": [["a", 1]]}, {"float": "nan"}, {"range": [0, 2**62, 1]}, {"path": "/dev/zero"},
    {"device": "cuda"}, {"device": "?"}, {"array": [], "dtype": "<f8"},
    {"array": [1], "dtype": "T"},
    {"array": ["a"] * 99, "dtype": "<U999999"}, {"array": [1, 2, 3], "dtype": "|u1"},
    {"tensor": "model.head.weight"}, {"tensor": "fitted.text_features_"}, {"own_recipe": "Popen"},
    {"recipe": "lora", "params": {}}, {"recipe": "cosine", "params": {"scale": 1}},
    {"recipe": "adapter", "params": {"rank": 10**9}},
    {"recipe": "vpt", "params": {"length": 2**40}},
    {"recipe": "combination", "params": {"recipes": 5}}, {"recipe": "eval", "params": {}},
]  # fmt: skip


class Target(Plain):
    blind = 0.1  # mostly stopped by the checksum

    def seeds(self) -> list[bytes]:
        """A valid file of each kind; what it predicts is remembered by its checksum."""
        quick = {"max_epochs": 1, "batch_size": 4, "random_state": 0}
        quick["compute__precision"] = "float32"
        both = LiftClassifier("emoji-tiny", adapter=["lora", "sparse"], **quick)
        self.fitted = [
            (LiftClassifier("emoji-tiny", **quick).fit(_PICTURES, _LABELS), _PICTURES),
            (both.fit(_PICTURES, _LABELS), _PICTURES),
            (LiftClassifier("precomputed", random_state=0).fit(_FEATURES, _LABELS), _FEATURES),
            (ZeroShotClassifier("emoji-tiny").fit(None, _LABELS), _PICTURES),
            (ImageEmbedder("emoji-tiny").fit(), _PICTURES),
        ]
        self.expected, contents = {}, []
        for est, X in self.fitted:
            est.save(self.folder / "valid")
            contents.append((self.folder / "valid").read_bytes())
            self.expected[_SHA.search(contents[-1])[1]] = X, _output(est, X)
        return contents

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        """Half are damaged, half get other content, and the checksum that belongs to it."""
        if draw.random() < 0.5:
            return damage(data, draw, 8 + min(int.from_bytes(data[:8], "little"), len(data)))
        try:
            return _forge(data, draw)
        except Exception:  # damaged before, or nothing that could be written
            return damage(data, draw)

    def attempt(self, data: bytes) -> str:
        path = self.folder / "input.safetensors"
        path.write_bytes(data)
        name, sha = _NAME.search(data), _SHA.search(data)
        cls = _CLASSES.get(name[1].decode() if name else "", LiftClassifier)
        try:
            loaded = cls.load(path)
        except ValueError as error:
            return "refused" if path.name in str(error) else f"UNNAMED: {error}"
        if sha and sha[1] in self.expected:
            X, expected = self.expected[sha[1]]
            if not np.array_equal(_output(loaded, X), expected):
                return "WRONG: it loads, and predicts something else"
        return "works"

    def change(self) -> str:
        """The estimators of a process share their backbone: it must be as it was."""
        now = [_output(est, X) for est, X in self.fitted]
        before = [output for _, output in self.expected.values()]
        same = all(map(np.array_equal, now, before))
        return "" if same else "the originals predict something else"


def _output(est, X) -> np.ndarray:
    return est.transform(X) if hasattr(est, "transform") else est.predict_proba(X)


def _forge(data: bytes, draw: random.Random) -> bytes:
    n = int.from_bytes(data[:8], "little")
    content = json.loads(json.loads(data[8 : 8 + n])["__metadata__"][_KEY])
    del content["sha256"]
    tensors = load(data)
    for _ in range(draw.choice([1, 1, 2, 3])):
        if tensors and draw.random() < 0.25:
            _change_tensors(tensors, draw)
        else:
            _change_content(content, draw)
    text = {"sha256": _checksum(content, tensors), **content}
    return save(tensors, {_KEY: json.dumps(text)})


def _change_content(content: dict, draw: random.Random) -> None:
    places = [(content, key) for key in content]
    for container, key in places:
        inner = container[key]
        if isinstance(inner, (dict, list)):
            keys = inner if isinstance(inner, dict) else range(len(inner))
            places += [(inner, k) for k in keys]
    numbers = [(c, k) for c, k in places if type(c[k]) is int]
    if numbers and draw.random() < 0.3:
        container, key = draw.choice(numbers)
        container[key] *= draw.choice([-1, 2, 10**4, 10**9, 10**15])
        return
    container, key = draw.choice(places)
    kind = draw.randrange(5)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, dict):
        new = draw.choice(["x", "predict", "__class__", "classes_", "net_", ""])
        container[new] = container[key]
    elif kind == 2:
        other, where = draw.choice(places)
        container[key] = copy.deepcopy(other[where])
    else:
        container[key] = copy.deepcopy(draw.choice(_VALUES))


def _change_tensors(tensors: dict, draw: random.Random) -> None:
    name = draw.choice(sorted(tensors))
    tensor = tensors[name]
    kind = draw.randrange(6)
    if kind == 0:
        del tensors[name]
    elif kind == 1:
        tensors[name + "x"] = tensors.pop(name)
    elif kind == 2:
        tensors[name] = tensor.reshape(-1)[: draw.randrange(1 + tensor.numel())]
    elif kind == 3:
        dtype = draw.choice([torch.float64, torch.int64, torch.uint8, torch.bool])
        tensors[name] = tensor.to(dtype)
    elif kind == 4:
        shift = draw.choice([1, 2**31, -(2**31)])
        tensors[name] = (tensor.double() - shift).to(tensor.dtype)
    else:
        tensors["model.more"] = torch.zeros(draw.choice([0, 1, 1000]))
