"""Door to residual networks: the names that open_clip's and timm's share with the first ones."""

from __future__ import annotations

from torch import nn

STAGES = ("layer1", "layer2", "layer3", "layer4")
SHORTCUT = "downsample"


def stages_of(trunk: nn.Module) -> list[nn.Sequential]:
    """Return the rows of blocks; an empty list for another tower."""
    stages = [getattr(trunk, name, None) for name in STAGES]
    found = [stage for stage in stages if isinstance(stage, nn.Sequential)]
    return found if len(found) == len(stages) else []
