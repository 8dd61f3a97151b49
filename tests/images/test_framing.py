"""Framing: what is seen of pictures that are not square."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.images import Reader
from sklift.images._framing import pad, squash

FRAMED = ("squash", "pad")


def ends(n=12, height=20, width=100):
    """Long grey pictures; a coloured stripe at one of both ends tells the class."""
    rng = np.random.default_rng(0)
    X = rng.integers(100, 120, (n, height, width, 3), dtype=np.uint8)
    y = np.array(["left", "right"])[np.arange(n) % 2]
    for image, label in zip(X, y, strict=True):
        columns = slice(0, 12) if label == "left" else slice(width - 12, width)
        image[:, columns] = (255, 0, 0)
    return X, y


def read(X, framing):
    return Reader(framing=framing).build(X)


class TestPixels:
    def test_squash_keeps_the_area_and_all_of_the_picture(self):
        image = np.zeros((20, 80, 3), np.uint8)
        image[:, :40] = 200
        square = squash(image)
        assert square.shape == (40, 40, 3) and square.dtype == np.uint8
        assert (square[:, :18] == 200).all() and (square[:, 22:] == 0).all()

    @pytest.mark.parametrize("turned", [False, True])
    def test_pad_keeps_proportions_and_puts_the_mean_around(self, turned):
        image = np.full((20, 80, 3), 10, np.uint8)
        image[:, 40:] = 110
        square = pad(image.transpose(1, 0, 2) if turned else image)
        square = square.transpose(1, 0, 2) if turned else square
        assert square.shape == (80, 80, 3)
        np.testing.assert_array_equal(square[30:50], image)
        assert (square[:30] == 60).all() and (square[50:] == 60).all()

    def test_very_long_pictures_take_no_more_memory_than_their_middle(self):
        image = np.zeros((2, 100_000, 3), np.uint8)
        image[:, 49_990:50_010] = 80
        assert pad(image).shape == (16, 16, 3) and pad(image)[7:9].min() == 80
        assert squash(image).shape == (447, 447, 3)

    def test_an_odd_rest(self):
        image = np.zeros((3, 6, 3), np.uint8)
        assert pad(image).shape == (6, 6, 3) and squash(image).shape == (4, 4, 3)
        assert squash(np.zeros((1, 500, 3), np.uint8)).shape == (22, 22, 3)

    @pytest.mark.parametrize("framing", FRAMED)
    def test_squares_stay_as_they_are(self, framing):
        X = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), np.uint8)
        np.testing.assert_array_equal(read(X, framing)[1], X[1])

    def test_crop_is_no_framing(self):
        X = ends()[0]
        np.testing.assert_array_equal(read(X, "crop")[0], X[0])
        assert read(X, "crop").fingerprint(0) == Reader().build(X).fingerprint(0)


class TestSource:
    @pytest.mark.parametrize("framing", FRAMED)
    def test_files_arrays_and_images_are_framed_alike(self, framing, tmp_path):
        X = ends(3)[0]
        paths = [tmp_path / f"{i}.png" for i in range(3)]
        for path, image in zip(paths, X, strict=True):
            Image.fromarray(image).save(path)
        expected = read(X, framing).fetch([2, 0])
        for given in (paths, [Image.fromarray(image) for image in X], list(X)):
            source = read(given, framing)
            found = source.fetch([2, 0])
            assert all(np.array_equal(f, e) for f, e in zip(found, expected, strict=True))
            np.testing.assert_array_equal(source[2], expected[0])

    def test_framings_have_keys_of_their_own(self, tmp_path):
        path = tmp_path / "a.png"
        Image.fromarray(ends(1)[0][0]).save(path)
        sources = [read([path], framing) for framing in ("crop", *FRAMED)]
        assert len({source.fingerprint(0) for source in sources}) == 3
        assert len({source.key(0) for source in sources}) == 3
        assert len({source.identity() for source in sources}) == 3

    def test_labels_of_a_dataset(self):
        X, y = ends(4)
        pairs = [(Image.fromarray(image), label) for image, label in zip(X, y, strict=True)]
        assert read(pairs, "pad").labels.tolist() == y.tolist()

    def test_large_files_are_decoded_smaller_all_the_same(self, tmp_path):
        path = tmp_path / "large.jpg"
        Image.new("RGB", (1600, 800), (200, 30, 30)).save(path)
        source = read([path], "squash").reduced(100)
        assert source.factor(0) == 8 and source[0].shape == (141, 141, 3)
        assert source.n_pixels(0) == 200 * 100
        padded = read([path], "pad").reduced(100)  # no more pixels than told are in memory at once
        assert padded[0].shape == (200, 200, 3) and padded.n_pixels(0) >= 200 * 200

    def test_another_word(self):
        with pytest.raises(ValueError, match="'framing' parameter of Reader must be"):
            read(ends()[0], "stretch")


class TestEstimators:
    @pytest.fixture(params=["memory", "folder", False])
    def cache(self, request, tmp_path):
        return {"memory": "auto", "folder": str(tmp_path / "cache"), False: False}[request.param]

    def test_the_ends_of_pictures_are_seen(self, cache, tmp_path):
        X, y = ends(24)
        paths = [tmp_path / f"{i}.png" for i in range(len(X))]
        for path, image in zip(paths, X, strict=True):
            Image.fromarray(image).save(path)

        def score(framing):
            clf = LiftClassifier(
                "emoji-tiny",
                adapter=None,
                init="class_mean",
                augmentation=None,
                max_epochs=5,
                random_state=0,
                reader__framing=framing,
                compute__cache=cache,
            )
            return clf.fit(paths[:12], y[:12]).score(paths[12:], y[12:])

        cropped = score("crop")
        assert cropped < 0.9  # the middle tells nothing
        assert [score(framing) for framing in FRAMED] == [1.0, 1.0]
        assert score("crop") == cropped  # the cache tells them apart

    @pytest.mark.parametrize("estimator", [ImageEmbedder, ZeroShotClassifier])
    def test_other_estimators(self, estimator):
        X = ends(4)[0]
        outputs = []
        for framing in ("crop", *FRAMED):
            est = estimator("emoji-tiny", reader__framing=framing)
            est = est.fit(X) if estimator is ImageEmbedder else est.fit(None, ["left", "right"])
            found = est.transform(X) if estimator is ImageEmbedder else est.predict_proba(X)
            outputs.append(found)
        assert not np.allclose(outputs[0], outputs[1]) and not np.allclose(outputs[1], outputs[2])

    def test_saved_and_not_exported(self, quick, tmp_path):
        X, y = ends()
        clf = quick(max_epochs=1, reader__framing="squash").fit(X, y)
        clf.save(tmp_path / "model.safetensors")
        loaded = LiftClassifier.load(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
        with pytest.raises(ValueError, match="reader__framing='squash' did in training"):
            clf.export(tmp_path / "model.pt2")
        assert not (tmp_path / "model.pt2").exists()

    def test_workers(self, quick, shapes):
        X, y = ends()
        one, other = (
            quick(max_epochs=1, reader__framing="pad", compute__num_workers=n).fit(X, y)
            for n in (0, 1)
        )
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
