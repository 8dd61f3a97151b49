from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms import v2

from sklift.images import resolve_augmentation
from sklift.images._views import draw_view

SIZE = 32


def drawn(transform, image, seed):
    recipe = resolve_augmentation(transform)
    return draw_view(recipe, image, SIZE, "bicubic", 0.0, np.random.default_rng(seed))


def test_a_transform_of_the_user():
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    crop = v2.RandomCrop(SIZE)
    as_float = v2.Compose([crop, v2.ToDtype(torch.float32, scale=True)])
    state = torch.get_rng_state()
    found = [drawn(kind, image, 3) for kind in (crop, crop, as_float)]
    other = drawn(crop, image, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert not torch.equal(found[0], other)
    whole = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    windows = whole.unfold(1, SIZE, 1).unfold(2, SIZE, 1)
    assert (windows == found[0][:, None, None]).all(dim=(0, 3, 4)).any()
