"""Checkpoints of training, and the fit that goes on from them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from torch._weights_only_unpickler import Unpickler

from fuzz_targets._bytes import Plain, change_member, damage
from sklift import LiftClassifier
from sklift._net import CheckpointFile

_RNG = np.random.default_rng(0)
_X, _Y = _RNG.normal(size=(24, 6)), np.repeat(["cat", "dog", "fox"], 8)
_VALUES = [None, True, 0, -1, 2**40, 10**30, 0.5, float("nan"), "x", [], {}, [{}], [1], {"a": 1}]
_VALUES += [torch.zeros(0), torch.zeros(3, 6), torch.ones(2, dtype=torch.int64), torch.zeros(5056)]


class Target(Plain):
    blind = 0.2
    watched = [(Unpickler, "load")]

    def seeds(self) -> list[bytes]:
        """All checkpoints of a fit, by which the name of the file becomes known, too."""
        contents: list[bytes] = []
        save = CheckpointFile.save

        def recording(file, state):
            save(file, state)
            path = file.finished_path if state["finished"] else file.path
            self.name = file.path.name
            contents.append(path.read_bytes())

        CheckpointFile.save = recording
        try:
            self.expected = self._fit().predict_proba(_X)
        finally:
            CheckpointFile.save = save
        (self.folder / "runs" / self.name.replace("fit", "finished")).unlink()
        return contents[:3] + contents[-2:]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        """Change a value of the state, or bytes of a member of the file."""
        if draw.random() < 0.5:
            return change_member(data, draw, lambda name, content: damage(content, draw, 2000))
        path = self.folder / "state"
        path.write_bytes(data)
        try:
            state = torch.load(path, weights_only=True)
            _change(state, draw)
            torch.save(state, path)
        except Exception:  # damaged before, or no text for it
            return damage(data, draw, 2000)
        return path.read_bytes()

    def attempt(self, data: bytes) -> str:
        path = self.folder / "runs" / self.name
        path.write_bytes(data)
        try:
            clf = self._fit()
        except ValueError as error:
            return "refused" if str(path) in str(error) else f"UNNAMED: {error}"
        finally:
            for left in Path(self.folder / "runs").iterdir():
                left.unlink()
        same = np.array_equal(clf.predict_proba(_X), self.expected)
        return "works" if same else "WRONG: another model"

    def _fit(self) -> LiftClassifier:
        clf = LiftClassifier(
            "precomputed",
            optimizer="adamw",
            validation_fraction=0.2,
            early_stopping=True,
            max_epochs=3,
            batch_size=8,
            checkpoint=self.folder / "runs",
            checkpoint__minutes=0,
            random_state=0,
        )
        return clf.fit(_X, _Y)


def _change(state: dict, draw: random.Random) -> None:
    places = [(state, key) for key in state]
    for container, key in places:
        inner = container[key]
        if isinstance(inner, (dict, list)):
            places += [
                (inner, k) for k in (inner if isinstance(inner, dict) else range(len(inner)))
            ]
    for _ in range(draw.choice([1, 1, 2])):
        container, key = draw.choice(places)
        kind = draw.randrange(4)
        if kind == 0 and isinstance(container, dict):
            container.pop(key, None)
        elif kind == 1:
            other, where = draw.choice(places)
            if where in other if isinstance(other, dict) else where < len(other):
                container[key] = other[where]
        elif kind == 2:
            value = container[key] if isinstance(container, dict) and key in container else None
            if isinstance(value, torch.Tensor):
                container[key] = value.reshape(-1)[: draw.randrange(4)]
        else:
            container[key] = draw.choice(_VALUES)
