"""Folding of a trained model for prediction: re-parametrised weights become plain ones."""

from __future__ import annotations

import copy

import torch
from torch.nn.utils import parametrize

from ..backbones._plain import make_plain
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
    twin = copied(model)
    with torch.no_grad(), torch.autocast(model.mean.device.type, enabled=False):
        for module in twin.modules():
            if parametrize.is_parametrized(module):
                make_plain(module)
    return twin


def copied(model: TunedModel) -> TunedModel:
    """A copy of a model, in eval mode, with modules of its own that share all tensors."""
    shared = [model.backbone, *model.parameters(), *model.buffers()]
    if "frozen_tower" in vars(model):  # no part of the model: its tensors would be copied
        shared.append(model.frozen_tower)
    twin = TunedModel.__new__(TunedModel)  # deepcopy(model) would build the model anew
    twin.__dict__ = copy.deepcopy(model.__dict__, {id(x): x for x in shared})
    return twin.eval()
