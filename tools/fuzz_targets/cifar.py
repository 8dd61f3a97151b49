"""Archives of CIFAR: the files inside, and the archive around them."""

from __future__ import annotations

import io
import pickle
import random
import tarfile

import numpy as np

from fuzz_targets._bytes import Plain, damage
from sklift.datasets import load_cifar_lt

READERS = ["tarfile"]
_FOLDER = "cifar-100-python"
_OPCODES = b"(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu]}"
_OPCODES += b"\x80\x85\x86\x87\x8c\x8d\x8e\x8f\x90\x92\x93\x94"


class Target(Plain):
    blind = 0.3

    def seeds(self) -> list[bytes]:
        rng = np.random.default_rng(0)
        batch = {
            "data": rng.integers(0, 256, (6, 3072), dtype=np.uint8)[:, :],
            "fine_labels": [0, 1, 2, 0, 1, 2],
            "filenames": ["a.png"] * 6,
        }
        meta = {"fine_label_names": ["cat", "dog", "fox"]}
        found = []
        for protocol in (0, 2, 5):
            # what is long is short here: changes must meet the opcodes, not pixels
            small = {**batch, "data": np.zeros((6, 3072), np.uint8)}
            found.append(_archive(pickle.dumps(meta, protocol), pickle.dumps(small, protocol)))
        found.append(_archive(pickle.dumps(meta, 2), pickle.dumps(batch, 4)))
        as_bytes = {key.encode(): value for key, value in batch.items()}
        found.append(_archive(pickle.dumps(meta, 2), pickle.dumps(as_bytes, 2)))
        return found

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        """Change a file inside; the archive around it stays whole, three times of four."""
        if draw.random() < 0.25:
            return damage(data, draw, 2048)
        try:
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                members = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
            meta, train = members[f"{_FOLDER}/meta"], members[f"{_FOLDER}/train"]
        except Exception:  # the archive is damaged already
            return damage(data, draw, 2048)
        if draw.random() < 0.3:
            return _archive(_change(meta, draw), train)
        return _archive(meta, _change(train, draw))

    def attempt(self, data: bytes) -> str:
        path = self.folder / f"{_FOLDER}.tar.gz"
        path.write_bytes(data)
        try:
            found = load_cifar_lt(path=path, imbalance_ratio=1)
        except (ValueError, FileNotFoundError) as error:
            return "refused" if str(path) in str(error) else f"UNNAMED: {error!r}"
        if found.images.dtype != np.uint8 or found.images.shape[1:] != (32, 32, 3):
            return f"WRONG: {found.images.dtype} {found.images.shape}"
        if found.target.dtype.kind != "U" or len(found.target) != len(found.images):
            return f"WRONG: {found.target.dtype} {found.target.shape}"
        return "works"


def _change(content: bytes, draw: random.Random) -> bytes:
    """Damage with opcodes of pickle among it, mostly before or behind the pixels."""
    if draw.random() < 0.5:
        return damage(content, draw, 400)
    i = draw.choice([draw.randrange(min(400, len(content) + 1)), max(0, len(content) - 80)])
    i = min(len(content), i + draw.randrange(80))
    extra = bytes(draw.choice(_OPCODES) for _ in range(draw.choice([1, 1, 2, 5])))
    return content[:i] + extra + content[i + draw.choice([0, 1, len(extra)]) :]


def _archive(meta: bytes, train: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in (("meta", meta), ("train", train)):
            member = tarfile.TarInfo(f"{_FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()
