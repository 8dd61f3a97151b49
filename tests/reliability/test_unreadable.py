"""Files that can't be read: an error, or left out on request."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

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
    with pytest.warns(UserWarning, match="3 of 24 pictures can't be read and are left out") as seen:
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


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_prediction_always_raises(quick, shapes, paths, on_error):
    clf = quick(reader__on_error=on_error).fit(paths[GOOD], shapes[1][GOOD])
    with pytest.raises(FileNotFoundError, match=r"1 of the 24 files in X don't exist: .*3.png"):
        clf.predict(paths)
    with pytest.raises(ValueError, match=r"13\.png"):
        clf.predict(paths[[12, 13]])


@pytest.mark.parametrize(("i", "error"), [(3, FileNotFoundError), (13, ValueError)])
def test_by_default_they_are_errors(quick, shapes, paths, i, error):
    chosen = [*GOOD, i]
    with pytest.raises(error, match=f"{i}.png"):
        quick().fit(paths[chosen], shapes[1][chosen])


def test_data_sets_too(quick, shapes, paths):
    class Files:
        targets = shapes[1].tolist()

        def __len__(self):
            return 24

        def __getitem__(self, i):
            return Image.open(paths[i]).convert("RGB"), self.targets[i]

    with pytest.warns(UserWarning, match="3 of 24 pictures"):
        clf = quick(reader__on_error="skip").fit(ImageSequence(Files()))
    assert clf.skipped_.tolist() == BAD


def test_nothing_left(quick, shapes, paths):
    with pytest.raises(ValueError, match=r"none of the 2 pictures in X can be read: X\[0\]"):
        quick(reader__on_error="skip").fit(paths[[3, 13]], ["a", "b"])


def test_partial_fit_too(quick, shapes, paths):
    with pytest.warns(UserWarning, match="3 of 24 pictures"):
        clf = quick(reader__on_error="skip").partial_fit(
            paths, shapes[1], classes=np.unique(shapes[1])
        )
    assert clf.class_counts_.tolist() == [11, 7, 3]
