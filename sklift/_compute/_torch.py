"""Door to torch: the names that are not public there, and the change of a module's class.

- The class of a module (``set_class``): the module then computes in another way, but keeps its
  tensors and their names. A wrapper would rename all of them.
- ``_softmax_backward_data``: the backward of softmax as one operation. The public way needs an
  autograd graph, which a compiled backward can't hold.
- ``_dynamo.config``: the number of programs that torch keeps of one function, for versions whose
  ``torch.compiler.config`` lacks it.
- ``_compiled_call_impl``: the attribute that ``Module.compile`` sets. No public function undoes it.
- ``_is_mkldnn_bf16_supported``: whether a CPU's library has products in bfloat16.
- ``_version``: how often a tensor was changed in place. There is no public name for it.
- ``_backward_hooks``, ``_post_accumulate_grad_hooks``: the hooks of a tensor. No public name tells
  whether there are any.
- ``_qkv_same_embed_dim``: whether an attention has one packed weight.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import nn


def set_class(module: nn.Module, new_class: type[nn.Module]) -> None:
    """Give a module another class, which must read the same attributes."""
    module.__class__ = new_class


def softmax_backward(gradient: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Gradient of the scores whose softmax over the last axis is ``weights``."""
    if hasattr(torch, "_softmax_backward_data"):
        return torch._softmax_backward_data(gradient, weights, -1, weights.dtype)
    return weights * (gradient - (gradient * weights).sum(-1, keepdim=True))


def n_changes(tensor: torch.Tensor) -> int:
    """Number of in-place changes of a tensor."""
    return tensor._version


def has_hooks(tensor: torch.Tensor) -> bool:
    """Return whether a function is called with the gradient of a tensor."""
    return bool(tensor._backward_hooks or tensor._post_accumulate_grad_hooks)


def is_packed(attention: nn.MultiheadAttention) -> bool:
    """Return whether queries, keys and values come from one weight."""
    return attention._qkv_same_embed_dim


def keeping_programs(n: int) -> AbstractContextManager:
    """Context in which torch keeps up to ``n`` programs of one function.

    Raises
    ------
    AttributeError
        If torch has another name for this setting.
    """
    if hasattr(torch.compiler, "config") and hasattr(torch.compiler.config, "recompile_limit"):
        return torch.compiler.config.patch(recompile_limit=n)
    return torch._dynamo.config.patch(cache_size_limit=n)


def require_undoable_compile() -> None:
    """Raise if the compilation of a module can't be undone.

    Raises
    ------
    AttributeError
        If torch has another name for the compiled call.
    """
    _ = nn.Module._compiled_call_impl


def undo_compile(module: nn.Module) -> None:
    """Undo the compilation of a module; do nothing for a module that is not compiled."""
    if hasattr(nn.Module, "_compiled_call_impl"):
        module._compiled_call_impl = None


def cpu_library_has_bfloat16() -> bool:
    """Return whether the CPU's library has bfloat16 products; False if it does not say."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False
