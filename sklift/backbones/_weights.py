"""Weights that must be fetched: look in the cache, probe the network, and say what to do."""

from __future__ import annotations

import os
import pickle
import threading
import urllib.error
import urllib.request
from pathlib import Path

from safetensors import SafetensorError

from ._backbone import BackboneSpec

# What a damaged file, or one of another model, makes the libraries raise.
UNREADABLE = (
    AssertionError,
    RuntimeError,
    ValueError,
    KeyError,
    AttributeError,
    EOFError,
    pickle.UnpicklingError,
    SafetensorError,
)

# open_clip's and timm's own names for the file in a hub repository
DEFAULT_FILES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "model.safetensors",
    "pytorch_model.bin",
)


def cached_file(model_id: str, filename: str = "") -> Path | None:
    """The file of a hub repository in the local cache, if it is there."""
    from huggingface_hub import try_to_load_from_cache

    for name in (filename,) if filename else DEFAULT_FILES:
        found = try_to_load_from_cache(model_id, name)
        if isinstance(found, str):
            return Path(found)
    return None


def require_reachable(model_id: str, filename: str, spec: BackboneSpec, timeout: float = 8) -> None:
    """Raise within seconds if a file is neither cached nor its server reachable.

    The hub client's own retries take most of a minute, so one request is tried first.

    Raises
    ------
    ConnectionError
        Naming the three ways out.
    """
    from huggingface_hub import constants

    if cached_file(model_id, filename) is not None:
        return
    reason = (
        "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else _probe(constants.ENDPOINT, timeout)
    )
    if reason is not None:
        raise unreachable(model_id, spec, reason)


def unreachable(model_id: str, spec: BackboneSpec, reason: str) -> ConnectionError:
    """The error for weights that can't be had, with the three ways out."""
    from huggingface_hub import constants

    known_tag = spec.pretrained is not None
    model = f"{spec.name}/{spec.pretrained}" if known_tag else spec.name
    return ConnectionError(
        f"the weights of backbone {model} are not in the local cache and can't be downloaded "
        f"({reason}). Three ways out: (1) give a checkpoint file: pretrained='/path/to/weights' "
        f"(or backbone='local-dir:/path/to/folder'); (2) fill the cache where there is a network, "
        f"with `hf download {model_id}`, and copy it here (it lies in "
        f"{os.fspath(constants.HF_HUB_CACHE)}; HF_HUB_CACHE moves it); (3) try things with the "
        "backbone that needs no download: backbone='emoji-tiny'."
    )


def wrong_checkpoint(spec: BackboneSpec, error: Exception) -> ValueError:
    """The error for weights that do not fit the model that was named."""
    what = " ".join(str(error).split())[:300]
    return ValueError(
        f"backbone {spec.name!r} can't take the weights {spec.pretrained!r}: {what}. Check that "
        "the checkpoint belongs to this model (ViT-B-16 and ViT-B-16-quickgelu differ only in "
        "their activation, every other pair of names differs in shape)."
    )


def _probe(url: str, timeout: float) -> str | None:
    """None if the server is there for us within ``timeout`` seconds, else the reason."""
    answer: list[str | None] = ["no answer"]

    def ask():
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout)
            answer[0] = None
        except urllib.error.HTTPError as error:
            refused = error.code in (401, 403, 407, 429) or error.code >= 500
            answer[0] = f"its server answers {error.code}" if refused else None
        except OSError as error:
            answer[0] = str(getattr(error, "reason", error))

    # Name look-up ignores the timeout, so the whole request waits in a thread.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout + 2)
    return answer[0]
