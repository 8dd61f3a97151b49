"""Class names: every form, and meta-estimators that fit on encoded labels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict


@pytest.fixture(scope="module")
def coded(shapes):
    names, codes = np.unique(shapes[1], return_inverse=True)
    return shapes[0], codes, names.tolist()


def rows(clf):
    return clf.model_.head.weight.detach()


def test_forms_of_names_start_the_same_head(quick, coded, fitted):
    X, codes, names = coded
    forms = [
        (codes, names),
        (codes, np.array(names)),
        (codes, dict(enumerate(names)) | {99: "something else"}),
        (codes * 10 + 5, names),
        (codes * 10 + 5, {10 * i + 5: name for i, name in enumerate(names)}),
    ]
    for y, class_names in forms:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clf = quick(class_names=class_names).fit(X, y)
        assert clf.init_ == "text" and clf.class_names_ == names
        torch.testing.assert_close(rows(clf), rows(fitted))


def test_names_go_before_string_labels(quick, shapes):
    X, y = shapes
    clf = quick(class_names={v: v.split()[0] for v in y}, max_epochs=1).fit(X, y)
    assert clf.class_names_ == ["blue", "green", "red"]


def test_a_fold_that_lacks_a_class(quick, coded):
    X, codes, names = coded
    kept = codes != 1
    clf = quick(class_names=names, max_epochs=1).fit(X[kept], codes[kept])
    assert clf.class_names_ == [names[0], names[2]]
    clf.set_params(classes=[0, 1, 2]).fit(X[kept], codes[kept])
    assert clf.class_names_ == names and clf.class_counts_.tolist() == [12, 0, 4]


def test_meta_estimators_fit_on_codes_and_keep_the_names(quick, shapes):
    X, y = shapes
    clf = quick(class_names=np.unique(y).tolist(), max_epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        voting = VotingClassifier([("a", clf)], voting="soft").fit(X, y)
        proba = cross_val_predict(clf, X, y, cv=2, method="predict_proba")
    assert voting.estimators_[0].class_names_ == np.unique(y).tolist()
    assert set(voting.predict(X)) <= set(y) and proba.shape == (24, 3)


def test_stacking(quick, shapes):
    X, y = shapes
    clf = quick(class_names=np.unique(y).tolist(), max_epochs=1)
    stacking = StackingClassifier([("a", clf)], LogisticRegression(), cv=2).fit(X, y)
    assert stacking.estimators_[0].init_ == "text"
    assert stacking.predict_proba(X).shape == (24, 3)


def test_nameless_labels_warn_once_and_blame_the_caller(quick, coded):
    X, codes, _ = coded
    with pytest.warns(UserWarning, match="starts from class means instead of text") as record:
        clf = quick(max_epochs=1).fit(X, codes)
    assert len(record) == 1 and record[0].filename == __file__
    assert clf.init_ == "class_mean" and clf.class_names_ is None


@pytest.mark.parametrize("init", ["class_mean", "random"])
def test_no_warning_where_it_is_meant(quick, coded, init):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(init=init, max_epochs=1).fit(*coded[:2])


def test_prompts_that_are_cut_off_are_named(quick, shapes):
    X, y = shapes
    long = {name: name for name in set(y)} | {y[0]: "very " * 20 + y[0]}
    with pytest.warns(UserWarning, match=r"1 prompts are longer .*very very") as record:
        quick(class_names=long, max_epochs=1).fit(X, y)
    assert [w.filename for w in record if "longer" in str(w.message)] == [__file__]
