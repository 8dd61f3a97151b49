"""Evidence of single modules, on measures that are made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sklift.datasets._checks._alike import close_pairs, near_copies
from sklift.datasets._checks._alone import faults_of_each
from sklift.datasets._checks._bursts import torn_bursts
from sklift.datasets._checks._faults import _varied
from sklift.datasets._checks._seen import Seen, blur_of
from sklift.datasets._checks._taken import Taken

RNG = np.random.default_rng(0)
GOOD = Seen(None, 100, (0, 10, 200, 255), 0.3, 0.1)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("blur", "found"),
    [
        ([0.3] * 19 + [0.7], [19]),
        ([0.6] * 19 + [0.7], []),  # all are a little blurred
        ([0.3] * 15 + [0.7] * 5, []),  # many are: it is their nature
        ([0.3] * 18 + [0.7, 0.8], [19, 18]),
    ],
)
def test_blur_is_a_fault_where_most_are_sharp(blur, found):
    faults = list(faults_of_each([GOOD._replace(blur=b) for b in blur], least=32))
    assert [(fault.kind, *fault.indices) for fault in faults] == [("blurred", i) for i in found]


def test_blur_grows_with_each_blurring_and_plain_pictures_have_none():
    noise = RNG.integers(0, 255, (64, 80)).astype(np.uint8)
    picture = Image.fromarray(noise)
    smooth = [picture.filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 2, 4)]
    values = [blur_of(np.asarray(image)) for image in smooth]
    assert values == sorted(values) and 0 <= values[0] < 0.2 and 0.6 < values[-1] < 1
    assert blur_of(np.full((40, 40), 9, np.uint8)) == blur_of(noise[:9]) == 0


def test_pairs_of_other_places_are_kept_beside_many_of_the_own():
    centre = RNG.normal(size=16)
    near = [centre + RNG.normal(0, spread, 16) for spread in [0.01] * 8]
    far = centre + RNG.normal(0, 0.08, 16)
    vectors = unit(np.array([*near, *(far + RNG.normal(0, 0.01, 16) for _ in range(8))]))
    places = np.repeat([0, 1], 8)
    pairs = close_pairs(vectors, places)
    assert any(places[i] != places[j] for i, j, _ in pairs)
    assert all(i < j and likeness > 0.95 for i, j, likeness in pairs)
    assert pairs[0][2] == pytest.approx(float(vectors[pairs[0][0]] @ vectors[pairs[0][1]]))
    assert close_pairs(unit(RNG.normal(size=(20, 64))), np.zeros(20, int)) == []


def test_blocks_make_no_difference(monkeypatch):
    vectors, places = unit(RNG.normal(size=(30, 4))), np.arange(30) % 3
    whole = close_pairs(vectors, places)
    monkeypatch.setattr("sklift.datasets._checks._alike.BLOCK", 70)
    in_blocks = close_pairs(vectors, places)
    assert whole and [pair[:2] for pair in whole] == [pair[:2] for pair in in_blocks]


def test_a_detail_that_is_seen_at_64_pixels_alone_tells_pictures_apart():
    small, grey = (
        RNG.integers(40, 200, shape).astype(np.uint8) for shape in ((32, 32, 3), (64, 64))
    )
    changed = grey.copy()
    changed[20:24, 40:44] += 40
    seen = [GOOD._replace(small=small, grey=levels) for levels in (grey, changed, grey // 2 + 50)]
    assert near_copies(seen, [(0, 1), (0, 2)]) == []  # of half the contrast is another one
    assert near_copies([seen[0], seen[1]._replace(side=50)], [(0, 1)]) == [(0, 1)]
    darker = GOOD._replace(small=(small * 0.8).astype(np.uint8), grey=(grey * 0.8).astype(np.uint8))
    assert near_copies([seen[0], darker], [(0, 1)]) == [(0, 1)]


def test_bursts_are_of_one_camera_and_by_names_of_photographs():
    alike = np.ones((2, 4), np.float32) / 2
    parts, paths = np.array(["train", "test"]), ["a/7.jpg", "b/8.jpg"]

    def torn(*seen, paths=None):
        return list(torn_bursts(seen, [0, 1], alike, [(0, 1)], parts, paths))

    first, second, other = (Taken(t, (c,)) for t, c in ((60.0, "A"), (63.0, "A"), (0.0, "B")))
    with_time = [GOOD._replace(taken=taken) for taken in (first, second, other)]
    assert torn(with_time[0], with_time[1]) == [(0, 1)]
    assert torn(with_time[0], with_time[2]) == []  # an earlier clock, of another camera
    assert torn(GOOD, GOOD, paths=paths) == [(0, 1)]
    drawn = GOOD._replace(flat=0.8)
    assert torn(drawn, drawn, paths=paths) == []  # numbered icons, such as clocks
    assert torn(GOOD, GOOD, paths=["a/7.jpg", "b/70.jpg"]) == []


def test_pictures_that_are_all_alike_are_not_varied():
    centre = RNG.normal(size=64)
    assert _varied(unit(RNG.normal(size=(50, 64))))
    assert not _varied(unit(centre + RNG.normal(0, 0.3, (50, 64))))
    assert not _varied(unit(centre[None]))
