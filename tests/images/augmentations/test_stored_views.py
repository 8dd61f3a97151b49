from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from sklift.images import MinimalistCrop, StoredViews, resolve_augmentation

IMAGE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


def stored(recipe, image=IMAGE, n=4):
    draw = recipe.stored()
    return [draw(image, v, 16, "bicubic") for v in range(n)]


def test_views_follow_from_the_content_of_the_picture():
    first, again = stored(StoredViews()), stored(StoredViews(), IMAGE[:, ::-1][:, ::-1])
    assert all(map(torch.equal, first, again))
    assert len({view.numpy().tobytes() for view in first}) == 4
    other = IMAGE.copy()
    other[-1, -1, -1] ^= 1
    assert not torch.equal(first[0], stored(StoredViews(), other)[0])


def test_they_are_drawn_as_in_the_epochs_of_a_training():
    class Progress:
        def view(self, image, size, interpolation, progress, rng):
            return torch.full((3, size, size), round(progress * 100), dtype=torch.uint8)

    found = [view[0, 0, 0].item() for view in stored(StoredViews(5, Progress()), n=5)]
    assert found == [0, 25, 50, 75, 100]
    assert stored(StoredViews(1, Progress()), n=1)[0].unique() == 100


def test_number_and_views_count():
    usual = stored(StoredViews())
    assert not torch.equal(stored(StoredViews(n_views=5))[3], usual[3])
    assert not torch.equal(stored(StoredViews(views="lift"))[0], usual[0])
    assert torch.equal(stored(StoredViews(views=MinimalistCrop()))[2], usual[2])
    test_views = stored(StoredViews(views=None))
    assert torch.equal(test_views[0], test_views[3])


def test_workers_can_be_sent_what_draws_them():
    draw = pickle.loads(pickle.dumps(StoredViews().stored()))
    assert torch.equal(draw(IMAGE, 1, 16, "bicubic"), stored(StoredViews())[1])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_views": 0}, ValueError, "n_views must be at least 1, got 0"),
        ({"n_views": 2.0}, TypeError, "n_views must be an int, got 2.0"),
        ({"views": "mild"}, ValueError, "Unknown augmentation 'mild'"),
        ({"views": "fixed"}, ValueError, "views of StoredViews must be a recipe that draws from"),
        ({"views": lambda x: x}, ValueError, "views of StoredViews must be a recipe that draws"),
        ({"views": "mixup"}, ValueError, "must be an augmentation of single pictures, got 'mixup'"),
        ({"views": MinimalistCrop("cubic")}, ValueError, "schedule must be one of"),
    ],
)
def test_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        resolve_augmentation(StoredViews(**settings))
