"""The parameters of a fit, validated, with recipes as objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._estimator import resolve_recipe
from ..training import Checkpoint, Compute
from ..training._optimizer import shared_settings
from ._draws import check_one_sampler
from ._length import FEWEST, choose_batch_size, choose_max_epochs

RECIPES = (
    "adapter",
    "loss",
    "regularizer",
    "head",
    "augmentation",
    "sampler",
    "optimizer",
    "tta",
)


@dataclass(frozen=True)
class FitSettings:
    """Parameters of :class:`sklift.LiftClassifier` that training depends on.

    The choices in ``RECIPES``, ``compute`` and ``checkpoint`` are recipe objects. All other values
    are as the user gave them, until :meth:`with_length` and :meth:`with_head` fill in "auto".
    ``params`` holds all parameters of the estimator by name, as given.
    """

    params: Mapping[str, Any]
    adapter: Any
    loss: Any
    regularizer: Any
    head: Any
    sampler: Any
    optimizer: Any
    compute: Compute
    checkpoint: Checkpoint | None
    backbone: Any
    pretrained: Any
    init: str
    prompts: Any
    augmentation: Any
    lr: float
    weight_decay: float
    max_epochs: Any
    batch_size: Any
    validation_fraction: float | None
    early_stopping: bool
    n_iter_no_change: int
    tta: Any
    device: Any
    net_params: Mapping[str, Any]
    verbose: int
    random_state: Any

    def with_head(self, init: str) -> FitSettings:
        """Settings with the head that suits its start and the adapter, if it is to be chosen."""
        if not hasattr(self.head, "choose"):
            return self
        return replace(self, head=self.head.choose(init, self.adapter is not None))

    def with_length(self, n_samples: int) -> FitSettings:
        """Settings with the batch size and number of epochs that suit the number of pictures."""
        size = self.batch_size
        if isinstance(size, str):  # "auto"
            size = choose_batch_size(n_samples, frozen=self.adapter is None)
        n_epochs = self.max_epochs
        if isinstance(n_epochs, str):
            n_epochs = choose_max_epochs(n_samples, size)
        shared_settings(self.optimizer, n_epochs)  # a schedule may not suit the number
        return replace(self, batch_size=size, max_epochs=n_epochs)


def fit_settings(
    params: Mapping[str, Any], resolve: Callable[[str, Any], Any] = resolve_recipe
) -> FitSettings:
    """Make the settings of a fit from the parameters of the estimator, by name.

    ``resolve``: the function from the name and the value of a parameter to its recipe.

    Raises
    ------
    TypeError, ValueError
        If a recipe is unknown, or does not suit the backbone.
    """
    recipes = {name: resolve(name, params[name]) for name in RECIPES}
    if isinstance(params["backbone"], str) and params["backbone"] == "precomputed":
        if isinstance(params["adapter"], str) and params["adapter"] == "adaptformer":
            recipes["adapter"] = None  # the default adapter needs blocks
        if params["tta"] is not None:
            raise ValueError("tta makes views of pictures: leave it out, X holds features")
    _check_training(recipes["sampler"], recipes["optimizer"], params)
    checkpoint = resolve_recipe("checkpoint", params["checkpoint"])
    if checkpoint is not None:
        checkpoint.build()
    compute = resolve_recipe("compute", params["compute"])
    compute.check()
    if checkpoint is not None and compute.time_limit is not None:
        raise ValueError(
            "checkpoint and compute__time_limit exclude each other: a fit that goes on later has "
            "no end in time; leave one of them out"
        )
    handled = {"params", "compute", "checkpoint", "net_params", *RECIPES}
    plain = {name: params[name] for name in FitSettings.__dataclass_fields__ if name not in handled}
    return FitSettings(
        params=params,
        compute=compute,
        checkpoint=checkpoint,
        net_params=params["net_params"] or {},
        **recipes,
        **plain,
    )


def _check_training(sampler, optimizer, params: Mapping[str, Any]) -> None:
    """Check the settings of sampler and optimizer before anything is computed."""
    check_one_sampler(sampler, params["net_params"])
    n_epochs = params["max_epochs"]
    shared_settings(optimizer, FEWEST if isinstance(n_epochs, str) else n_epochs)
    for recipe in (sampler, optimizer):
        if hasattr(recipe, "check"):
            recipe.check()
