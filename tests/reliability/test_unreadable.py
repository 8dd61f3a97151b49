"""Files that can't be read: an error, or left out on request."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sklift import ImageEmbedder, ZeroShotClassifier
from sklift.images import ImageSequence


@pytest.fixture
def paths(shapes, tmp_path):
    """24 files, of which numbers 3 (missing), 13 (empty) and 22 (cut off) can't be read."""
    paths = []
    for i, image in enumerate(shapes[0]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(image).save(paths[-1])
    paths[3].unlink()
    paths[13].write_bytes(b"")
    paths[22].write_bytes(paths[22].read_bytes()[:150])
    return np.array(paths, dtype=object)


BAD = [3, 13, 22]
GOOD = np.setdiff1d(np.arange(24), BAD)


def test_they_are_left_out(quick, shapes, paths):
    y = shapes[1]
    weight = np.linspace(1, 2, 24)
    with pytest.warns(
        UserWarning, match="3 of 24 pictures in X can't be read and are left out"
    ) as seen:
        clf = quick(reader__on_error="skip").fit(paths, y, sample_weight=weight)
    assert all(f"X[{i}]: " in str(seen[0].message) for i in BAD)
    assert seen[0].filename == __file__
    assert clf.skipped_.tolist() == BAD and clf.class_counts_.tolist() == [11, 7, 3]
    expected = quick().fit(paths[GOOD], y[GOOD], sample_weight=weight[GOOD])
    assert expected.skipped_.tolist() == []
    np.testing.assert_array_equal(
        clf.predict_proba(paths[GOOD]), expected.predict_proba(paths[GOOD])
    )


def test_a_class_may_go_with_them(quick, shapes, paths):
    y = np.where(np.arange(24) == 13, "grey cat", shapes[1])
    with pytest.warns(UserWarning, match="left out"):
        assert "grey cat" not in quick(reader__on_error="skip").fit(paths, y).classes_


@pytest.mark.parametrize(("i", "error"), [(3, FileNotFoundError), (13, ValueError)])
def test_by_default_they_are_errors(quick, shapes, paths, i, error):
    chosen = [*GOOD, i]
    with pytest.raises(error, match=f"{i}.png"):
        quick().fit(paths[chosen], shapes[1][chosen])


def test_data_sets_too(quick, shapes, paths):
    paths[[0, 3]] = paths[[3, 0]]  # the first item is looked at before

    class Files:
        targets = shapes[1].tolist()

        def __len__(self):
            return 24

        def __getitem__(self, i):
            return Image.open(paths[i]).convert("RGB"), self.targets[i]

    with pytest.raises(FileNotFoundError):
        quick().fit(ImageSequence(Files()))
    with pytest.warns(UserWarning, match="3 of 24 pictures"):
        clf = quick(reader__on_error="skip").fit(ImageSequence(Files()))
    assert clf.skipped_.tolist() == [0, 13, 22]
    with pytest.warns(UserWarning, match=r"3 of 24 pictures in X can't be read.*X\[0\]"):
        assert np.flatnonzero(clf.predict(ImageSequence(Files())).mask).tolist() == [0, 13, 22]


def test_nothing_left(quick, shapes, paths):
    with pytest.raises(ValueError, match=r"none of the 2 pictures in X can be read: X\[0\]"):
        quick(reader__on_error="skip").fit(paths[[3, 13]], ["a", "b"])


def test_partial_fit_too(quick, shapes, paths):
    with pytest.warns(UserWarning, match="3 of 24 pictures"):
        clf = quick(reader__on_error="skip").partial_fit(
            paths, shapes[1], classes=np.unique(shapes[1])
        )
    assert clf.class_counts_.tolist() == [11, 7, 3]


SETTINGS = [{}, {"adapter": None}, {"tta": 2}, {"compute__num_workers": 1}]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "".join(settings) or "plain")
def test_predictions_pass_over_them(quick, shapes, paths, settings):
    clf = quick(reader__on_error="skip", **settings).fit(*shapes)
    expected = clf.predict_proba(shapes[0])
    before = dict(vars(clf))
    with pytest.warns(UserWarning, match=r"3 of 24 pictures in X can't be read") as seen:
        found = clf.predict_proba(paths)
    assert len(seen) == 1 and seen[0].filename == __file__
    named = ["X[3]: ", "3.png", "X[13]: ", "13.png: the file is empty", "X[22]: ", "truncated"]
    assert all(text in str(seen[0].message) for text in named)
    assert np.isnan(found[BAD]).all()
    np.testing.assert_array_equal(found[GOOD], expected[GOOD])
    assert vars(clf) == before  # nothing is noted on an estimator that other threads use


