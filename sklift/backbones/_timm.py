"""Vision-only towers of timm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import nn

from .._core._names import did_you_mean
from ._backbone import Backbone
from ._blocks import find_blocks
from ._checkpoint import name_as, read_tensors, require_all
from ._probe import feature_width
from ._spec import BackboneSpec, Preprocess, params_of
from ._weights import TIMM_FILE, UNREADABLE, cached_file, require_reachable, wrong_checkpoint

# The second family of LIFT's tables; for other models "auto" is timm's present default.
RECOMMENDED = {"vit_base_patch16_224": "augreg_in21k"}


def load_timm(spec: BackboneSpec) -> Backbone:
    """Load a model of timm, ``"timm/<name>"``, by one of its tags or a local checkpoint.

    Mean, std, size and interpolation follow the weights' configuration, or the settings of the
    recipe.

    Raises
    ------
    ValueError
        For an unknown model, tag or parameter, a checkpoint that does not fit the model, or a model
        that gives no features.
    ConnectionError
        If the weights are neither in the cache nor reachable.
    """
    import timm
    from timm.data import resolve_model_data_config

    params = params_of(spec, {"mean", "std", "image_size", "interpolation"})
    name = spec.name.removeprefix("timm/")
    base = name.partition(".")[0]
    size = params.get("image_size")
    if Path(str(spec.pretrained)).is_file():
        model = _create(timm, name, size, pretrained=False)
        _load_file(model, spec)
    else:
        tag = str(spec.pretrained)
        known = timm.list_pretrained(f"{base}.*")
        full = f"{base}.{tag}"
        source: dict[str, Any] = {}
        if full not in known:
            raise ValueError(
                f"pretrained={tag!r} is neither a tag of {base!r} nor a file; tags: {known}"
            )
        config = timm.get_pretrained_cfg(full)
        if _wants_quick_gelu(base, config.notes):
            source["act_layer"] = "quick_gelu"
        if repository := config.hf_hub_id:
            model_id = f"timm/{full}" if repository == "timm/" else repository
            filename = getattr(config, "hf_hub_filename", None) or TIMM_FILE
            if (found := cached_file(model_id, filename)) is not None:
                # timm itself may read a file with pickle
                source["pretrained_cfg_overlay"] = {"state_dict": _read(found, spec)}
            else:
                require_reachable(model_id, filename, spec)
        model = _create(timm, full, size, pretrained=True, **source)
        model.pretrained_cfg.pop("state_dict", None)
    data = resolve_model_data_config(model)
    preprocess = Preprocess(
        size or data["input_size"][-1],
        tuple(params.get("mean", data["mean"])),
        tuple(params.get("std", data["std"])),
        params.get("interpolation", data["interpolation"]),
    )
    return Backbone(
        spec=spec,
        tower=model,
        # many a tower widens its features once more after its `num_features`
        n_features=feature_width(model.eval(), preprocess.size, f"backbone {spec.name!r}"),
        preprocess=preprocess,
        find_blocks=find_blocks,
    )


def timm_tag(name: str, pretrained) -> str:
    """Return the tag that ``True`` and ``"auto"`` stand for now: timm's defaults change.

    Raises
    ------
    ValueError
        If timm has no such model, or no weights of it.
    """
    import timm

    base, _, tag = name.removeprefix("timm/").partition(".")
    if not timm.is_model(base):
        hint = did_you_mean(base, timm.list_models(), n_most=5)
        raise ValueError(f"unknown timm model {base!r}{hint}")
    if pretrained not in ("auto", True, None):
        return str(pretrained)
    tag = tag or (RECOMMENDED.get(base, "") if pretrained == "auto" else "")
    tag = tag or timm.get_pretrained_cfg(base).tag
    if not timm.list_pretrained(f"{base}.*"):
        raise ValueError(f"timm has no trained weights of {base!r}: give a checkpoint file")
    return tag


def _create(timm, name: str, size: int | None, *, pretrained: bool, **source):
    settings = {"pretrained": pretrained, "num_classes": 0, **source}
    if size is None:
        model = timm.create_model(name, **settings)
    else:
        try:
            model = timm.create_model(name, img_size=size, **settings)
        except TypeError:  # towers of convolutions take any size as they are
            model = timm.create_model(name, **settings)
    if not all(w.numel() for w in model.parameters()):
        model.reset_classifier(0)  # old versions leave some towers a last layer that gives nothing
    return model


def _wants_quick_gelu(base: str, notes) -> bool:
    """Tell whether weights were trained with QuickGELU, and the model of their name has GELU.


    timm has OpenAI's weights, and some others, under the names of models with GELU too, and says
    so in a note.
    """
    return "quickgelu" not in base and any("natively QuickGELU" in note for note in notes or ())


def _read(path: Path, spec: BackboneSpec) -> dict:
    try:
        return read_tensors(path)
    except UNREADABLE as error:
        raise wrong_checkpoint(spec, error) from error


def _load_file(model: nn.Module, spec: BackboneSpec) -> None:
    """Set the weights; the classifier of a checkpoint is not needed, all else must fit."""
    from timm.models import load_checkpoint

    path = Path(str(spec.pretrained))
    try:
        if path.suffix.lower() in (".npz", ".npy"):  # of JAX: the model reads and checks it
            load_checkpoint(model, str(path))
            return
        state = name_as(model, read_tensors(path))
        # resizes position embeddings, and renames what other libraries have saved
        convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
        state = state if convert is None else convert(state, model)
        state = _without_classifier(state, model)
        require_all(model, state)
        model.load_state_dict(state)
    except (*UNREADABLE, OSError) as error:
        raise wrong_checkpoint(spec, error) from error


def _without_classifier(state: dict, model: nn.Module) -> dict:
    """Return the weights of the tower alone."""
    named = model.pretrained_cfg.get("classifier") or ()
    named = (named,) if isinstance(named, str) else named
    # the name of "head.linear" belongs to a part that has more than that: "head.bn"
    parts = {"head", "fc", "classifier", *(name.partition(".")[0] for name in named)}
    classifier = tuple(f"{part}." for part in parts)
    own = model.state_dict()
    return {k: v for k, v in state.items() if k in own or not k.startswith(classifier)}
