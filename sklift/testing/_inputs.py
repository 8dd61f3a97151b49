"""Checks of X: equal results for all kinds of pictures, no change of X, refusal of bad X."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np
from PIL import Image

from ._common import (
    METHODS,
    SIZE,
    assert_same,
    fitted,
    learns_from_pictures,
    outputs,
    pandas,
    pictures,
    prepared,
    refused,
)


def check_kinds_of_pictures(name, estimator_orig):
    """Arrays, tensors, PIL images, lists and data sets of the same pictures predict the same."""
    import torch

    X, _ = pictures()
    tensor = torch.from_numpy(X).movedim(-1, 1)
    objects = np.empty(len(X), object)
    objects[:] = [Image.fromarray(image) for image in X]
    estimator = fitted(estimator_orig)
    expected = outputs(estimator, X)
    kinds = {
        "float32 arrays": (X / 255).astype(np.float32),
        "float64 arrays": X / 255,
        "uint16 arrays": X.astype(np.uint16) * 257,
        "arrays in Fortran order": np.asfortranarray(X),
        "a view that is not contiguous": np.repeat(X, 2, axis=0)[::2],
        "uint8 tensors": tensor,
        "float32 tensors": tensor.float() / 255,
        "PIL images": list(objects),
        "an array of PIL images": objects,
        "a list of arrays": list(X),
        "a list of tensors": list(tensor),
        "a data set": _Dataset(X),
    }
    for kind, other in kinds.items():
        assert_same(outputs(estimator, other), expected, f"{name} on {kind}")


def check_training_kinds(name, estimator_orig):
    """Floats, tensors and PIL images train the same model as bytes."""
    import torch

    X, y = pictures()
    expected = outputs(fitted(estimator_orig), X)
    kinds = {
        "float64 arrays": X / 255,
        "float32 tensors": torch.from_numpy(X).movedim(-1, 1).float() / 255,
        "PIL images": [Image.fromarray(image) for image in X],
    }
    for kind, other in kinds.items():
        assert_same(outputs(fitted(estimator_orig, other, y), X), expected, f"{name} fit to {kind}")


def check_files(name, estimator_orig):
    """Paths in lists, arrays and tables act as their pictures do; a missing file is named."""
    pd = pandas()

    X, y = pictures()
    estimator = fitted(estimator_orig)
    expected = outputs(estimator, X)
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.png" for i in range(len(X))]
        for image, path in zip(X, paths, strict=True):
            Image.fromarray(image).save(path)
        texts = [str(path) for path in paths]
        kinds = {
            "paths": paths,
            "an array of str": np.array(texts),
            "a column of str": np.array(texts)[:, None],
            "a Series": pd.Series(texts, index=range(7, 7 + len(X))),
            "a DataFrame": pd.DataFrame({"path": texts}),
        }
        for kind, other in kinds.items():
            assert_same(outputs(estimator, other), expected, f"{name} on {kind}")
        trained = outputs(fitted(estimator_orig, paths, y), X)
        assert_same(trained, expected, f"{name} fit to paths")
        lost = [*texts[:-1], str(Path(folder) / "lost.png")]
        for method in expected:
            with refused(f"{name}.{method} on a lost file", "lost.png", errors=FileNotFoundError):
                getattr(estimator, method)(lost)


def check_inputs_not_changed(name, estimator_orig):
    """Neither fit nor a prediction changes X, y or sample weights."""
    pd = pandas()

    X, y = pictures()
    for kind, given in {
        "bytes": X,
        "floats": X / 255,
        "a list": list(X),
        "a Series": pd.Series([Image.fromarray(image) for image in X], index=range(7, 7 + len(X))),
    }.items():
        labels = pd.Series(y) if kind == "a Series" else y
        before = joblib.hash([given, labels])
        estimator = fitted(estimator_orig, given, labels)
        assert joblib.hash([given, labels]) == before, f"{name}.fit changes X or y: {kind}"
        outputs(estimator, given)
        assert joblib.hash([given, labels]) == before, f"the predictions of {name} change {kind}"


def check_readonly_memmap(name, estimator_orig):
    """Arrays in read-only memory maps are taken."""
    X, y = pictures()
    expected = outputs(fitted(estimator_orig), X)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for kind, array in {"bytes": X, "floats": (X / 255).astype(np.float32)}.items():
            for key, values in {"X": array, "y": y}.items():
                np.save(Path(folder) / f"{kind}-{key}.npy", values)
            mapped, labels = (
                np.load(Path(folder) / f"{kind}-{key}.npy", mmap_mode="r") for key in "Xy"
            )
            found = outputs(fitted(estimator_orig, mapped, labels), mapped)
            assert_same(found, expected, f"{name} on mapped {kind}")


def check_nan_and_inf(name, estimator_orig):
    """Pictures with NaN or infinite values are refused, in fit and in predictions."""
    X, y = pictures()
    estimator = fitted(estimator_orig)
    for value in (np.nan, np.inf, -np.inf):
        one, each = X / 255, X / 255
        one[2, 3, 4, 1] = value
        # Items of a list are checked when they are used, and fit may not draw all of them.
        each[:, 3, 4, 1] = value
        for kind, bad in {"an array": one, "a list": list(each)}.items():
            _refused(name, estimator, bad, y, f"{value} in {kind}", "nan", "inf")


def check_range(name, estimator_orig):
    """Floats outside of [0, 1] are refused: they would be seen as white or black."""
    X, y = pictures()
    estimator = fitted(estimator_orig)
    _refused(name, estimator, X.astype(np.float32), y, "floats up to 255", "[0, 1]")
    _refused(name, estimator, X / 127.5 - 1, y, "floats below 0", "[0, 1]")


def check_no_pictures(name, estimator_orig):
    """Empty X, a single picture, and objects that are no pictures are refused."""
    X, y = pictures()
    estimator = fitted(estimator_orig)
    for what, bad in {
        "an empty array": X[:0],
        "an empty list": [],
        "one picture": X[0],
        "numbers": np.zeros(len(X)),
        "a dict": {"X": X},
        "None": None,
    }.items():
        _refused(name, estimator, bad, y[:0] if "empty" in what else y, what)


def check_lengths(name, estimator_orig):
    """X and y of different lengths are refused."""
    X, y = pictures()
    if learns_from_pictures(estimator_orig):
        with refused(f"{name}.fit, y shorter than X", str(len(X) - 1)):
            prepared(estimator_orig).fit(X, y[:-1])


def check_different_sizes(name, estimator_orig):
    """Pictures of different sizes in one list are treated as if each came alone."""
    X, y = pictures()
    mixed = [image[i % 3 : SIZE - i, : SIZE - i % 4] for i, image in enumerate(X)]
    estimator = fitted(estimator_orig, mixed, y)
    alone = [outputs(estimator, image[None]) for image in mixed]
    expected = {method: np.concatenate([one[method] for one in alone]) for method in alone[0]}
    assert_same(outputs(estimator, mixed), expected, f"{name} on pictures of different sizes")


class _Dataset:
    """Data set of pictures by index."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


def _refused(name, estimator, X, y, what: str, *words: str) -> None:
    for method in (m for m in METHODS if hasattr(estimator, m)):
        with refused(f"{name}.{method}, {what}", *words, errors=(ValueError, TypeError)):
            getattr(estimator, method)(X)
    if learns_from_pictures(estimator):
        with refused(f"{name}.fit, {what}", *words, errors=(ValueError, TypeError)):
            prepared(estimator).fit(X, y)


CHECKS = (
    check_kinds_of_pictures,
    check_training_kinds,
    check_files,
    check_inputs_not_changed,
    check_readonly_memmap,
    check_nan_and_inf,
    check_range,
    check_no_pictures,
    check_lengths,
    check_different_sizes,
)
