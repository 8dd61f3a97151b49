"""The file format: a safetensors file with JSON metadata and a checksum."""

from __future__ import annotations

import hashlib
import json
import os

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .._store._atomic import replace_file
from ._bounds import check_memory
from ._file_errors import file_errors

FORMAT = 1  # to be raised when older versions can't read new files
MAX_HEADER = 90_000_000  # bytes; 100 descriptions of each of 8,000 classes, and safetensors' limit
_KEY = "sklift"


def write(path: str | os.PathLike, content: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Write JSON content and tensors.

    Raises
    ------
    ValueError
        If the content is larger, or takes more memory, than :func:`read` accepts.
    OSError
        If the file can't be written; an old file does not change.
    """
    content = {"format": FORMAT, **content}
    check_memory(content)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    text = _dumps({"sha256": _checksum(content, tensors), **content})
    # One key only: the order of several is not defined, and equal models must give equal bytes.
    data = save(tensors, {_KEY: text})
    _check_room(int.from_bytes(data[:8], "little"), f"can't save {os.fspath(path)!r}: ")
    replace_file(path, data)


def check_content(content: dict, n_more: int = 0) -> None:
    """Check that a file could hold JSON content, and ``n_more`` bytes of it.

    Raises
    ------
    ValueError
        If the content is larger, or takes more memory, than :func:`read` accepts.
    """
    check_memory(content)
    text = _dumps(content)
    n_escaped = text.count('"') + text.count("\\")  # it is a text in the JSON of the header
    _check_room(len(text) + n_escaped + n_more)


def _check_room(n_bytes: int, what: str = "") -> None:
    if n_bytes > MAX_HEADER:
        raise ValueError(
            f"{what}classes, names and parameters take {n_bytes} bytes, at most {MAX_HEADER} fit"
        )


def read(path: str | os.PathLike) -> tuple[dict, dict[str, torch.Tensor]]:
    """Read a file of :func:`write`, and check that it is complete.

    Raises
    ------
    ValueError
        If it is another file, damaged, or of a newer format.
    OSError
        If the file can't be read.
    """
    with file_errors(path):
        _check_size(path)
        try:
            with safe_open(os.fspath(path), framework="pt") as file:
                text = (file.metadata() or {}).get(_KEY)
                if text is None:
                    raise ValueError("it is no saved estimator: it lacks the metadata of one")
                content = _parse(text)
                names = file.keys()  # not a dict: iteration needs keys()
                tensors = {name: file.get_tensor(name) for name in names}
        except SafetensorError as error:
            raise ValueError(f"it is damaged, or no safetensors file ({error})") from error
        if content.pop("sha256", None) != _checksum(content, tensors):
            raise ValueError("its content does not match its checksum: it is damaged")
        return content, tensors


def _check_size(path) -> None:
    """Refuse a header that is too long, before it is read into memory."""
    if not os.path.isfile(path):  # reading a pipe might never end
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        n_header = int.from_bytes(file.read(8), "little")
    if size < 10 or n_header < 2:
        raise ValueError("it is no safetensors file")
    if n_header > MAX_HEADER:
        raise ValueError(
            f"its header should have {n_header} bytes, more than the {MAX_HEADER} that a saved "
            "estimator may have: it is no safetensors file, or a malicious one"
        )
    if 8 + n_header > size:
        raise ValueError(
            f"it is no safetensors file, or cut off: {8 + n_header} bytes of header, {size} in "
            "the file"
        )


def _parse(text: str) -> dict:
    content = json.loads(text, parse_constant=_no_constant)
    check_memory(content)
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise ValueError("it is no saved estimator: its metadata has no format")
    if content["format"] > FORMAT:
        by = (content.get("versions") or {}).get("scikit-lift", "a newer version")
        raise ValueError(
            f"it has format {content['format']}, written by scikit-lift {by}; this version reads "
            f"up to format {FORMAT}: upgrade scikit-lift"
        )
    if content["format"] < 1:
        raise ValueError(f"there is no format {content['format']}")
    return content


def _no_constant(name: str):
    raise ValueError(f"{name} is no JSON")


def _dumps(content: dict) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _checksum(content: dict, tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 of the content and of name, type, shape and bytes of every tensor."""
    digest = hashlib.sha256(_dumps(content).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
