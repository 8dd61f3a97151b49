"""Weights of attentions, kept while a tower computes."""

from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class AttentionWeights(TorchFunctionMode):
    """Context in which the weights of a tower's attentions are kept, in the order of the calls.

    torch's fused attention makes no weights that one could look at. In this context each call of
    ``scaled_dot_product_attention``, of whatever library's module, is computed in steps. Other
    threads are not affected.

    Attributes
    ----------
    seen : list of Tensor of shape (n, heads, n_queries, n_keys)
        The weights, whose sum over the keys is 1, in the graph of the gradients.

    Examples
    --------
    >>> import torch
    >>> from sklift._model._attention_weights import AttentionWeights
    >>> from sklift.backbones import load_backbone
    >>> tower = load_backbone("emoji-tiny").tower
    >>> with torch.no_grad(), AttentionWeights() as attention:
    ...     features = tower(torch.zeros(1, 3, 40, 40))
    >>> len(attention.seen), attention.seen[0].shape
    (6, torch.Size([1, 6, 26, 26]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Compute an attention in steps, anything else as it is."""
        if func is F.scaled_dot_product_attention:
            func = self._attend
        return func(*args, **(kwargs or {}))

    def _attend(self, q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, **others):
        given = {"attn_mask": attn_mask, "dropout_p": dropout_p, "is_causal": is_causal, **others}
        scale = others.pop("scale", None)
        if dropout_p or is_causal or any(others.values()):  # none of a picture tower's
            return F.scaled_dot_product_attention(q, k, v, **given)
        scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        self.seen.append(scores.softmax(-1))
        return self.seen[-1] @ v
