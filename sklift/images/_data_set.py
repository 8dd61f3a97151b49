"""Sequence of the pictures of a data set, whose items are made when they are asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ._decode import check_file, factor_for, frames_of, read, read_reduced, to_rgb
from ._items import check_label, is_pair, is_path, labels_of
from ._look import NOTHING, Look, look_at
from ._read_errors import READ_ERRORS
from ._reading import PLAIN, Reading
from ._sources import ImageSource, check_not_empty


class DatasetSource(ImageSource):
    """A map-style dataset of pictures or (image, label); its items are made when asked for."""

    def __init__(self, dataset, must_exist: bool = True, reading: Reading = PLAIN):
        self.dataset = dataset
        self.reading = reading
        check_not_empty(len(dataset))
        self._look = NOTHING
        self._believed: list | None = None
        try:
            self._look_at_first()
        except READ_ERRORS:
            if must_exist:
                raise

    def _look_at_first(self) -> None:
        """Look at the first item: a dataset of anything else is found now, not in training."""
        first = self._image(0)
        self._pixels(first, 0)
        place = first if is_path(first) else "X[0]"
        self._look = look_at(first, str(place), self.reading)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> np.ndarray:
        return self._pixels(self._image(i), i)

    def n_frames(self, i: int) -> int:
        """Number of frames of an item."""
        return frames_of(self._image(i), f"X[{i}]", self.reading)

    def look(self, i: int) -> Look:
        """What the first item told: to make others costs time, and may draw from random states."""
        return self._look if i == 0 else NOTHING

    def _image(self, i: int):
        item = self.dataset[i]
        if not is_pair(item):
            return item
        if self._believed is not None:
            check_label(item[1], self._believed[i], i)
        return item[0]

    def _pixels(self, image, i: int) -> np.ndarray:
        if not is_path(image):
            return to_rgb(image, f"X[{i}]", self.reading, self.least)
        factor = factor_for(check_file(image, self.reading).size, self.least)
        if factor == 1:
            return read(image, self.reading)
        return read_reduced(image, factor, self.reading)

    # A property, not an attribute as elsewhere: the items may have to be made for it.
    @cached_property
    def labels(self) -> np.ndarray | None:
        """Labels that the dataset lists, where its items agree; else those of its items."""
        labels, from_list = labels_of(self.dataset)
        if from_list and labels is not None:
            self._believed = labels.tolist()
        return labels
