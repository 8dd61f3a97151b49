"""Labels of which some are missing."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from sklift._classes._masked import masked_labels

CODES, MISSING = np.array([0, 1, 0, 1]), np.array([False, False, True, False])
CLASSES = [
    np.array(["cat", "fox"]),
    np.array(["cat", "fox"], dtype=object),
    np.array([0, 1]),
    np.array([0, 255], dtype=np.uint8),
    np.array([5, 2**63 + 7], dtype=np.uint64),
    np.array([False, True]),
    np.array([0.0, 1.0]),
]


@pytest.mark.parametrize("classes", CLASSES, ids=lambda classes: f"{classes.dtype}")
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_a_missing_label_is_no_class(classes):
    labels = masked_labels(classes, CODES, MISSING)
    expected = classes[CODES].tolist()
    assert labels.tolist() == [*expected[:2], None, expected[3]]
    assert not np.isin(labels.data[2], classes) and pickle.loads(pickle.dumps(labels)).mask[2]
    for score in (accuracy_score, balanced_accuracy_score):
        assert score(classes[CODES], labels) == 0.75
    f1 = f1_score(classes[CODES], labels, labels=classes, average=None)
    np.testing.assert_allclose(f1, [2 / 3, 1])


def test_an_index_that_is_missing_finds_nothing():
    with pytest.raises(IndexError):
        np.array(["cat", "fox"])[masked_labels(np.array([0, 1]), CODES, MISSING)]


def test_pandas_knows_what_is_missing():
    pd = pytest.importorskip("pandas")
    for classes in CLASSES:
        column = pd.DataFrame({"label": masked_labels(classes, CODES, MISSING)})["label"]
        assert column.isna().tolist() == MISSING.tolist()


def test_where_no_text_is_free():
    labels = masked_labels(np.array(["", "fox"]), CODES, MISSING)
    assert labels.tolist() == ["", "fox", None, "fox"] and labels.data[2] is None


def test_where_nothing_is_missing_the_type_is_that_of_the_classes():
    for classes in CLASSES:
        labels = masked_labels(classes, CODES, np.zeros(len(CODES), bool))
        assert labels.dtype == classes.dtype and not labels.mask.any()
        assert labels.tolist() == classes[CODES].tolist()