def test_a_cache_keeps_nothing_of_them(quick, shapes, paths, tmp_path):
    paths[20] = tmp_path / "twin.png"
    paths[20].write_bytes(paths[22].read_bytes())
    bad = [*BAD, 20]
    cached = {"adapter": None, "compute__cache": str(tmp_path / "cache")}
    clf = quick(reader__on_error="skip", **cached).fit(*shapes)
    embedder = ImageEmbedder("emoji-tiny", reader=clf.reader, compute=clf.compute).fit()
    for _ in range(2):
        with pytest.warns(UserWarning, match="4 of 24"):
            assert np.isnan(clf.decision_function(paths)[bad]).all()
        with pytest.warns(UserWarning, match="4 of 24"):
            assert np.isnan(embedder.transform(paths)).any(axis=1).nonzero()[0].tolist() == [
                *sorted(bad)
            ]
    for i in bad:
        Image.fromarray(shapes[0][i]).save(paths[i])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        proba, features = clf.predict_proba(paths), embedder.transform(paths)
    np.testing.assert_array_equal(proba, clf.predict_proba(shapes[0]))
    np.testing.assert_array_equal(features, embedder.transform(shapes[0]))


@pytest.mark.filterwarnings("ignore:.* can't be read:UserWarning")
def test_folds_keep_the_masks(paths, shapes, quick):
    y = shapes[1]
    clf = quick(reader__on_error="skip", max_epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = cross_val_predict(clf, paths, y, cv=StratifiedKFold(2))
    assert np.flatnonzero(np.ma.getmaskarray(labels)).tolist() == BAD
    assert labels.filled().tolist() == list(labels)  # under the mask lies what fills it


def test_their_labels_are_masked(quick, shapes, paths):
    clf = quick(reader__on_error="skip").fit(*shapes)
    labels = clf.predict(paths)
    assert np.flatnonzero(labels.mask).tolist() == BAD and labels.dtype == clf.classes_.dtype
    assert labels[GOOD].tolist() == quick().fit(*shapes).predict(shapes[0][GOOD]).tolist()
    right = np.count_nonzero(labels[GOOD] == shapes[1][GOOD])
    assert clf.score(paths, shapes[1]) == right / 24
    prior = clf.estimate_prior(paths[GOOD])
    np.testing.assert_allclose(clf.estimate_prior(paths), prior, rtol=1e-6)
    with pytest.raises(ValueError, match="none of the pictures in X can be read"):
        clf.estimate_prior(paths[BAD])
    assert not clf.predict(shapes[0]).mask.any()  # masked arrays whatever X is


@pytest.mark.filterwarnings("ignore:.* can't be read:UserWarning")
def test_threads_do_not_share_what_they_could_not_read(quick, shapes, paths):
    clf = quick(reader__on_error="skip").fit(*shapes)

    def bad(first):
        return np.flatnonzero(clf.predict(paths[first:]).mask).tolist()

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(bad, range(8)))
    assert found == [[i - first for i in BAD if i >= first] for first in range(8)]


@pytest.mark.filterwarnings("ignore:.* can't be read:UserWarning")
def test_frozen_estimators_too(shapes, paths):
    zero_shot = ZeroShotClassifier("emoji-tiny", reader__on_error="skip")
    zero_shot.fit(None, ["red square", "black cat"])
    assert np.flatnonzero(np.isnan(zero_shot.decision_function(paths))).tolist() == BAD
    assert np.flatnonzero(zero_shot.predict(paths).mask).tolist() == BAD
    words = ["square", "circle", "triangle"]
    suggested = [
        zero_shot.suggest_names(paths[chosen], shapes[1][chosen], words)["red triangle"][0][1]
        for chosen in (slice(None), GOOD)
    ]
    assert suggested[0] == pytest.approx(suggested[1])
    with pytest.raises(ValueError, match="no picture of class 'red triangle' can be read"):
        zero_shot.suggest_names(paths[[0, 1, 22]], shapes[1][[0, 1, 22]], words)
    embedder = ImageEmbedder("emoji-tiny", reader__on_error="skip", projected=True).fit()
    unread = np.isnan(embedder.transform(paths))
    assert np.flatnonzero(unread.all(axis=1)).tolist() == BAD and unread.sum() == unread[BAD].size


def test_predictions_name_all_damaged_files_at_once(fitted, paths, tmp_path):
    paths[23] = tmp_path / "late.png"
    paths[23].write_bytes(b"no picture")
    everything = r"1 of the 24 files in X don't exist: .*3\.png; 2 others .*13\.png.*; .*late\.png"
    for predict in (fitted.predict, ImageEmbedder("emoji-tiny").fit().transform):
        with pytest.raises(FileNotFoundError, match=everything):
            predict(paths)
        with pytest.raises(ValueError, match=r"2 of the 23 files .*13\.png.*; .*late\.png"):
            predict(np.delete(paths, 3))
