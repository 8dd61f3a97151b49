from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.model_selection import KFold, cross_validate

from sklift.datasets import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit

RNG = np.random.default_rng(0)
Y = (RNG.uniform(size=(200, 12)) < np.geomspace(0.5, 0.02, 12)).astype(int)
Y[:, 11] = 0
Y[[3, 50, 77, 120, 180], 11] = 1  # as many as there are folds


def test_folds_partition_the_pictures_and_keep_rare_labels():
    folds = MultilabelStratifiedKFold(5, random_state=0)
    tests = [test for _, test in folds.split(Y, Y)]
    assert sorted(np.concatenate(tests)) == list(range(200))
    counts = np.array([Y[test].sum(0) for test in tests])
    assert (counts[:, 11] == 1).all()
    wanted = Y.sum(0) / 5
    assert np.abs(counts - wanted).max() <= 4
    plain = np.array([Y[test].sum(0) for _, test in KFold(5).split(Y)])
    assert np.abs(counts - wanted).mean() < 0.5 * np.abs(plain - wanted).mean()
    sizes = [len(test) for test in tests]
    assert max(sizes) - min(sizes) <= 8
    assert folds.get_n_splits() == 5


def test_the_seed_decides():
    def split(y, seed):
        return [
            test.tolist() for _, test in MultilabelStratifiedKFold(3, random_state=seed).split(y, y)
        ]

    assert split(Y, 0) == split(Y, 0) != split(Y, 1)
    lists = [np.flatnonzero(row).tolist() for row in Y]
    assert split(Y, 0) == split(csr_array(Y), 0)
    folds = MultilabelStratifiedKFold(3, random_state=0)
    assert [test.tolist() for _, test in folds.split(Y, lists)] == split(Y, 0)


def test_shuffled_parts_have_their_share():
    splits = MultilabelStratifiedShuffleSplit(2, test_size=0.2, random_state=0)
    parts = list(splits.split(Y, Y))
    assert len(parts) == splits.get_n_splits() == 2
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(200))
        assert len(test) == pytest.approx(40, abs=4)
        assert np.abs(Y[test].sum(0) - 0.2 * Y.sum(0)).max() <= 2
        assert Y[test, 11].sum() == 1
    assert parts[0][1].tolist() != parts[1][1].tolist()


def test_a_single_picture_of_a_label_stays_in_training():
    y = np.c_[np.ones(10, int), np.eye(10, 1, dtype=int)]
    for seed in range(5):
        split = MultilabelStratifiedShuffleSplit(test_size=0.3, random_state=seed)
        train, _ = next(split.split(y, y))
        assert 0 in train


def test_scikit_learn_takes_them():
    from sklearn.neighbors import KNeighborsClassifier

    cv = MultilabelStratifiedKFold(2, random_state=0)
    scores = cross_validate(KNeighborsClassifier(), Y + 0.0, Y, cv=cv, scoring="f1_micro")
    assert (scores["test_score"] > 0.5).all()


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (MultilabelStratifiedKFold(1), "n_splits == 1, must be >= 2"),
        (MultilabelStratifiedKFold(300), "n_splits=300 is more than the 200 pictures"),
        (MultilabelStratifiedShuffleSplit(test_size=0.0), "test_size"),
        (MultilabelStratifiedShuffleSplit(test_size=1e-4), "leaves one part empty"),
    ],
)
def test_wrong_numbers(splitter, message):
    with pytest.raises(ValueError, match=message):
        next(splitter.split(Y, Y))
