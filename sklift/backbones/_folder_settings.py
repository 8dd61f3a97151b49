"""Settings that come with the weights, from a folder or a repository that anybody may have made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

FILE = "open_clip_config.json"
_MODEL = {
    "embed_dim",
    "vision_cfg",
    "text_cfg",
    "multimodal_cfg",
    "quick_gelu",
    "custom_text",
    "init_logit_scale",
    "init_logit_bias",
    "nonscalar_logit_scale",
}
_DECODER = {"dim_head", "n_queries", "attn_pooler_heads"}  # of CoCa
# Of those that transformers would take, some let the code of a repository run.
_TOKENIZER = {"clean", "strip_sep_token", "language", "reduction_mask"}
_HUB_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)?", re.ASCII)


def check_folder_settings(file: Path) -> dict[str, Any]:
    """The arguments of the tokenizer that go with the settings in a file of open_clip's.

    open_clip hands what it finds there on to other libraries. Only what describes a tower of a
    known kind may pass: nothing there can name code, or other files to read.

    Raises
    ------
    ValueError
        If there is another setting, or another kind of value.
    """
    try:
        model = json.loads(file.read_text(encoding="utf-8"))["model_cfg"]
        text = model["text_cfg"]
        return _checked(model, model["vision_cfg"], text, text.get("tokenizer_kwargs") or {})
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{file} does not describe a model of open_clip ({error!r})") from error
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _checked(model: Mapping, vision: Mapping, text: Mapping, tokenizer: Mapping) -> dict[str, Any]:
    import timm
    from open_clip import CLIPTextCfg, CLIPVisionCfg

    of_text, of_vision = ({f.name for f in fields(kind)} for kind in (CLIPTextCfg, CLIPVisionCfg))
    decoder = model.get("multimodal_cfg") or {}
    for what, settings, known in (
        ("model_cfg", model, _MODEL),
        ("vision_cfg", vision, of_vision),
        ("text_cfg", text, of_text),
        ("multimodal_cfg", decoder, of_text | _DECODER),
        ("tokenizer_kwargs", tokenizer, _TOKENIZER),
    ):
        if unknown := sorted(set(settings) - known):
            raise ValueError(
                f"{what} has the settings {unknown}, which can't come with weights; known are "
                f"{sorted(known)}"
            )
    tower = vision.get("timm_model_name")
    if tower is not None and not timm.is_model(str(tower).partition(".")[0]):
        raise ValueError(f"timm_model_name={tower!r} is no model of timm")
    for name in ("hf_model_name", "hf_tokenizer_name"):
        for settings in (text, decoder):
            given = settings.get(name)
            if given and not _is_on_hub(given):
                raise ValueError(f"{name}={given!r} is no name of a repository")
    # said last, it counts, also against what lies beside the settings
    return {"trust_remote_code": False} if text.get("hf_tokenizer_name") else {}


def _is_on_hub(name: Any) -> bool:
    """Whether a name is that of a repository, and of no folder that lies here."""
    return isinstance(name, str) and bool(_HUB_NAME.fullmatch(name)) and not Path(name).exists()
