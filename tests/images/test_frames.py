"""All frames of a picture: predictions of each, and their mean."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._data._of_frames import joined, mean_probabilities, mean_row
from sklift._store._memory import MemoryArrays
from sklift.images import Reader
from sklift.images._cache import CachedSource
from sklift.images._frames import FramesSource

RNG = np.random.default_rng(0)
COUNTS = (3, 1, 2)
FRAMES = [RNG.integers(0, 256, (n, 48, 64, 3), dtype=np.uint8) for n in COUNTS]
ALL = np.concatenate(FRAMES)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    paths = [folder / f"{i}.tif" for i in range(3)]
    for frames, path in zip(FRAMES, paths, strict=True):
        first, *others = map(Image.fromarray, frames)
        first.save(path, save_all=True, append_images=others)
    return paths


def opened(paths):
    return [Image.open(path) for path in paths]


KINDS = {
    "paths": list,
    "bytes": lambda paths: [path.read_bytes() for path in paths],
    "streams": lambda paths: [io.BytesIO(path.read_bytes()) for path in paths],
    "opened": opened,
    "data set": lambda paths: type(
        "Items",
        (),
        {"__len__": lambda self: 3, "__getitem__": lambda self, i: Image.open(paths[i])},
    )(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_frames_in_order(paths, kind):
    source = Reader(frame="all").build(KINDS[kind](paths))
    np.testing.assert_array_equal(source[0], FRAMES[0][1])  # the middle one elsewhere
    frames = FramesSource(source)
    assert frames.counts.tolist() == list(COUNTS) and len(frames) == 6
    np.testing.assert_array_equal([frames[i] for i in range(6)], ALL)
    np.testing.assert_array_equal(frames.fetch([5, 0, 2, 0]), ALL[[5, 0, 2, 0]])
    reduced, plain = frames.reduced(12), Reader().build(ALL).reduced(12)
    np.testing.assert_array_equal(reduced.fetch(range(6)), plain.fetch(range(6)))
    assert len({frames.fingerprint(i) for i in range(6)}) == 6


@pytest.mark.parametrize("framing", ["crop", "squash"])
def test_frames_are_cached_one_by_one(paths, framing):
    source = Reader(frame="all", framing=framing).build(paths)
    store = MemoryArrays(1 << 30)
    frames = FramesSource(CachedSource(source, store=store))
    expected = FramesSource(source).fetch(range(6))
    for _ in range(2):
        for found, image in zip(frames.fetch(range(6)), expected, strict=True):
            np.testing.assert_array_equal(found, image)
    keys = [frames.key(i) for i in range(6)]
    assert len(set(keys)) == 6 and len(store.find([(1, *key) for key in keys])) == 6
    again = pickle.loads(pickle.dumps(FramesSource(source)))
    np.testing.assert_array_equal(again[4], expected[4])


def test_pictures_without_frames_have_one():
    frames = FramesSource(Reader(frame="all").build(ALL))
    assert frames.counts.tolist() == [1] * 6
    np.testing.assert_array_equal(frames.fetch(range(6)), ALL)


@pytest.mark.parametrize("sizes", [[6], [1] * 6, [2, 1, 3], [5, 1]])
def test_rows_are_joined_whatever_the_batches(sizes):
    rows = RNG.normal(size=(6, 4)).astype(np.float32)
    batches = np.split(rows, np.cumsum(sizes)[:-1])
    found = np.concatenate(list(joined(batches, np.array(COUNTS), mean_row)))
    expected = [part.mean(axis=0) for part in np.split(rows, [3, 4])]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_many_pictures_are_given_out_early():
    rows = RNG.normal(size=(1000, 2))
    batches = list(joined(np.split(rows, 100), np.full(500, 2), mean_row))
    assert len(batches) == 2
    np.testing.assert_allclose(np.concatenate(batches), rows.reshape(500, 2, 2).mean(1))


def test_the_softmax_of_joined_logits_is_the_mean_of_the_probabilities():
    logits = 9 * RNG.normal(size=(5, 7))
    expected = softmax(logits, axis=1).mean(axis=0)
    np.testing.assert_allclose(softmax(mean_probabilities(logits)), expected)


def test_estimators(paths):
    y = ["red heart", "blue circle", "red heart"]
    options = {"compute__cache": False}
    clf = LiftClassifier("emoji-tiny", max_epochs=1, random_state=0, **options)
    clf.set_params(reader__frame="all").fit(paths, y)
    middle = LiftClassifier("emoji-tiny", max_epochs=1, random_state=0, **options)
    middle.set_params(reader__frame="middle").fit(paths, y)
    zero = ZeroShotClassifier("emoji-tiny", reader__frame="all", **options).fit(paths, y)
    plain = ZeroShotClassifier("emoji-tiny", **options).fit(paths, y)
    for many, single in ((clf, middle), (zero, plain)):
        each = np.split(single.predict_proba(ALL), [3, 4])
        expected = [part.mean(axis=0) for part in each]
        np.testing.assert_allclose(many.predict_proba(paths), expected, atol=1e-6)
    embedder = ImageEmbedder("emoji-tiny", reader__frame="all", **options)
    of_frames = ImageEmbedder("emoji-tiny", **options).fit_transform(ALL)
    expected = [part.mean(axis=0) for part in np.split(of_frames, [3, 4])]
    np.testing.assert_allclose(embedder.fit_transform(paths), expected, atol=1e-5)


@pytest.mark.parametrize("frame", ["all", "middle", 3])
@pytest.mark.parametrize("kind", ["gif", "tif"])
def test_files_that_are_cut_off_are_named(tmp_path, kind, frame):
    rng = np.random.default_rng(0)
    first, *others = (Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)) for _ in range(4))
    whole, cut = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    first.save(whole, save_all=True, append_images=others)
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3 if kind == "tif" else 900])
    with pytest.raises(ValueError, match=rf"cut\.{kind}"):
        ImageEmbedder("emoji-tiny", reader__frame=frame).fit_transform([whole, cut])
    skipping = ImageEmbedder("emoji-tiny", reader__frame=frame, reader__on_error="skip")
    with pytest.warns(
        UserWarning, match=rf"X\[1\]: .*cut\.{kind}.*(be counted|is none of them|truncated)"
    ):
        features = skipping.fit_transform([whole, cut])
    assert np.isnan(features).all(axis=1).tolist() == [False, True]


def test_the_frame_that_is_cut_off_is_the_reason(tmp_path):
    rng = np.random.default_rng(0)
    first, *others = (Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)) for _ in range(4))
    path = tmp_path / "cut.gif"
    first.save(path, save_all=True, append_images=others)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    ImageEmbedder("emoji-tiny", reader__frame="middle").fit_transform([path])  # it is whole
    skipping = ImageEmbedder("emoji-tiny", reader__frame="all", reader__on_error="skip")
    with pytest.warns(UserWarning, match=r"cut\.gif.*truncated"):
        assert np.isnan(skipping.fit_transform([path])).all()


def test_unread_pictures_are_passed_over(paths, tmp_path):
    damaged = tmp_path / "x.tif"
    damaged.write_bytes(paths[0].read_bytes()[:100])
    X = [paths[0], damaged, paths[2]]
    embedder = ImageEmbedder("emoji-tiny", reader__frame="all", compute__cache=False)
    expected = embedder.fit_transform([paths[0], paths[2]])
    embedder.set_params(reader__on_error="skip")
    with pytest.warns(UserWarning, match=r"1 of 3 pictures in X can't be read.*X\[1\]: "):
        found = embedder.transform(X)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[[0, 2]], expected, atol=1e-5)
