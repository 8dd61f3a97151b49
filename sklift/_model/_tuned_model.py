"""The trained model: a frozen tower with an adapter inside, and a head."""

from __future__ import annotations

from functools import cached_property, partial

import torch
from sklearn.base import clone
from torch import nn

from .._compute._device import resolve_device
from .._compute._micro_batches import MicroBatches
from .._compute._seeding import drawing_alone
from ..backbones import Backbone, Stages, TransformerBlock, find_stages, load_backbone
from ..regularizers import Outputs
from ._frozen import computes_alike, n_untouched_blocks, tensors_by_module, touched_modules


class TunedModel(nn.Module):
    """``head(tower(normalise(x)))``, where only adapter and head are trained.

    Parameters
    ----------
    backbone : Backbone
        The shared frozen tower.
    adapter : recipe or None
        The adapter to inject. The recipe with its "auto" values filled in becomes ``self.adapter``.
    head : recipe
        The recipe of the map from features to logits.
    n_classes : int
        Number of logits.
    device : str or torch.device
        The device of the model. It is built there: moving it would move the shared tower.

    Notes
    -----
    New weights are drawn from torch's global random state. A pickle holds the trained tensors and
    the description of the backbone, never the frozen tower.
    """

    def __init__(self, backbone: Backbone, adapter, head, n_classes: int, device="cpu"):
        super().__init__()
        tower = backbone.open(device)
        # Frozen norms and dropouts stay in eval mode; modules that are added later follow train().
        frozen = list(tower.module.modules())
        before = tensors_by_module(tower.module)
        self.adapter = None if adapter is None else adapter.inject(tower, n_classes)
        touched = touched_modules(tower.module, before)
        self._is_touched = bool(touched)
        blocks = [block.unit.get() for block in tower.blocks]
        self._n_untouched = n_untouched_blocks(touched, blocks)
        self._has_blocks = any(isinstance(block, TransformerBlock) for block in tower.blocks)
        # Moves the adapter's modules: speed-ups are tried on the device.
        tower.module.to(device)
        self.tower = tower.finished()
        self.after = tower.after
        self.head = head.build(tower.n_features, n_classes)
        self.head_recipe = clone(head, safe=False)
        self.backbone = backbone
        self.n_classes = n_classes
        self.in_parts = MicroBatches()  # remembers the size that fits into memory
        self._frozen = frozen
        for name in ("mean", "std"):
            value = torch.tensor(getattr(backbone.preprocess, name), dtype=torch.float32)
            value = value.view(3, 1, 1)
            self.register_buffer(name, value, persistent=False)
        # The tower is on the device already: this moves the head.
        self.to(device)
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits ``(n, n_classes)`` of views; with several views, the mean of their logits.

        ``x`` is one of these: views ``(n, 3, s, s)`` or ``(n, n_views, 3, s, s)``, as uint8 pixels
        or as floats that are normalised already; tokens ``(n, tokens, width)``, the output of the
        frozen blocks before the first trained one; or features ``(n, n_features)`` of a frozen
        tower.
        """
        if x.ndim == 5:
            n, v = x.shape[:2]
            return self(x.flatten(0, 1)).unflatten(0, (n, v)).mean(1)
        return self._logits(self.features(x))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(n, n_features)`` of views, tokens or frozen features, see :meth:`forward`."""
        return self.after(self._run_tower(self.tower, x))

    def outputs(self, x: torch.Tensor) -> Outputs:
        """Features and logits of views, tokens or frozen features, with the frozen features."""
        of_tower = self._run_tower(self.tower, x)
        features = self.after(of_tower).to(self.mean.dtype)
        device_type = x.device.type
        mixed = (torch.get_autocast_dtype(device_type), torch.is_autocast_enabled(device_type))

        def find_frozen() -> torch.Tensor:
            if x.ndim == 2 or self.tower_is_frozen:
                return of_tower.detach()
            with torch.no_grad(), torch.autocast(device_type, *mixed):
                return self._run_tower(self.frozen_tower, x)

        logits = self._logits(features)
        wide = torch.promote_types(logits.dtype, torch.float32)
        return Outputs(features, logits.to(wide), find_frozen)

    def _logits(self, features: torch.Tensor) -> torch.Tensor:
        # Logits are in the tens: half precision would round them by a few hundredths.
        features = features.to(self.mean.dtype)
        device_type = features.device.type
        if not torch.is_autocast_enabled(device_type):
            return self.head(features)
        with torch.autocast(device_type, enabled=False):
            return self.head(features)

    def _run_tower(self, tower: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Output of a tower (tuned or frozen) for ``x``; frozen features are returned unchanged."""
        if x.ndim == 3:  # tokens, in the dtype that the tower computes in
            return self._stages(tower).after(x, self.n_frozen_blocks)
        pixels = not x.is_floating_point()
        x = x.to(self.mean.dtype)
        if x.ndim > 2:
            x = tower((x / 255 - self.mean) / self.std if pixels else x)
            if x.is_inference() and not torch.is_inference_mode_enabled():
                x = x.clone()  # the head can't be trained on what the tower computes in that mode
        return x

    def frozen_tokens(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens ``(n, tokens, width)`` before the first trained block, of normalised views."""
        return self._stages(self.tower).before(x, self.n_frozen_blocks)

    @cached_property
    def frozen_tower(self) -> nn.Module:
        """The backbone's tower without adapter; it is not part of this module or of its state."""
        return self.backbone.open(self.mean.device).finished()

    @cached_property
    def tower_is_frozen(self) -> bool:
        """True if the tower's outputs equal the backbone's, so that features do not change."""
        if self.adapter is None or self._is_touched:
            return self.adapter is None
        return computes_alike(self.tower, self.frozen_tower, self.backbone, self.mean.device)

    @cached_property
    def n_frozen_blocks(self) -> int:
        """Number of blocks before the first one that an adapter has touched.

        0 if their outputs have changed, if a module outside of blocks is touched, or if the tower
        has no blocks.
        """
        n = self._n_untouched
        if not (n and self.backbone.has_stages):
            return 0
        theirs = find_stages(self.backbone.open(self.mean.device).module)
        if theirs is None:
            return 0
        both = (partial(stages.before, n=n) for stages in (self._stages(self.tower), theirs))
        return n if computes_alike(*both, self.backbone, self.mean.device) else 0

    def _stages(self, tower: nn.Module) -> Stages:
        stages = find_stages(tower)
        if stages is None:
            raise ValueError(f"{self.backbone.spec} is not known to have stages")
        return stages

    def train(self, mode: bool = True) -> TunedModel:
        """Switch all but the frozen modules to training mode (frozen batch norms would drift)."""
        if mode == self.training:  # called at every step
            return self
        super().train(mode)
        for module in self._frozen:
            module.training = False
        return self

    def recompute(self, recompute: bool) -> None:
        """Set whether blocks compute their activations again in the backward pass."""
        switch = getattr(self.tower, "set_grad_checkpointing", None)
        if recompute and (switch is None or not self._has_blocks):
            raise ValueError(
                f"recompute=True: {self.backbone.spec} has no transformer blocks that could "
                "compute their activations again; set it to False, or raise accumulate"
            )
        if switch is not None:
            switch(recompute)

    def trained_state(self) -> dict[str, torch.Tensor]:
        """Trained weights and the buffers of new modules, by name, on the CPU."""
        return {name: t.detach().cpu().clone() for name, t in self._trained_tensors().items()}

    def load_trained_state(self, state: dict[str, torch.Tensor]) -> None:
        """Set the trained tensors; their names and shapes must be exactly those of the model."""
        trained = self._trained_tensors()
        if trained.keys() != state.keys():
            raise ValueError(f"trained tensors differ: {sorted(trained.keys() ^ state.keys())[:5]}")
        with torch.no_grad():
            for name, tensor in trained.items():
                if tensor.shape != state[name].shape:
                    raise ValueError(
                        f"tensor {name!r} is {tuple(state[name].shape)}, "
                        f"expected {tuple(tensor.shape)}"
                    )
                tensor.copy_(state[name])

    def _trained_tensors(self) -> dict[str, torch.Tensor]:
        trained = {name: p for name, p in self.named_parameters() if p.requires_grad}
        frozen = {id(module) for module in self._frozen}
        saved = self.state_dict(keep_vars=True)
        for prefix, module in self.named_modules():
            for name, _ in module.named_buffers(recurse=False):
                full = f"{prefix}.{name}" if prefix else name
                if id(module) not in frozen and full in saved:
                    trained[full] = saved[full]
        return trained

    @property
    def n_trainable_params(self) -> int:
        """Number of trained weights."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def __reduce__(self):
        return _rebuild, (
            self.backbone.spec,
            self.backbone.checksum,
            self.adapter,
            self.head_recipe,
            self.n_classes,
            self.trained_state(),
            str(self.mean.device),
            self.mean.dtype,
        )


def _rebuild(
    spec,
    checksum: str,
    adapter,
    head,
    n_classes: int,
    state: dict,
    device: str,
    dtype: torch.dtype = torch.float32,
):
    """A pickled model with this process's shared tower; on the CPU if its device is missing."""
    backbone = load_backbone(spec)
    if backbone.checksum != checksum:
        raise ValueError(
            f"the weights of backbone {spec} differ from those the model was trained on "
            f"(checksum {backbone.checksum[:12]}, expected {checksum[:12]})"
        )
    try:
        device = resolve_device(device)
    except ValueError:
        device = "cpu"
    with drawing_alone(0):  # all weights drawn here are overwritten
        model = TunedModel(backbone, adapter, head, n_classes, device)
    if dtype != model.mean.dtype and backbone.is_empty:
        model.to(dtype)
    model.load_trained_state(state)
    return model
