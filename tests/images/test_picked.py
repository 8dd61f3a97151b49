"""Pictures picked from a source: each question is put to the right picture."""

from __future__ import annotations

import numpy as np
import pytest

from sklift.images._as_source import as_image_source
from sklift.images._picked import PickedSource
from sklift.images._sources import ImageSource

QUESTIONS = (
    "__getitem__", "check_header", "decoder", "factor", "fingerprint", "key", "look", "n_frames",
    "n_pixels", "original_fingerprint",
)  # fmt: skip


class Telling(ImageSource):
    """A source of four pictures, which answers by the question and the picture."""

    reads_files = False

    def __init__(self):
        self.heard = []

    def __len__(self):
        return 4

    def __getitem__(self, i):
        self.heard.append(i)
        return "__getitem__", i


def answering(question):
    def answer(self, i):
        self.heard.append(i)
        return question, i

    return answer


for question in QUESTIONS[1:]:
    setattr(Telling, question, answering(question))


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_is_put_to_the_picture_that_was_picked(question):
    source = Telling()
    picked = PickedSource(source, np.array([3, 0]))
    answers = [getattr(picked, question)(i) for i in range(2)]
    assert source.heard == [3, 0]
    if question != "check_header":  # which raises errors, and has no answer
        assert answers == [(question, 3), (question, 0)]


def test_several_are_fetched_from_their_places():
    picked = PickedSource(Telling(), np.array([3, 0, 2]))
    assert len(picked) == 3 and [i for _, i in picked.fetch([2, 0])] == [2, 3]


def test_labels_are_those_of_the_picked_pictures():
    pairs = [(np.zeros((4, 4, 3), np.uint8), label) for label in "abcd"]
    picked = PickedSource(as_image_source(pairs), np.array([3, 0]))
    assert picked.labels.tolist() == ["d", "a"]
    assert PickedSource(as_image_source([pair[0] for pair in pairs]), picked.indices).labels is None
