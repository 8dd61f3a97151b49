"""Fuzzing of ``load``: damaged and forged files load, or are refused with a ValueError.

    python tools/fuzz_load.py --n 5000 --seed 0

Two kinds, half each. *Damaged*: bytes of a valid file are changed, cut out, inserted; what loads
must predict as the original does. *Forged*: parameters, attributes and tensors are changed and the
checksum is made anew, as an attacker would; what loads may predict anything. In the end the
original must predict as in the beginning, since all estimators of a process share their backbone.
The exit status is 1 if any input raised something else, took longer than ten seconds, or let the
memory grow by more than 256 MiB.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import json
import logging
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._persistence._file import _KEY, _checksum

SECONDS, MAX_GROWTH = 10, 256 << 20
RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (12, 40, 40, 3), dtype=np.uint8)
LABELS = np.repeat(["cat", "dog", "red fox"], 4)
VALUES = [
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


def originals(folder: Path) -> list[tuple]:
    """(class, bytes, outputs) of a valid file of every kind."""
    quick = {"max_epochs": 1, "batch_size": 4, "random_state": 0, "compute__precision": "float32"}
    features = RNG.normal(size=(12, 8))
    made = [
        (LiftClassifier("emoji-tiny", **quick).fit(PICTURES, LABELS), PICTURES),
        (
            LiftClassifier("emoji-tiny", adapter=["lora", "sparse"], **quick).fit(PICTURES, LABELS),
            PICTURES,
        ),
        (LiftClassifier("precomputed", random_state=0).fit(features, LABELS), features),
        (ZeroShotClassifier("emoji-tiny").fit(None, LABELS), PICTURES),
        (ImageEmbedder("emoji-tiny").fit(), PICTURES),
    ]
    found = []
    for est, X in made:
        est.save(folder / "valid")
        found.append((est, X, (folder / "valid").read_bytes(), output(est, X)))
    return found


def output(est, X) -> np.ndarray:
    return est.transform(X) if hasattr(est, "transform") else est.predict_proba(X)


def damage(data: bytes, draw: random.Random) -> bytes:
    """A few random changes of bytes; the header gets as many as the weights."""
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 5])):
        n_header = 8 + min(int.from_bytes(data[:8], "little"), len(data))
        end = draw.choice([8, n_header, len(data)])
        i = draw.randrange(max(1, min(end, len(data))))
        length = draw.choice([1, 1, 4, 100])
        kind = draw.randrange(8)
        if kind == 0:
            data[i : i + 1] = bytes([data[i] ^ (1 << draw.randrange(8))]) if data else b"x"
        elif kind == 1:
            data[i : i + length] = draw.randbytes(length)
        elif kind == 2:
            data[i:i] = draw.randbytes(length)
        elif kind == 3:
            del data[i : i + length]
        elif kind == 4:
            data[i:i] = data[i : i + length]
        elif kind == 5:
            del data[i:]
        elif kind == 6:
            data[i : i + 1] = draw.choice([b" ", b'"', b"\\", b"9", b"{", b"]", b"\xff", b"\0"])
        else:
            data[:8] = draw.choice([0, 1, n_header, len(data), 2**40, 2**64 - 1]).to_bytes(
                8, "little"
            )
    return bytes(data)


def forge(data: bytes, draw: random.Random) -> bytes:
    """A file with other content, and the checksum that belongs to it."""
    n = int.from_bytes(data[:8], "little")
    content = json.loads(json.loads(data[8 : 8 + n])["__metadata__"][_KEY])
    del content["sha256"]
    tensors = load(data)
    for _ in range(draw.choice([1, 1, 2, 3])):
        if tensors and draw.random() < 0.25:
            change_tensors(tensors, draw)
        else:
            change_content(content, draw)
    text = {"sha256": _checksum(content, tensors), **content}
    return save(tensors, {_KEY: json.dumps(text)})


def change_content(content: dict, draw: random.Random) -> None:
    places = [(content, key) for key in content]
    for container, key in places:
        inner = container[key]
        if isinstance(inner, (dict, list)):
            places += [
                (inner, k) for k in (inner if isinstance(inner, dict) else range(len(inner)))
            ]
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
        container[draw.choice(["x", "predict", "__class__", "classes_", "net_", ""])] = container[
            key
        ]
    elif kind == 2:
        other, where = draw.choice(places)
        container[key] = copy.deepcopy(other[where])
    else:
        container[key] = copy.deepcopy(draw.choice(VALUES))


def change_tensors(tensors: dict, draw: random.Random) -> None:
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
        tensors[name] = tensor.to(
            draw.choice([torch.float64, torch.int64, torch.uint8, torch.bool])
        )
    elif kind == 4:
        shift = draw.choice([1, 2**31, -(2**31)])
        tensors[name] = (tensor.double() - shift).to(tensor.dtype)
    else:
        tensors["model.more"] = torch.zeros(draw.choice([0, 1, 1000]))


def attempt(path: Path, original, forged: bool) -> str:
    """Return the outcome of one file, in a word."""
    est, X, _, expected = original
    signal.alarm(SECONDS)
    try:
        loaded = type(est).load(path)
        if not forged and not np.array_equal(output(loaded, X), expected):
            return "WRONG: loads, and predicts something else"
        return "loaded"
    except ValueError as error:
        return "refused" if path.name in str(error) else f"UNNAMED: {error}"
    except TimeoutError:
        return "HANGS"
    except Exception:
        return f"ESCAPES: {traceback.format_exc(limit=-3)}"
    finally:
        signal.alarm(0)


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def on_alarm(*_):
    raise TimeoutError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=5000, help="number of inputs")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    faulthandler.enable()
    warnings.simplefilter("ignore")
    logging.disable()
    signal.signal(signal.SIGALRM, on_alarm)
    counts = {"damaged": Counter(), "forged": Counter()}
    with tempfile.TemporaryDirectory() as folder:
        valid = originals(Path(folder))
        path = Path(folder) / "input.safetensors"
        before = memory()
        for i in range(arguments.n):
            draw = random.Random(f"{arguments.seed}-{i}")
            original, kind = draw.choice(valid), draw.choice(["damaged", "forged"])
            path.write_bytes((forge if kind == "forged" else damage)(original[2], draw))
            outcome = attempt(path, original, kind == "forged")
            counts[kind][outcome.partition(":")[0]] += 1
            if outcome not in ("refused", "loaded"):
                print(f"input {i} ({kind} {type(original[0]).__name__}): {outcome}", flush=True)
        growth = memory() - before
        intact = all(np.array_equal(output(est, X), out) for est, X, _, out in valid)
    for kind, count in counts.items():
        print(f"{kind}: {sum(count.values())} inputs, {dict(count)}")
    state = "intact" if intact else "CHANGED"
    print(f"peak memory grew by {growth >> 20} MiB; the originals are {state}")
    clean = all(set(count) <= {"refused", "loaded"} for count in counts.values())
    return 0 if clean and intact and growth <= MAX_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
