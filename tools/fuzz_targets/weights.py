"""Checkpoint files for ``pretrained=``, of all kinds that are read."""

from __future__ import annotations

import io
import random

import numpy as np
import timm
import torch
from safetensors.torch import save
from torch._weights_only_unpickler import Unpickler

from fuzz_targets._bytes import Plain, change_member, damage
from sklift import backbones
from sklift.backbones import load_backbone

_MODEL = "test_vit"  # the smallest of timm
_KEPT = 20  # of its tensors: the others are in the file too, but empty


class Target(Plain):
    blind = 0.3
    watched = [(Unpickler, "load")]

    def seeds(self) -> list[bytes]:
        """A small file of each kind; a tower of that kind can't be read from it, but it is read."""
        torch.manual_seed(0)
        state = timm.create_model(_MODEL, num_classes=0).state_dict()
        whole = io.BytesIO()
        torch.save(state, whole)
        few = {name: tensor.reshape(-1)[:4].clone() for name, tensor in list(state.items())[:_KEPT]}
        made = [whole.getvalue(), save(few)]
        for content, zipped in (
            (few, True),
            (few, False),
            ({"state_dict": {f"module.{k}": v for k, v in few.items()}, "epoch": 3}, True),
            ({"model": few, "optimizer": {"state": [1, 2.5, None, "x", (1,)]}}, False),
        ):
            file = io.BytesIO()
            torch.save(content, file, _use_new_zipfile_serialization=zipped)
            made.append(file.getvalue())
        for write in (np.savez, np.savez_compressed):
            file = io.BytesIO()
            write(file, **{f"Transformer/{k.replace('.', '/')}": v.numpy() for k, v in few.items()})
            made.append(file.getvalue())
        return made

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        if data[:2] == b"PK" and draw.random() < 0.7:
            return change_member(data, draw, lambda name, content: damage(content, draw, 2000))
        return damage(data, draw, 4000)

    def attempt(self, data: bytes) -> str:
        """The whole file may load; all others must be refused, by the name of their file."""
        suffix = ".safetensors"
        if data[:2] == b"PK" and b".npy" in data:
            suffix = ".npz"
        elif data[:2] == b"PK" or data[:1] == b"\x80":
            suffix = ".pt"
        path = self.folder / f"weights{suffix}"
        path.write_bytes(data)
        try:
            load_backbone(f"timm/{_MODEL}", path)
        except ValueError as error:
            return "refused" if str(path) in str(error) else f"UNNAMED: {error}"
        finally:
            backbones._loaded.clear()
        return "works"
