"""Folding of a trained model for prediction: re-parametrised weights become plain ones."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize

from .._compute._torch import set_class
from ._tuned_model import TunedModel


def folded(model: TunedModel) -> TunedModel:
    r"""A copy of a model in which every re-parametrised weight is a plain one.

    LoRA's :math:`W + (A B)^T / r`, SSF's :math:`\mathrm{diag}(\gamma) W` and the scattered entries
    of sparse tuning are functions of weights alone. The model computes them in every forward pass;
    the copy holds their values. The same holds for any re-parametrisation that a recipe of your own
    registers. Modules beside the frozen weights (AdaptFormer, VPT, ...) do not change. Trained
    biases, norms and blocks are plain weights already.

    Parameters
    ----------
    model : TunedModel
        The model. It does not change, nor do the frozen tensors that it shares with other models.

    Returns
    -------
    folded : TunedModel
        A model in eval mode with the same outputs, but for rounding. Only the folded weights are
        new tensors, the others are shared with ``model``: after further training, fold again. The
        result is ``model`` itself if it has nothing to fold.
    """
    if not any(parametrize.is_parametrized(module) for module in model.modules()):
        return model
    shared = (model.backbone, *model.parameters(), *model.buffers())
    twin = TunedModel.__new__(TunedModel)  # deepcopy(model) would build the model anew
    twin.__dict__ = copy.deepcopy(model.__dict__, {id(x): x for x in shared})
    with torch.no_grad(), torch.autocast(model.mean.device.type, enabled=False):
        for module in twin.modules():
            if parametrize.is_parametrized(module):
                _make_plain(module)
    return twin.eval()


def _make_plain(module: nn.Module) -> None:
    """Replace the re-parametrised weights of a module by their values."""
    weights = {
        # A folded weight requires a gradient if its parts did: this shows which blocks are trained.
        name: nn.Parameter(getattr(module, name).detach(), _is_trained(made))
        for name, made in module.parametrizations.items()
    }
    # torch's ``remove_parametrizations`` will not do: it writes into the frozen tensor, and deletes
    # the weight's property from the class, which the original module has as well.
    set_class(module, parametrize.type_before_parametrizations(module))
    del module.parametrizations
    for name, weight in weights.items():
        module.register_parameter(name, weight)


def _is_trained(module: nn.Module) -> bool:
    return any(param.requires_grad for param in module.parameters())
