"""Embedded backbone: a small CLIP for emoji-like pictures, shipped with the package."""

from __future__ import annotations

import json
from importlib.resources import as_file, files

from safetensors.torch import load_file

from ._backbone import Backbone
from ._openclip import from_clip
from ._spec import BackboneSpec, Preprocess
from ._words import WordTokenizer

NAME = "emoji-tiny"


def load_emoji_tiny(spec: BackboneSpec) -> Backbone:
    """Return the embedded backbone ``"emoji-tiny"``.

    A ViT of 6 blocks (40 px, patch 8, width 192) and a text transformer with a word-level
    vocabulary, pre-trained contrastively on emoji of ten open-licence sets. It is for
    pictures like emoji and for trying things without a download; for photographs use
    ``"ViT-B-16"``. The model card is in the documentation.
    """
    from open_clip.model import CLIP

    if spec.params:
        raise ValueError(
            f"backbone {NAME!r} has no settings, got {dict(spec.params)}; "
            "its preprocessing is part of the weights"
        )
    with as_file(files("sklift.backbones") / NAME.replace("-", "_")) as home:
        config = json.loads((home / "config.json").read_text(encoding="utf-8"))
        preprocess = config.pop("preprocess")
        model = CLIP(**config)
        weights = {k: v.float() for k, v in load_file(home / "model.safetensors").items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
        if unexpected or set(missing) - {"attn_mask"}:
            raise RuntimeError("the embedded backbone is damaged: reinstall scikit-lift")
        tokenizer = WordTokenizer.from_file(
            home / "vocabulary.txt", config["text_cfg"]["context_length"]
        )
    return from_clip(
        spec,
        model,
        tokenizer,
        Preprocess(
            config["vision_cfg"]["image_size"],
            tuple(preprocess["mean"]),
            tuple(preprocess["std"]),
            preprocess["interpolation"],
        ),
    )
