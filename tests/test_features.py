from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from sklift._compute._plan import ComputePlan
from sklift._data._features import frozen_features, known_features
from sklift._store._memory import MemoryArrays
from sklift.backbones import load_backbone
from sklift.images._as_source import as_image_source
from sklift.images._dataset import PlainViews

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def views():
    images = np.random.default_rng(0).integers(0, 256, (7, 44, 52, 3), dtype=np.uint8)
    return PlainViews(as_image_source(images), 40, "bicubic")


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("emoji-tiny")


def test_they_are_the_tower_of_the_normalised_views(backbone, views):
    plan = ComputePlan(CPU, torch.float32, 3)
    found = np.concatenate(list(frozen_features(backbone, views, plan)))
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in (backbone.preprocess.mean, backbone.preprocess.std)
    )
    x = torch.stack([views[i] for i in range(7)])
    with torch.no_grad():
        expected = backbone.tower((x / 255 - mean) / std).numpy()
    assert found.dtype == np.float32 and found.shape == (7, backbone.n_features)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_half_precision_is_near(backbone, views):
    full, half = (
        np.concatenate(list(frozen_features(backbone, views, ComputePlan(CPU, p, 7))))
        for p in (torch.float32, torch.bfloat16)
    )
    assert half.dtype == np.float32
    cosine = (full * half).sum(1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert cosine.min() > 0.99
    assert not np.array_equal(full, half)


def test_a_file_that_changes_while_it_is_computed_with_is_not_known(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for i, path in enumerate(paths):
        Image.new("RGB", (48, 48), (20 * i, 0, 0)).save(path)
    views, cache = PlainViews(as_image_source(paths), 40, "bicubic"), MemoryArrays(1 << 20)

    def compute(some, n_all):
        Image.new("RGB", (48, 60), (0, 255, 0)).save(paths[3])
        yield np.ones((len(some), 5), np.float32)

    known_features(compute, views, cache, ("kind",))
    assert cache.n_bytes == 8 * 5 * 4
