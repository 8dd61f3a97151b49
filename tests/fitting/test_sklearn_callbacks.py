"""Reports to callbacks of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from sklift import LiftClassifier, MultilabelClassifier
from sklift._fitting._sklearn_callbacks import EpochTasks
from sklift._net import SklearnCallbacks


class Net:
    stopping = False


def end_of_an_epoch(*callbacks) -> tuple[int, bool]:
    """How often the state of the net was recorded, and whether it stops."""
    clf, net, made = LiftClassifier(), Net(), []
    if callbacks:
        clf.set_callbacks(*callbacks)
    tasks = EpochTasks(clf, 2, np.zeros((2, 3)), [0, 1], None)
    tasks.begin()
    watching = SklearnCallbacks(tasks, lambda net: made.append(net) or {"lr": 7})
    watching.on_epoch_begin(net)
    watching.on_epoch_end(net)
    assert made in ([], [net], [net, net])
    watching.on_train_end(net)
    assert watching.tasks is None and watching.fitted is None
    return len(made), net.stopping


def test_nothing_is_recorded_where_nobody_listens():
    assert end_of_an_epoch() == (0, False)


class Deaf:
    """A callback that asks for no fitted estimator."""

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        return True


class Curious(Deaf):
    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        assert fitted_estimator.lr == 7 != estimator.lr


def test_a_record_is_made_once_for_those_who_ask():
    pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
    assert end_of_an_epoch(Deaf()) == (0, True)
    assert end_of_an_epoch(Curious(), Deaf(), Curious()) == (1, True)
    assert end_of_an_epoch(Curious()) == (1, False)


class Seeing(Deaf):
    def on_fit_task_begin(self, estimator, context, *, y=None):
        self.y = y


def test_lists_of_labels_are_shown_as_they_were_given():
    """Rows of 0 and 1 were taken for places: callbacks saw the labels of other columns."""
    pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
    y = [("ant", "cat"), (), ("bee",), ("cat",)]
    clf, seeing = MultilabelClassifier("precomputed", max_epochs=1, random_state=0), Seeing()
    clf.set_callbacks(seeing).fit(np.eye(4, dtype=np.float32), y)
    assert seeing.y == y
