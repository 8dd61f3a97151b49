from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from sklift.datasets import from_wilds
from sklift.images._as_source import as_image_source


class Traps:
    """What a data set of WILDS, or a subset of it, has: items (picture, label, metadata)."""

    def __init__(self, n=6):
        self.n = n
        self.y_array = torch.arange(n) % 2
        self.metadata_array = torch.stack([torch.arange(n) // 3, self.y_array], 1)
        self.metadata_fields = ["location", "y"]
        self.metadata_map = None
        self.read: list[int] = []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.read.append(i)
        picture = Image.new("RGB", (8, 8), (40 * i, 0, 0))
        return picture, self.y_array[i], self.metadata_array[i]


def test_pictures_stay_in_the_data_set():
    dataset = Traps()
    X, y, groups = from_wilds(dataset, "location")
    assert y.tolist() == [0, 1, 0, 1, 0, 1] and groups.tolist() == [0, 0, 0, 1, 1, 1]
    part = X[np.array([4, 1])]
    assert len(X) == 6 and dataset.read == []
    assert [int(as_image_source(part)[i][0, 0, 0]) for i in (0, 1)] == [160, 40]


def test_groups_have_names_where_the_data_set_knows_them_all():
    dataset = Traps()
    dataset.metadata_map = {"location": ["ridge", "creek"], "y": ["a", "b"]}
    assert from_wilds(dataset, "location")[2].tolist() == ["ridge"] * 3 + ["creek"] * 3
    dataset.metadata_array[0, 0] = -1  # would be the last name
    assert from_wilds(dataset, "location")[2].tolist() == [-1, 0, 0, 1, 1, 1]


def test_labels_in_a_column():
    dataset = Traps()
    dataset.y_array = dataset.y_array[:, None]
    assert from_wilds(dataset, "y")[1].shape == (6,)


def test_an_estimator_takes_the_triples(quick):
    X, y, _ = from_wilds(Traps(), "location")
    clf = quick(max_epochs=1).fit(X, y)
    assert clf.predict(X).shape == (6,) and clf.classes_.tolist() == [0, 1]


def test_wrong_arguments():
    with pytest.raises(TypeError, match="which has y_array; got list"):
        from_wilds([1], "location")
    with pytest.raises(ValueError, match=r"group='site' is no field .* it has location, y"):
        from_wilds(Traps(), "site")
