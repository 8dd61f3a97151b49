"""Towers of open_clip: by name and tag, by local checkpoint, from the hub or a local folder."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from .._core._names import did_you_mean
from ._backbone import Backbone, TextTower
from ._blocks import find_blocks
from ._checkpoint import name_as, read_tensors, require_all, require_data
from ._folder_settings import FILE, check_folder_settings
from ._probe import feature_width
from ._spec import BackboneSpec, Preprocess, params_of
from ._weights import (
    OPEN_CLIP_FILE,
    UNREADABLE,
    cached_file,
    fetched_file,
    require_reachable,
    unreachable,
    wrong_checkpoint,
)

# The tag that "auto" means: the best-known weights of a model, named so that they never change.
RECOMMENDED = {
    "ViT-B-16": "openai",
    "ViT-B-32": "openai",
    "ViT-L-14": "openai",
    "ViT-L-14-336": "openai",
    "RN50": "openai",
    "RN101": "openai",
    "ViT-H-14": "laion2b_s32b_b79k",
    "ViT-g-14": "laion2b_s34b_b88k",
    "ViT-bigG-14": "laion2b_s39b_b160k",
}

_PREPROCESS = ("mean", "std", "interpolation")


def from_clip(spec: BackboneSpec, model: nn.Module, tokenizer, preprocess: Preprocess) -> Backbone:
    """Split a loaded open_clip model into an image tower without projection and a text tower."""
    visual, projection = model.visual, None
    visual.output_tokens = False  # CoCa asks for all tokens beside the pooled feature
    if getattr(visual, "proj", None) is not None:
        projection = visual.proj.detach()
        n_features, visual.proj = projection.shape[0], None
    elif isinstance(linear := getattr(getattr(visual, "head", None), "proj", None), nn.Linear):
        n_features = linear.in_features
        if linear.bias is None:  # timm towers keep their projection in `head`
            projection, visual.head.proj = linear.weight.detach().T, nn.Identity()
        else:
            n_features = linear.out_features
    else:
        n_features = (
            model.text_projection.shape[1]
            if _has_matrix(model)
            else feature_width(visual.eval(), preprocess.size, f"backbone {spec.name!r}")
        )
    return Backbone(
        spec=spec,
        tower=visual,
        n_features=n_features,
        preprocess=preprocess,
        find_blocks=find_blocks,
        projection=projection,
        text=TextTower(model, tokenizer),
        logit_scale=model.logit_scale.detach().exp().item(),
    )


def load_open_clip(spec: BackboneSpec) -> Backbone:
    """Load a model of open_clip: ``name`` and tag or checkpoint, ``hf-hub:...``, ``local-dir:...``.

    QuickGELU, mean, std and size follow the tag's own configuration; for a local checkpoint they
    follow the model's name, or the settings of the recipe.

    Raises
    ------
    ValueError
        For an unknown model, tag or parameter, or a checkpoint that does not fit the model.
    ConnectionError
        If the weights are neither in the cache nor reachable.
    """
    import open_clip

    params = params_of(spec, {"quick_gelu", "mean", "std", "image_size", "interpolation"})
    name, pretrained = spec.name, spec.pretrained
    arguments: dict[str, Any] = {"weights_only": True, "pretrained_text": False}
    quick = params.get("quick_gelu")
    preprocess_of_tag, model_id, of_tokenizer = {}, "", {}
    if name.startswith("hf-hub:"):
        model_id = name.removeprefix("hf-hub:")
        config = cached_file(model_id, FILE)
        if config is not None and cached_file(model_id, OPEN_CLIP_FILE) is not None:
            name = f"local-dir:{config.parent}"  # the client would ask its server all the same
        else:
            require_reachable(model_id, OPEN_CLIP_FILE, spec)
            require_reachable(model_id, FILE, spec)
            of_tokenizer = check_folder_settings(fetched_file(model_id, FILE, spec))
    elif not name.startswith("local-dir:"):
        name, pretrained, tag, model_id = _resolve_tag(open_clip, spec)
        quick_of_weights = tag.get("quick_gelu", False)
        preprocess_of_tag = {k: tag[k] for k in _PREPROCESS if k in tag}
        quick = quick_of_weights if quick is None else quick
    if name.startswith("local-dir:"):
        file = Path(name.removeprefix("local-dir:"), FILE)
        if file.is_file():  # else open_clip says what is missing
            of_tokenizer = check_folder_settings(file)
    if quick is not None:
        arguments["quick_gelu"] = bool(quick)  # open_clip's own `force_quick_gelu` can't say no
    if "image_size" in params:
        arguments["force_image_size"] = params["image_size"]
    given = {k: params[k] for k in _PREPROCESS if k in params}
    arguments["force_preprocess_cfg"] = {**preprocess_of_tag, **given}
    try:
        with _quiet(open_clip):
            model = _create(open_clip, name, pretrained, arguments)
            tokenizer = open_clip.get_tokenizer(name, **of_tokenizer)
    except FileNotFoundError as error:
        raise ValueError(f"backbone {spec.name!r}: {error}") from error
    except UNREADABLE as error:
        if model_id and "ownload" in str(error):
            raise unreachable(model_id, spec, str(error)) from error
        raise wrong_checkpoint(spec, error) from error
    cfg = model.visual.preprocess_cfg
    size = cfg["size"]
    if not isinstance(size, int):
        if size[0] != size[1]:
            raise ValueError(
                f"backbone {spec.name!r} takes pictures of {size}; only square ones work"
            )
        size = size[0]
    preprocess = Preprocess(size, tuple(cfg["mean"]), tuple(cfg["std"]), cfg["interpolation"])
    return from_clip(spec, model, tokenizer, preprocess)


def _create(open_clip, name: str, pretrained: str | None, arguments: dict) -> nn.Module:
    """Build a model with its weights; names in a file may stand behind those of a wrapper."""
    file = Path(pretrained or "")
    if file.is_file():
        require_data(file)
    try:
        return open_clip.create_model(name, pretrained, require_pretrained=True, **arguments)
    except (*UNREADABLE, OSError):
        if not file.is_file():
            raise
        model = open_clip.create_model(name, **arguments)
        state = name_as(model, read_tensors(file))
        own = model.state_dict()
        # open_clip resizes positions alone
        if any(k in own and v.shape != own[k].shape for k, v in state.items() if "pos" not in k):
            require_all(model, state)
    with TemporaryDirectory() as folder:  # open_clip reads files alone
        torch.save(state, renamed := Path(folder) / "weights.pt")
        try:
            open_clip.load_checkpoint(model, str(renamed))
        except UNREADABLE:
            require_all(model, state)
            raise
    return model


def _resolve_tag(open_clip, spec: BackboneSpec) -> tuple[str, str, dict, str]:
    """Return model name, tag or file, settings of the weights, and their hub repository, if any."""
    name, pretrained = spec.name.replace("/", "-"), str(spec.pretrained)
    config = open_clip.get_model_config(name)
    if config is None:
        import timm

        known = ["emoji-tiny", "efficientnet-lite0", "precomputed", *open_clip.list_models()]
        hint = did_you_mean(name, known, n_most=5) or "."
        if timm.is_model(spec.name.partition(".")[0]):
            hint = f". Did you mean {'timm/' + spec.name!r}?"
        raise ValueError(
            f"unknown backbone {spec.name!r}{hint} It may be 'emoji-tiny', 'efficientnet-lite0', "
            "a model of open_clip.list_models(), 'timm/<model>', 'hf-hub:<repository>' or "
            "'local-dir:<folder>'."
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained in tags or open_clip.get_pretrained_cfg(name, pretrained):
        tag = open_clip.get_pretrained_cfg(name, pretrained)
        model_id, _, filename = tag.get("hf_hub", "").rpartition("/")
        filename = filename or OPEN_CLIP_FILE
        if model_id:
            if (found := cached_file(model_id, filename)) is not None:
                return name, str(found), tag, ""
            require_reachable(model_id, filename, spec)
        return name, pretrained, tag, model_id
    if Path(pretrained).is_file():
        return name, str(pretrained), {"quick_gelu": config.get("quick_gelu", False)}, ""
    raise ValueError(
        f"pretrained={pretrained!r} is neither a tag of {name!r} nor a file; tags: {tags}"
    )


class _ForeignRecords(logging.Filter):
    """Filter that lets pass the log records that open_clip has not written."""

    def __init__(self, package: str):
        super().__init__()
        self.package = package

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is not of open_clip, which writes to the root logger."""
        return not Path(record.pathname).is_relative_to(self.package)


@contextmanager
def _quiet(open_clip):
    """Silence open_clip's logs and warnings of things that are settled here, such as QuickGELU."""
    root, others = logging.getLogger(), _ForeignRecords(str(Path(open_clip.__file__).parent))
    root.addFilter(others)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*QuickGELU.*")
            yield
    finally:
        root.removeFilter(others)


def _has_matrix(model: nn.Module) -> bool:
    matrix = getattr(model, "text_projection", None)
    return getattr(matrix, "ndim", 0) == 2
