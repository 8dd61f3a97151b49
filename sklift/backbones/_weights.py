"""Weights from a hub: search of the cache, a test of the network, and errors that help."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

from safetensors import SafetensorError

from ._spec import BackboneSpec

# Errors that the libraries raise for a damaged file, or one of another model.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    SafetensorError,
)

# What each library asks a hub repository for. One repository may serve both, and transformers too.
OPEN_CLIP_FILE = "open_clip_pytorch_model.bin"
TIMM_FILE = "pytorch_model.bin"
_TWINS = {OPEN_CLIP_FILE: "open_clip_model.safetensors", TIMM_FILE: "model.safetensors"}


def cached_file(model_id: str, filename: str) -> Path | None:
    """Return the file of a hub repository in the local cache, or None.

    Both libraries take its twin in safetensors where there is one.
    """
    from huggingface_hub import try_to_load_from_cache

    stem, ending = os.path.splitext(filename)
    twin = _TWINS.get(filename, f"{stem}.safetensors")
    for name in (twin, filename) if ending in (".bin", ".pth") else (filename,):
        found = try_to_load_from_cache(model_id, name)
        if isinstance(found, str):
            return Path(found)
    return None


def fetched_file(model_id: str, filename: str, spec: BackboneSpec) -> Path:
    """The file of a hub repository, fetched where it is not in the cache.

    Raises
    ------
    ConnectionError
        Naming the three ways out.
    """
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(model_id, filename))
    except Exception as error:  # of the HTTP library, which differs between versions of the client
        raise unreachable(model_id, spec, str(error) or type(error).__name__) from error


def require_reachable(model_id: str, filename: str, spec: BackboneSpec) -> None:
    """Raise an error if a file is neither cached nor offered by its server.

    One request of the hub client is tried first, for as long as ``HF_HUB_ETAG_TIMEOUT`` says (10
    seconds): a download, with all its retries, takes most of a minute until it fails.

    Raises
    ------
    ConnectionError
        Naming the three ways out.
    """
    from huggingface_hub import constants

    if cached_file(model_id, filename) is not None:
        return
    offline = constants.HF_HUB_OFFLINE
    reason = "HF_HUB_OFFLINE is set" if offline else _refusal(model_id, filename)
    if reason is not None:
        raise unreachable(model_id, spec, reason)


def unreachable(model_id: str, spec: BackboneSpec, reason: str) -> ConnectionError:
    """Return the error for weights that can't be downloaded, with the three ways out."""
    from huggingface_hub import constants

    known_tag = spec.pretrained is not None
    model = f"{spec.name}/{spec.pretrained}" if known_tag else spec.name
    return ConnectionError(
        f"the weights of backbone {model} are not in the local cache and can't be downloaded "
        f"({reason}). Three ways out: (1) give a checkpoint file: pretrained='/path/to/weights' "
        f"(or backbone='local-dir:/path/to/folder'); (2) fill the cache where there is a network, "
        f"with `hf download {model_id}`, and copy it here (it lies in "
        f"{os.fspath(constants.HF_HUB_CACHE)}; HF_HUB_CACHE moves it); (3) try things with the "
        "backbones that need no download: backbone='efficientnet-lite0' for photographs (extra "
        "photos), 'emoji-tiny' for clip art."
    )


def wrong_checkpoint(spec: BackboneSpec, error: Exception) -> ValueError:
    """Return the error for weights that do not fit the model."""
    what = " ".join(str(error).split())[:600]
    return ValueError(
        f"backbone {spec.name!r} can't take the weights {spec.pretrained!r}: {what}. Check that "
        "the checkpoint belongs to this model (ViT-B-16 and ViT-B-16-quickgelu differ only in "
        "their activation, every other pair of names differs in shape)."
    )


def _refusal(model_id: str, filename: str) -> str | None:
    """Reason why a file can't be downloaded; None where its server answers, also by 404."""
    import huggingface_hub
    from huggingface_hub.utils import HfHubHTTPError

    url = huggingface_hub.hf_hub_url(model_id, filename)
    try:
        huggingface_hub.get_hf_file_metadata(
            url, timeout=huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT
        )
    except HfHubHTTPError as error:
        code = getattr(error.response, "status_code", None)
        return None if code == 404 else f"its server answers {code}"
    except Exception as error:  # the HTTP library differs between versions of the client
        return str(error) or type(error).__name__
    return None
