"""The report against the evaluator of the authors' code (its numbers are in percent)."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from sklift.metrics import long_tail_report

COUNTS = [150, 101, 100, 60, 20, 19, 3, 1]
# Rows: true class, columns: predicted class.
WORST_ZERO = np.array(
    [
        [9, 1, 0, 0, 0, 0, 0, 0],
        [1, 8, 1, 0, 0, 0, 0, 0],
        [0, 2, 6, 2, 0, 0, 0, 0],
        [0, 0, 0, 10, 0, 0, 0, 0],
        [3, 0, 0, 0, 5, 2, 0, 0],
        [2, 2, 2, 0, 0, 4, 0, 0],
        [5, 0, 2, 0, 0, 0, 3, 0],
        [4, 3, 0, 0, 0, 2, 1, 0],
    ]
)
ALL_NONZERO = WORST_ZERO.copy()
ALL_NONZERO[7, 7] = 2
OFFICIAL = {
    "worst_zero": (
        WORST_ZERO,
        {
            "accuracy": 56.25,
            "balanced_accuracy": 56.25,
            "macro_f1": 52.062480003656475,
            "worst_class_recall": 0.0,
            "harmonic_mean_recall": 0.007998971243420638,
            "geometric_mean_recall": 0.0,
            "many": 85.0,
            "medium": 70.0,
            "few": 23.333333333333332,
        },
    ),
    "all_nonzero": (
        ALL_NONZERO,
        {
            "accuracy": 57.31707317073171,
            "balanced_accuracy": 58.333333333333336,
            "macro_f1": 55.633908575085044,
            "worst_class_recall": 16.666666666666668,
            "harmonic_mean_recall": 42.415316642120764,
            "geometric_mean_recall": 50.63321082429402,
            "many": 85.0,
            "medium": 70.0,
            "few": 28.88888888888889,
        },
    ),
}


def samples(confusion):
    true, pred = np.nonzero(confusion)
    times = confusion[true, pred]
    return np.repeat(true, times), np.repeat(pred, times)


@pytest.mark.parametrize("as_text", [False, True], ids=["int labels", "str labels"])
@pytest.mark.parametrize("case", OFFICIAL)
def test_matches_the_official_evaluator(case, as_text):
    confusion, expected = OFFICIAL[case]
    y_true, y_pred = samples(confusion)
    if as_text:
        y_true, y_pred = (np.array(list("abcdefgh"))[y] for y in (y_true, y_pred))
    report = long_tail_report(y_true, y_pred, COUNTS, output="dict")
    for name, value in expected.items():
        score = report[name]["accuracy"] if name in ("many", "medium", "few") else report[name]
        np.testing.assert_allclose(100 * score, value, rtol=1e-12, err_msg=name)
    assert [report[g]["n_classes"] for g in ("many", "medium", "few")] == [2, 3, 3]
    assert sum(report[g]["n_samples"] for g in ("many", "medium", "few")) == len(y_true)


@pytest.mark.filterwarnings("error")
def test_classes_absent_from_the_test_leave_the_rest_as_it_is():
    y_true, y_pred = samples(ALL_NONZERO)
    keep = (y_true != 0) & (y_true < 5)  # one many-shot and all few-shot classes are gone
    report = long_tail_report(y_true[keep], y_pred[keep], COUNTS, labels=range(8), output="dict")
    assert report["many"] == {"accuracy": 0.8, "n_classes": 1, "n_samples": 10}
    np.testing.assert_allclose(report["medium"]["accuracy"], 0.7)
    assert np.isnan(report["few"]["accuracy"])
    assert report["few"]["n_classes"] == report["few"]["n_samples"] == 0
    np.testing.assert_allclose(report["balanced_accuracy"], np.mean([0.8, 0.6, 1.0, 0.5]))
    text = long_tail_report(y_true[keep], y_pred[keep], COUNTS, labels=range(8))
    assert text.splitlines()[-1] == "few-shot (< 20)        -      0 classes, 0 samples"


def test_text_shows_every_score_and_the_boundaries():
    y_true, y_pred = samples(ALL_NONZERO)
    lines = long_tail_report(y_true, y_pred, COUNTS, many=60, few=2).splitlines()
    report = long_tail_report(y_true, y_pred, COUNTS, many=60, few=2, output="dict")
    values = [v["accuracy"] if isinstance(v, dict) else v for v in report.values()]
    assert len(lines) == len(values) == 9
    for line, value in zip(lines, values, strict=True):
        assert f" {value:.3f}" in line
    assert lines[6].startswith("many-shot (> 60)")
    assert lines[8].startswith("few-shot (< 2)") and "1 class, 12 samples" in lines[8]


def test_unknown_output():
    message = r"output must be one of \['text', 'dict', 'dataframe'\]; got 'json'"
    with pytest.raises(ValueError, match=message):
        long_tail_report([0], [0], [1], output="json")


def test_dataframe_holds_what_the_dict_holds():
    y_true, y_pred = samples(ALL_NONZERO)
    keep = y_true < 5  # no few-shot class
    given = (y_true[keep], y_pred[keep], dict(enumerate(COUNTS)))
    report = long_tail_report(*given, output="dict")
    table = long_tail_report(*given, output="dataframe")
    assert list(table.index) == list(report)
    assert list(table.columns) == ["score", "n_classes", "n_samples"]
    for row, value in report.items():
        if isinstance(value, float):
            value = {"accuracy": value, "n_classes": 5, "n_samples": keep.sum()}
        np.testing.assert_array_equal(list(table.loc[row]), list(value.values()), err_msg=row)
    assert np.isnan(table.loc["few", "score"]) and table["n_classes"].dtype == int


def test_dataframe_without_pandas(monkeypatch):
    def without_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'")
        return plain_import(name, *args, **kwargs)

    plain_import = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(ImportError, match='output="dataframe" needs pandas'):
        long_tail_report([0], [0], [1], output="dataframe")
    assert long_tail_report([0], [0], [1], output="dict")["accuracy"] == 1.0
