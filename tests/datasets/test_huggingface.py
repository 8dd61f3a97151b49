from __future__ import annotations

import doctest
import pickle

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sklift.datasets import from_huggingface, make_long_tailed
from sklift.images._as_source import as_image_source

hf = pytest.importorskip("datasets")


def build(labels, label_type):
    pictures = [np.full((5, 6, 3), 10 * i, np.uint8) for i in range(len(labels))]
    features = hf.Features({"image": hf.Image(), "label": label_type})
    return hf.Dataset.from_dict({"image": pictures, "label": labels}, features)


@pytest.fixture
def dataset():
    return build([0, 1, 0, 1, 1, 0], hf.ClassLabel(names=["cat", "dog"]))


def values(X):
    source = as_image_source(X)
    return [int(source[i][0, 0, 0]) for i in range(len(source))]


def test_images_and_class_names(dataset):
    X, y = from_huggingface(dataset)
    assert y.tolist() == ["cat", "dog", "cat", "dog", "dog", "cat"]
    assert X.shape == (6,) and len(X) == 6 and repr(X) == "HuggingFaceImages(n_images=6)"
    assert X[2].size == X[-4].size == (6, 5)
    assert values(X) == [0, 10, 20, 30, 40, 50]


def test_indexing_is_lazy_and_agrees_with_numpy(dataset, monkeypatch):
    X, _ = from_huggingface(dataset)
    rows = np.arange(6)
    mask = np.array([True, False, False, True, True, False])
    monkeypatch.setattr(hf.Image, "decode_example", None)
    keys = (slice(1, 5, 2), np.array([4, -1, 0]), [3, 3], mask, np.array([], int))
    parts = [X[key] for key in keys]
    train, test = train_test_split(X, test_size=2, random_state=0)
    monkeypatch.undo()
    for part, key in zip(parts, keys, strict=True):
        assert [int(np.asarray(im)[0, 0, 0]) for im in part] == (10 * rows[key]).tolist()
    assert sorted(values(train) + values(test)) == [0, 10, 20, 30, 40, 50]
    with pytest.raises(IndexError):
        X[np.array([6])]


def test_it_can_be_cut_and_pickled(dataset):
    X, y = from_huggingface(dataset)
    X, y = make_long_tailed(X, y, 3, random_state=0)
    assert sorted(y) == ["cat", "cat", "cat", "dog"]
    assert values(pickle.loads(pickle.dumps(X))) == values(X)


def test_formats_and_transforms_of_the_dataset_are_left_out(dataset):
    dataset.set_transform(lambda rows: 1 / 0)
    X, y = from_huggingface(dataset)
    assert values(X[:2]) == [0, 10] and y[1] == "dog"


@pytest.mark.parametrize(
    ("labels", "kind"), [(["b", "a", "b"], hf.Value("string")), ([7, 3, 7], hf.Value("int64"))]
)
def test_labels_without_names_stay_as_they_are(labels, kind):
    dataset = build(labels, kind).rename_columns({"image": "img", "label": "fine"})
    _, y = from_huggingface(dataset, image="img", label="fine")
    assert y.tolist() == labels


@pytest.mark.parametrize("missing", [-1, None])
def test_rows_without_a_label_are_refused(missing):
    dataset = build([0, missing, 1, missing], hf.ClassLabel(names=["cat", "dog"]))
    with pytest.raises(ValueError, match="2 of the 4 rows have no label: leave them out, dataset"):
        from_huggingface(dataset)
    rest = dataset.filter(lambda row: row["label"] not in (None, -1))
    assert from_huggingface(rest)[1].tolist() == ["cat", "dog"]


def test_wrong_arguments(dataset):
    with pytest.raises(TypeError, match=r"several splits \(train, test\): .* dataset\['train'\]"):
        from_huggingface(hf.DatasetDict(train=dataset, test=dataset))
    with pytest.raises(TypeError, match=r"not a stream: load it .* got IterableDataset"):
        from_huggingface(dataset.to_iterable_dataset())
    with pytest.raises(
        ValueError, match="image='img' is not a column of the dataset; it has image,"
    ):
        from_huggingface(dataset, image="img")
    with pytest.raises(ValueError, match="label='y' is not a column"):
        from_huggingface(dataset, label="y")


def test_the_example_of_the_docstring_runs():
    text = from_huggingface.__doc__.replace("# doctest: +SKIP", "")
    example = doctest.DocTestParser().get_doctest(text, {}, "from_huggingface", None, 0)
    assert doctest.DocTestRunner().run(example).failed == 0
