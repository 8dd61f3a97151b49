"""Relevance of the places of a picture for a class, found by gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt

import torch
from torch import nn

from .._core._no_places import NoPlacesError
from ._attention_rollout import rollout
from ._attention_weights import AttentionWeights
from ._class_activation import activation
from ._fold import copied, folded
from ._tuned_model import TunedModel


def relevance(model: TunedModel, views: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Tell how much a class rests on each place of a view.

    Where the feature is the first of a transformer's tokens, which belongs to no place, attention
    is rolled out (:func:`rollout`). Where it is pooled from places, as in convolutional towers, the
    last map of them is weighed (:func:`activation`).

    The score is the class's logit less the mean of all logits: what moves all classes alike changes
    no prediction.

    Parameters
    ----------
    model : TunedModel
        The trained model; nothing in it changes.
    views : Tensor of shape (n, 3, size, size), uint8
        Test views of pictures, on the device of the model.
    codes : Tensor of shape (n,), int64
        The class of each view.

    Returns
    -------
    maps : Tensor of shape (n, side, side), float32
        Shares, which sum to 1 over a map; zeros where nothing speaks for the class.

    Raises
    ------
    NoPlacesError
        If the tower has neither attention that can be seen nor maps.
    """
    model = folded(copied(model))  # threads that predict meanwhile see none of the hooks
    x = ((views / 255 - model.mean) / model.std).requires_grad_()
    n_tokens, attends = _tokens(model, x[:1].detach())
    with AttentionWeights() as attention, _outputs_kept(model.tower) as outputs:
        logits = model(x)
    score = (logits.gather(1, codes[:, None])[:, 0] - logits.mean(1)).sum()
    of_places = _rolled_out(score, attention.seen, n_tokens) if attends else None
    if of_places is None:
        of_pictures = [t for t in outputs if len(t) == len(x) and t.requires_grad]
        of_places = _activated(score, of_pictures, n_tokens)
    if of_places is None:
        raise NoPlacesError(
            f"{model.backbone.spec} shows neither attention nor a map of places, so it can't be "
            "said where it looks: take OcclusionDisplay, which needs predictions alone"
        )
    of_places = of_places.float()
    shares = of_places / of_places.sum(1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    return shares.unflatten(1, (isqrt(shares.shape[1]), -1))


def _rolled_out(score: torch.Tensor, weights: list, n_tokens: int) -> torch.Tensor | None:
    """Relevance of the patches; None unless the feature is a first token, before all patches."""
    n_before = n_tokens - isqrt(n_tokens) ** 2
    if not n_before:
        return None
    gradients = torch.autograd.grad(score, weights, retain_graph=True, allow_unused=True)
    if any(g is None for g in gradients) or gradients[-1][:, :, 1:].any():
        return None
    return rollout([w.detach() for w in weights], gradients, n_tokens)[:, n_before:]


def _activated(score: torch.Tensor, outputs: list, n_tokens: int) -> torch.Tensor | None:
    """Activation of the last map whose places the score depends on; None if there is none."""
    for output in reversed(outputs):
        places = _places(output, n_tokens)
        if places is None:
            continue
        (gradient,) = torch.autograd.grad(score, output, retain_graph=True, allow_unused=True)
        slopes = None if gradient is None else _places(gradient, n_tokens)
        if slopes is not None and slopes.any():
            return activation(places.detach(), slopes)
    return None


def _places(output: torch.Tensor, n_tokens: int) -> torch.Tensor | None:
    """Places and channels ``(n, n_places, n_channels)`` of a module's output, if it has places.

    Views are square, so a map is ``(n, channels, side, side)`` or ``(n, side, side, channels)``, or
    it is tokens ``(n, n_tokens, channels)``, whose patches come last.
    """
    shape = output.shape
    if output.ndim == 3 and n_tokens == shape[1] > 1:
        return output[:, n_tokens - isqrt(n_tokens) ** 2 :]
    if output.ndim == 4 and shape[2] == shape[3] > 1 and shape[2] != n_tokens:  # no attention
        return output.flatten(2).transpose(1, 2)
    if output.ndim == 4 and shape[1] == shape[2] > 1:
        return output.flatten(1, 2)
    return None


def _tokens(model: TunedModel, view: torch.Tensor) -> tuple[int, bool]:
    """Number of the picture's tokens, 0 without any, and whether each attends to all in each block.

    Of the frozen tower, without an adapter's prompts and with all tokens in the last block.
    """
    tower = model.backbone.open(view.device).module
    with torch.no_grad(), AttentionWeights() as attention, _outputs_kept(tower) as outputs:
        tower(view)
    lengths = Counter(t.shape[1] for t in outputs if t.ndim == 3 and len(t) == 1)
    n_tokens = lengths.most_common(1)[0][0] if lengths else 0
    shapes = {weights.shape[2:] for weights in attention.seen}
    return n_tokens, shapes == {(n_tokens, n_tokens)}


@contextmanager
def _outputs_kept(tower: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Context in which the tokens and maps that modules return are kept, in order of the calls."""
    outputs: list[torch.Tensor] = []

    def keep(module, args, output) -> None:
        if isinstance(output, torch.Tensor) and output.ndim in (3, 4):
            outputs.append(output)

    hooks = [module.register_forward_hook(keep) for module in tower.modules()]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()
