"""compile=True: the same training, by programs that torch makes of the blocks."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import weakref

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift._model import _compilation
from sklift._model._compilation import _check_compiler
from sklift.backbones import find_stages

needs_compiler = pytest.mark.skipif(
    shutil.which(os.environ.get("CXX", "g++")) is None, reason="torch.compile needs a C++ compiler"
)


@pytest.fixture(autouse=True)
def no_programs_yet():
    torch.compiler.reset()


def make(**params):
    settings = {
        "max_epochs": 2,
        "batch_size": 8,
        "random_state": 0,
        "compute__precision": "float32",
    }
    return LiftClassifier("emoji-tiny").set_params(**{**settings, **params})


def blocks(clf):
    return find_stages(clf.model_.tower).blocks


class Programs(Callback):
    """Graphs that torch has made by the end of the training, and whether blocks use them."""

    def on_batch_end(self, net, training=False, **kwargs):
        stages = find_stages(net.module_.tower)
        self.used = [block._compiled_call_impl is not None for block in stages.blocks]
        self.n = torch._dynamo.utils.counters["stats"]["unique_graphs"]


@pytest.mark.slow
@needs_compiler
def test_same_training(shapes):
    lora = {"adapter": "lora", "compute__recompute": True}
    params = {**lora, "adapter__layers": 4, "augmentation": None}
    plain = make(**params).fit(*shapes)
    torch._dynamo.utils.counters.clear()
    programs = Programs()
    ours = make(compute__compile=True, net_params={"callbacks": [programs]}, **params).fit(*shapes)
    assert programs.used == [True] * 6
    assert programs.n > 0
    assert not any(block._compiled_call_impl for block in blocks(ours))
    wanted = plain.model_.trained_state()
    for name, tensor in ours.model_.trained_state().items():
        torch.testing.assert_close(tensor, wanted[name], atol=1e-4, rtol=1e-3, msg=name)
    np.testing.assert_allclose(
        ours.predict_proba(shapes[0]), plain.predict_proba(shapes[0]), atol=1e-3
    )
    again = make(compute__compile=True, **params).fit(*shapes)
    for name, tensor in ours.model_.trained_state().items():
        assert torch.equal(tensor, again.model_.trained_state()[name]), name
    same = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(same.predict_proba(shapes[0]), ours.predict_proba(shapes[0]))
    traces = [weakref.ref(ours.model_), weakref.ref(again.model_)]
    del ours, again
    gc.collect()
    assert [trace() for trace in traces] == [None, None]  # programs know no model


@pytest.mark.slow
@needs_compiler
def test_every_block_is_compiled(shapes, monkeypatch):
    """Those of VPT differ in depth: with validation they are more programs than torch's limit.

    How they are translated is another matter, and takes a minute.
    """
    compile_ = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda part: compile_(part, backend="eager"))
    torch._dynamo.utils.counters.clear()
    make(compute__compile=True, max_epochs=1, adapter="vpt", validation_fraction=0.2).fit(*shapes)
    frames = torch._dynamo.utils.counters["frames"]
    assert frames["ok"] == frames["total"] > 8


def test_no_tower():
    with pytest.raises(ValueError, match=r"compile=True: backbone='precomputed' has no tower"):
        LiftClassifier("precomputed", compute__compile=True).fit(np.eye(4), [0, 0, 1, 1])


def test_no_compiler(shapes, monkeypatch):
    def fail(function):
        raise RuntimeError("no g++\nmore of it")

    monkeypatch.setattr(torch, "compile", fail)
    monkeypatch.setattr(_compilation, "_check_compiler", _check_compiler.__wrapped__)
    with pytest.raises(
        ValueError, match=r"does not work here \(no g\+\+\)\. It needs a C\+\+ comp"
    ):
        make(compute__compile=True).fit(*shapes)
