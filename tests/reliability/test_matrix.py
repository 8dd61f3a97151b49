"""Every bad input of the matrix: the exception, its words, its time, and that nothing is left."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import numpy as np
import pytest

from sklift import LiftClassifier
from sklift._net import LiftNet

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
try:
    import build_bad_input_table as builder
finally:
    sys.path.remove(str(ROOT / "tools"))

ROWS = [row for rows in builder.TABLE.values() for row in rows]
FITS = [row for row in ROWS if isinstance(row, builder.BadFit)]
CALLS = [row for row in ROWS if not isinstance(row, builder.BadFit)]


def by_name(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """What the rows need; weights can't be fetched."""
    folder = tmp_path_factory.mktemp("bench")
    with builder.without_network(folder):
        yield builder.Bench(folder)


@pytest.fixture
def begun(monkeypatch):
    """Grows by an entry whenever training starts."""
    entries, start = [], LiftNet.partial_fit

    def partial_fit(net, *args, **kwargs):
        entries.append(net)
        return start(net, *args, **kwargs)

    monkeypatch.setattr(LiftNet, "partial_fit", partial_fit)
    return entries


def test_names_are_distinct():
    for title, rows in builder.TABLE.items():
        names = [row.name for row in rows]
        assert len(set(names)) == len(names), title


def test_every_parameter_has_a_row(bench):
    given = set().union(*(bench.split(row.given(bench))[0] for row in FITS))
    assert {name.partition("__")[0] for name in given} == set(
        LiftClassifier().get_params(deep=False)
    )


@pytest.mark.filterwarnings("ignore:the labels are no names")
@by_name(FITS)
def test_nothing_is_left(bench, begun, row):
    params, arguments = bench.split(row.given(bench))
    params = {"checkpoint": bench.folder / "checkpoints", **params}
    clf = bench.classifier(**params)  # never refuses
    (bench.folder / "checkpoints").mkdir(exist_ok=True)
    files = set(bench.folder.rglob("*"))
    begun.clear()
    with pytest.raises(row.error, match=f"(?s){row.message}"):
        clf.fit(**arguments)
    assert bool(begun) == (row.when != "before training")
    assert [name for name in vars(clf) if name.endswith("_")] == []
    assert set(bench.folder.rglob("*")) == files


@pytest.mark.filterwarnings("ignore:the labels are no names")
@by_name(FITS)
def test_an_earlier_fit_stays(bench, row):
    params, arguments = bench.split(row.given(bench))
    if params.get("backbone") == "precomputed":
        original, X = bench.fitted_to_features, bench.features
    else:
        original, X = bench.fitted, bench.X
    clf = copy.deepcopy(original)
    fitted = {name: value for name, value in vars(clf).items() if name.endswith("_")}
    clf.set_params(**params)
    with pytest.raises(row.error):
        clf.fit(**arguments)
    assert {n: id(v) for n, v in vars(clf).items() if n.endswith("_")} == {
        name: id(value) for name, value in fitted.items()
    }
    clf.set_params(**original.get_params(deep=False))
    assert np.array_equal(clf.predict_proba(X), original.predict_proba(X))


@by_name(CALLS)
def test_calls(bench, begun, row):
    with pytest.raises(row.error, match=f"(?s){row.message}"):
        row.run(bench)
    assert not begun or row.when != "before training"


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_are_as_before_where_a_pass_over_them_fails(bench, method):
    """A file that is found bad in the midst of a pass undoes the steps before it."""
    clf = copy.deepcopy(bench.fitted).set_params(warm_start=True, batch_size=1, random_state=1)
    cut = bench.file("cut.png", Path(bench.good[0]).read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"cut\.png"):
        getattr(clf, method)(bench.files(cut), bench.y)
    clf.set_params(batch_size=bench.fitted.batch_size)
    assert np.array_equal(clf.predict_proba(bench.X), bench.fitted.predict_proba(bench.X))


def test_the_page_is_up_to_date(bench):
    """Else run ``python tools/build_bad_input_table.py``."""
    page = (ROOT / "docs" / "bad_input.rst").read_text(encoding="utf-8")
    assert page == builder.page(bench)
