"""Checkpoint files: their tensors under the names of a model, and the differences."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import torch
from torch import nn

_WRAPPERS = {"module", "_orig_mod"}  # of DataParallel and of torch.compile
_SETTINGS = {"input_resolution", "context_length", "vocab_size"}  # beside OpenAI's weights


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a file as data, also from within the dict that a trainer has saved.

    Raises
    ------
    ValueError
        If there are none, or only by running the file.
    sklift.backbones._weights.UNREADABLE
        The errors of the libraries for a damaged file.
    """
    from timm.models import load_state_dict

    require_data(path)
    try:
        found = load_state_dict(str(path), weights_only=True)
    except OSError as error:  # torch's word for some damaged archives
        raise ValueError(f"it can't be read ({error})") from error
    tensors = {k: v for k, v in found.items() if isinstance(v, torch.Tensor)}
    if not tensors:
        raise ValueError(f"there are no tensors in it, but {_some(map(str, found))}")
    return tensors


def require_data(path: Path) -> None:
    """Raise if a file is a program, as OpenAI's own checkpoints are.

    Raises
    ------
    ValueError
        With the way to the weights in it.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        is_program = any(name.endswith("/constants.pkl") for name in archive.namelist())
    if is_program:
        raise ValueError(
            "it is a TorchScript archive, that is a program. If you trust it, keep its weights "
            "alone: torch.save(torch.jit.load(path, 'cpu').state_dict(), 'weights.pt')"
        )


def name_as(model: nn.Module, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors under the names of a model, without the prefixes of wrappers.

    Where a model is part of a larger one, as an image tower of a CLIP, only its part is kept.

    Parameters
    ----------
    model : nn.Module
        The owner of the names.
    state : mapping of str to Tensor
        Names and tensors of a file.

    Returns
    -------
    dict of str to Tensor
        The same tensors. Where fewer than half of the model's names are found, as in a file of
        another library, only the marks of ``DataParallel`` and ``torch.compile`` are taken off.
    """
    # a model may have parts of its own that are called as the marks are
    own = {_unwrapped(name): name for name in model.state_dict()}
    plain = {_unwrapped(k): v for k, v in state.items() if k not in _SETTINGS}
    prefixes = Counter(prefix for key in plain for prefix in _prefixes(key, own))
    # of equals the shortest, so that no name is taken apart without need
    prefix = min(prefixes, key=lambda p: (-prefixes[p], len(p)), default="")
    if 2 * prefixes[prefix] < len(own):
        return plain
    inside = {k.removeprefix(prefix): v for k, v in plain.items() if k.startswith(prefix)}
    return {own.get(k, k): v for k, v in inside.items()}


def require_all(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Raise if tensors are not those of a model, by name and shape.

    Raises
    ------
    ValueError
        With the first of those that are missing, that the model doesn't know, and of other shapes.
    """
    own = model.state_dict()
    missing, unexpected = own.keys() - state.keys(), state.keys() - own.keys()
    shapes = [
        f"{k} {tuple(state[k].shape)}, not {tuple(own[k].shape)}"
        for k in own
        if k in state and state[k].shape != own[k].shape
    ]
    kinds = {
        "missing": [k for k in own if k in missing],
        "unexpected": [k for k in state if k in unexpected],
        "of another shape": shapes,
    }
    if any(kinds.values()):
        told = [f"{kind} {len(keys)}: {_some(keys)}" for kind, keys in kinds.items() if keys]
        raise ValueError(f"of {len(own)} tensors {', '.join(told)}")


def _unwrapped(key: str) -> str:
    return ".".join(part for part in key.split(".") if part not in _WRAPPERS)


def _prefixes(key: str, own: Container[str]) -> Iterable[str]:
    """Yield the parts of a key before a name of the model: nothing, or ``"visual."``."""
    ends = [0, *(i + 1 for i, letter in enumerate(key) if letter == ".")]
    return (key[:end] for end in ends if key[end:] in own)


def _some(names: Iterable[str], n: int = 3) -> str:
    names = list(names)
    return f"[{', '.join(names[:n])}{', ...' if len(names) > n else ''}]"
