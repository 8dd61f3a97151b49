"""Plain weights: the values of what modules compute out of other weights."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import nn
from torch.nn.utils import parametrize, remove_spectral_norm

from .._compute._torch import set_class


def make_plain(module: nn.Module) -> None:
    """Replace the re-parametrised weights of a module by their values.

    A new weight requires a gradient if its parts did: this shows which blocks are trained.
    """
    weights = {
        name: nn.Parameter(
            getattr(module, name).detach(), any(p.requires_grad for p in made.parameters())
        )
        for name, made in module.parametrizations.items()
    }
    # torch's ``remove_parametrizations`` will not do: it writes into the original tensor, and
    # deletes the weight's property from the class, which the original module has as well.
    set_class(module, parametrize.type_before_parametrizations(module))
    del module.parametrizations
    for name, weight in weights.items():
        module.register_parameter(name, weight)


@torch.no_grad()
def make_all_plain(tower: nn.Module) -> None:
    """Replace all computed weights of a tower in eval mode: adapters find plain ones to train.

    Those of ``torch.nn.utils.parametrizations``, of other re-parametrisations, and of the older
    ``torch.nn.utils.spectral_norm``.
    """
    for module in tower.modules():
        if parametrize.is_parametrized(module):
            make_plain(module)
        for name in [n for n, _ in module.named_parameters(recurse=False) if n.endswith("_orig")]:
            with suppress(ValueError):  # of a name that means something else
                remove_spectral_norm(module, name.removesuffix("_orig"))
