"""A trained model for prediction: what re-parametrises a weight becomes the weight."""

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
    of sparse tuning are functions of weights alone: the model computes them in every forward, the
    copy holds their values, as it does of any re-parametrisation that a recipe of your own
    registers. What is trained beside the frozen weights (AdaptFormer, VPT, ...) stays as it is, and
    biases, norms and blocks that are trained themselves are plain weights already.

    Parameters
    ----------
    model : TunedModel
        Left unchanged, as are the frozen tensors that it shares with other models.

    Returns
    -------
    folded : TunedModel
        In eval mode, with the same outputs, but for rounding. Only the folded weights are new
        tensors, the others are the model's own: once the model is trained further, fold again. It
        is ``model`` itself where nothing is to be folded.
    """
    if not any(parametrize.is_parametrized(module) for module in model.modules()):
        return model
    shared = (model.backbone, *model.parameters(), *model.buffers())
    twin = TunedModel.__new__(TunedModel)  # a deep copy of the model itself would be built anew
    twin.__dict__ = copy.deepcopy(model.__dict__, {id(x): x for x in shared})
    with torch.no_grad(), torch.autocast(model.mean.device.type, enabled=False):
        for module in twin.modules():
            if parametrize.is_parametrized(module):
                _make_plain(module)
    return twin.eval()


def _make_plain(module: nn.Module) -> None:
    """Replace what re-parametrises the weights of a module by their values."""
    weights = {
        # what a fold is made of says which blocks are trained, and the fold says it as well
        name: nn.Parameter(getattr(module, name).detach(), _is_trained(made))
        for name, made in module.parametrizations.items()
    }
    # Not by torch's `remove_parametrizations`: it writes into the frozen tensor, and takes the
    # weight's name from the module's class, which the module that was copied has as well.
    set_class(module, parametrize.type_before_parametrizations(module))
    del module.parametrizations
    for name, weight in weights.items():
        module.register_parameter(name, weight)


def _is_trained(module: nn.Module) -> bool:
    return any(param.requires_grad for param in module.parameters())
