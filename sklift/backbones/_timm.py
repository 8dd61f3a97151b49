"""Vision-only towers of timm."""

from __future__ import annotations

from pathlib import Path

from ._backbone import Backbone, BackboneSpec, Preprocess
from ._sites import find_blocks
from ._weights import cached_file, require_reachable, wrong_checkpoint


def load_timm(spec: BackboneSpec) -> Backbone:
    """A timm model, ``"timm/<name>"``, with a tag of its own or a local checkpoint.

    Mean, std, size and interpolation follow the weights' configuration, or ``backbone_params``.

    Raises
    ------
    ValueError
        For an unknown model, tag or parameter, or a checkpoint that does not fit the model.
    ConnectionError
        If the weights are neither in the cache nor reachable.
    """
    import timm
    from timm.data import resolve_model_data_config
    from timm.models import load_checkpoint

    params = dict(spec.params)
    allowed = {"mean", "std", "image_size", "interpolation"}
    if unknown := set(params) - allowed:
        raise ValueError(f"unknown backbone_params {sorted(unknown)}; choose from {sorted(allowed)}")
    name = spec.name.removeprefix("timm/")
    base, _, tag = name.partition(".")
    if not timm.is_model(base):
        near = timm.list_models(f"*{base[:8]}*")[:5]
        raise ValueError(f"unknown timm model {base!r}. Did you mean one of {near}?")
    size = {"img_size": params["image_size"]} if "image_size" in params else {}
    checkpoint = spec.pretrained if Path(str(spec.pretrained)).is_file() else None
    if checkpoint is None:
        tag = tag if spec.pretrained in (None, "auto") else str(spec.pretrained)
        full = f"{base}.{tag}" if tag else base
        config = timm.get_pretrained_cfg(full, allow_unregistered=False) if timm.is_model(full) else None
        if config is None or (tag and config.tag != tag):
            known = timm.list_pretrained(f"{base}.*")
            raise ValueError(f"pretrained={spec.pretrained!r} is neither a tag of {base!r} nor a file; tags: {known}")
        if not tag:
            raise ValueError(
                f"name the weights of {base!r}: timm's default for a name changes over time. "
                f"Tags: {timm.list_pretrained(f'{base}.*')}"
            )
        if config.hf_hub_id:
            model_id = config.hf_hub_id.rstrip("/")
            model_id = model_id if model_id != "timm" else f"timm/{full}"
            if cached_file(model_id) is None:
                require_reachable(model_id, "", spec)
        model = timm.create_model(full, pretrained=True, num_classes=0, **size)
    else:
        model = timm.create_model(name, pretrained=False, num_classes=0, **size)
        try:
            missing = load_checkpoint(model, checkpoint, strict=False, weights_only=True)
        except (RuntimeError, KeyError, ValueError) as error:
            raise wrong_checkpoint(spec, error) from error
        # the classifier of a checkpoint is not needed, everything else is
        lost = [k for k in missing.missing_keys]
        extra = [k for k in missing.unexpected_keys if not k.startswith(("head.", "fc.", "classifier."))]
        if lost or extra:
            raise wrong_checkpoint(spec, ValueError(f"missing {lost[:3]}, unexpected {extra[:3]}"))
    data = resolve_model_data_config(model)
    side = data["input_size"][-1]
    return Backbone(
        spec=spec,
        tower=model,
        n_features=model.num_features,
        preprocess=Preprocess(
            params.get("image_size", side),
            tuple(params.get("mean", data["mean"])),
            tuple(params.get("std", data["std"])),
            params.get("interpolation", data["interpolation"]),
        ),
        find_blocks=find_blocks,
    )
