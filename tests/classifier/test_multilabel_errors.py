"""Wrong input of MultilabelClassifier: messages that name the parameter or the picture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklift import LiftClassifier, MultilabelClassifier
from sklift.heads import WhitenedCosine

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
Y = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]])


def clf(**params):
    return MultilabelClassifier("precomputed", max_epochs=1, random_state=0, **params)


WRONG = {
    "one label a picture": (Y[:, 0], r"y\[0\] is 1, a single label.*LiftClassifier"),
    "text": (list("aabbab"), r"y\[0\] is 'a', a single label"),
    "none": (None, "requires y"),
    "short": (Y[:4], "6 samples and y has labels of 4"),
    "not a matrix of 0 and 1": (2 * Y, r"y\[0, 0\] = 2: each entry must be 1 .* 6 are neither"),
    "not known": (np.where(Y == 1, np.nan, 0), r"y\[0, 0\] is not known"),
    "continuous": (Y / 3, "continuous"),
    "no label at all": ([[]] * 6, "no picture in y has a label"),
    "a missing list": ([["a"]] * 5 + [None], r"y\[5\] is missing"),
    "masked": (np.ma.MaskedArray(Y, mask=Y == 0), r"y\[0, 1\] is masked"),
    "complex": (1j * Y, "matrix of complex128"),
    "missing in a table": (pd.DataFrame(Y).astype("Int64").mask(Y == 0), r"y\[0, 1\] is not known"),
    "a set": ({frozenset({i}) for i in range(6)}, "y is of type set"),
    "a generator": ([iter("ab")] * 6, r"y\[0\] is of type str_\w*iterator"),
    "a large number": ([[1], [2], [3, 4, 5], [2**70], [], []], r"y\[3\]\[0\] is 11.*too large"),
    "a zero character": ([["a"], ["b", "c"], ["c\0"]] * 2, r"y\[2\]\[0\] .* zero character"),
    "a missing label": ([["a"]] * 5 + [["a", None]], r"y\[5\] holds None"),
}


@pytest.mark.parametrize(("y", "message"), WRONG.values(), ids=WRONG)
def test_labels(y, message):
    with pytest.raises(ValueError, match=message):
        clf().fit(X, y)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"loss": "logit_adjusted"}, TypeError, "for one label a picture.*binary_logit_adjusted"),
        ({"loss": "asymetric"}, ValueError, "Did you mean 'asymmetric'"),
        ({"init": "linear_probe"}, ValueError, "The 'init' parameter"),
        ({"init": "text"}, ValueError, "needs a text tower"),
        ({"thresholds": 1.0}, ValueError, "The 'thresholds' parameter"),
        ({"thresholds": "best"}, ValueError, "The 'thresholds' parameter"),
        ({"thresholds": [0.5]}, ValueError, "one for each of 2 labels"),
        ({"thresholds": [0.5, 1.5]}, ValueError, "numbers from 0 to 1"),
        ({"thresholds": pd.Series([0.5, 0.5])[1:]}, ValueError, "no threshold of the label 0"),
        ({"thresholds": {0: 0.5}}, ValueError, "no threshold of the label 1"),
        ({"classes": ["a"]}, ValueError, "y has 2 columns, classes has 1"),
        ({"classes": ["a", "a"]}, ValueError, "'a' is there more than once"),
        ({"net_params": {"distributed": True}}, ValueError, "in one process"),
        ({"validation_fraction": 0.01}, ValueError, "too few pictures to hold out"),
    ],
)
def test_parameters(params, error, message):
    with pytest.raises(error, match=message):
        clf(**params).fit(X, Y)


def test_settings_that_are_not_there():
    with pytest.raises(TypeError, match="unexpected keyword argument 'sampler'"):
        clf(sampler="balanced")
    with pytest.raises(ValueError, match="Invalid parameter 'tao'"):
        clf(loss__tao=2)


def test_before_fit_and_after_a_failure():
    with pytest.raises(NotFittedError):
        clf().predict(X)
    est = clf().fit(X, Y)
    before = est.predict_proba(X)
    with pytest.raises(ValueError, match="neither"):
        est.fit(X, 2 * Y)
    np.testing.assert_array_equal(est.predict_proba(X), before)
    with pytest.raises(ValueError, match="not among classes"):
        est.score(X, [[7]] * 6)


def test_a_loss_of_the_wrong_kind():
    with pytest.raises(TypeError, match="for several labels a picture"):
        LiftClassifier("precomputed", loss="asymmetric").fit(X, Y[:, 0])

    class Plain:
        def build(self, label_counts, n_samples, head=None):
            return lambda logits, target: logits.sum()

    with pytest.raises(TypeError, match=r"Plain\.build must return a MultilabelLoss"):
        clf(loss=Plain()).fit(X, Y)


def test_whitened_features_have_no_text():
    images = np.zeros((6, 40, 40, 3), np.uint8)
    est = MultilabelClassifier("emoji-tiny", head=WhitenedCosine(), init="text", max_epochs=1)
    with pytest.raises(ValueError, match="for which no text is a start"):
        est.set_params(class_names=["red", "blue"], adapter=None).fit(images, Y)


@pytest.mark.parametrize("n", [1, 4])
def test_a_row_of_labels_for_each_picture(n):
    """One row was compared with all pictures, without an error."""
    est = clf().fit(X, Y)
    for method in (est.score, est.choose_thresholds):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            method(X, Y[:n])
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(4,\)"):
        est.score(X, Y, np.ones(4))


def test_columns_of_a_table_that_are_no_labels():
    table = pd.DataFrame(Y, columns=["a", "b"])
    est = clf().fit(X, table)
    with pytest.raises(ValueError, match=r"\['b'\] are missing, \['z'\] are new"):
        est.score(X, table.rename(columns={"b": "z"}))


def test_chosen_thresholds_need_pictures():
    with pytest.raises(ValueError, match="'f1' needs at least 3 pictures, there are 2"):
        clf(thresholds="f1").fit(X, Y, [1, 1, 0, 0, 0, 0])


def test_a_single_label_is_warned_of():
    """scikit-learn takes one column for two classes, and turns decision_function around."""
    with pytest.warns(UserWarning, match="only one label, 'a'.*roc_auc"):
        est = clf().fit(X, [["a"], []] * 3)
    assert {len(labels) for labels in est.predict(X)} <= {0, 1}
