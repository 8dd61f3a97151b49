"""One fit in two processes: what one process would get from the same batches."""

from __future__ import annotations

import os

import numpy as np
import pytest

from sklift._net import EpochOrder, SharedOrder, processes_of

LAUNCHER = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")

VARIANTS = {
    "defaults": {},
    "weighted": {"loss": "class_balanced", "weighted": True, "optimizer__clip_grad_norm": 1.0},
    "drawn": {
        "sampler": "balanced",
        "compute__accumulate": 2,
        "adapter": "lora",
        "optimizer": "adamw",
        "optimizer__warmup_epochs": 1.5,
    },
    "largest": {"loss__top_fraction": 0.5, "loss": "focal"},
    "estimated": {"loss": "lade", "compute__accumulate": 3, "weighted": True},
    "above a threshold": {"loss__top_fraction": 0.3, "loss__top_smoothing": 0.5},
    "estimated above it": {"loss__top_fraction": 0.3, "loss__top_smoothing": 0.5, "loss": "lade"},
    "stopped": {"validation_fraction": 0.2, "early_stopping": True},
    "frozen": {"adapter": None, "augmentation": None},
    "consistent": {"regularizer": "consistency", "regularizer__weight": 5.0, "weighted": True},
    "distilled": {"regularizer": "distillation", "loss": "lade", "compute__accumulate": 2},
    "anchored": {"regularizer": "anchor", "regularizer__part": "all", "weighted": True},
}

PROGRAM = f"""
import json, os, sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch

from sklift import LiftClassifier
from sklift._net import agreed

VARIANTS = {VARIANTS!r}
folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
torch.set_num_threads(1)
timeout, found = timedelta(seconds=60), {{}}
try:
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs
except ImportError:
    torch.distributed.init_process_group("gloo", timeout=timeout)
else:
    accelerator = Accelerator(cpu=True, kwargs_handlers=[InitProcessGroupKwargs(timeout=timeout)])
    found["n_accelerated"] = accelerator.num_processes
rng = np.random.default_rng(0)
codes = np.repeat([0, 1, 2], [18, 8, 3])  # batches of 7: the last one, of 1, leaves one idle
y = np.array(["red circle", "blue square", "green dot"])[codes]
X = rng.integers(0, 256, (29, 40, 40, 3), dtype=np.uint8)
X[codes == 0, ..., 0] //= 2
X[codes == 1, ..., 1] //= 3
weight = rng.uniform(0.5, 2, 29)


def fit(shared, y=y, weighted=False, **params):
    defaults = dict(max_epochs=2, batch_size=7, compute__precision="float32", random_state=0)
    clf = LiftClassifier("emoji-tiny", **defaults, net_params=dict(distributed=shared))
    clf.set_params(**params).fit(X, y, weight if weighted else None)
    rows = clf.net_.history
    return {{
        "batches": [b["train_loss"] for row in rows for b in row["batches"] if "train_loss" in b],
        "epochs": [[r["train_loss"], r.get("valid_loss", 0)] for r in clf.history_],
        "train_acc": [r["train_acc"] for r in clf.history_],
        "weights": {{k: t.tolist() for k, t in clf.model_.trained_state().items()}},
        "class_counts": clf.class_counts_.tolist(),
        "prediction": clf.predict_proba(X[:3]).tolist(),
    }}


def error(**params):
    try:
        fit(True, **params)
    except ValueError as error:
        return str(error)


found["shared"] = {{name: fit(True, **params) for name, params in VARIANTS.items()}}
found["mixed"] = {{
    loss: fit(True, augmentation="mixup", loss=loss, weighted=True)
    for loss in ("logit_adjusted", "lade")
}}
found["seeds"] = [fit(True, random_state=None)["batches"] for _ in range(2)]
found["agreed"] = [agreed(dict(distributed=shared), rank) for shared in (True, False)]
found["labels"] = error(y=np.roll(y, rank))

step, n_steps = torch.optim.SGD.step, 0
def failing(self, *args, **kwargs):
    global n_steps
    n_steps += 1
    if n_steps == 7:  # in the middle of the second epoch
        raise RuntimeError("the power is gone")
    return step(self, *args, **kwargs)
kept = dict(checkpoint=folder / "checkpoints", checkpoint__minutes=0)
torch.optim.SGD.step = failing
try:
    fit(True, **kept)
except RuntimeError as error:
    found["stopped_by"] = str(error)
torch.distributed.barrier()
found["resumed"] = fit(True, **kept)
found["n_steps"] = n_steps
torch.distributed.barrier()
found["files"] = len(list((folder / "checkpoints").iterdir()))
(folder / f"{{rank}}.json").write_text(json.dumps(found))
torch.distributed.barrier()
torch.distributed.destroy_process_group()
if rank == 0:
    alone = {{name: fit(False, **params) for name, params in VARIANTS.items()}}
    ranks = [json.loads((folder / f"{{r}}.json").read_text()) for r in range(2)]
    print(json.dumps({{"alone": alone, "ranks": ranks}}))
"""


@pytest.fixture(scope="module")
def found(run_program):
    return run_program(PROGRAM, *LAUNCHER, timeout=240)


def assert_close(shared, alone):
    assert shared["class_counts"] == alone["class_counts"]
    assert shared["train_acc"] == alone["train_acc"]
    for key in ("batches", "epochs", "prediction"):
        np.testing.assert_allclose(shared[key], alone[key], atol=1e-4, err_msg=key)
    assert shared["weights"].keys() == alone["weights"].keys()
    for name, weight in shared["weights"].items():
        np.testing.assert_allclose(weight, alone["weights"][name], atol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are killed by their group")
class TestTwoProcesses:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_the_trajectory_is_that_of_one_process(self, found, variant):
        assert_close(found["ranks"][0]["shared"][variant], found["alone"][variant])

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_both_end_with_the_same_weights(self, found, variant):
        first, second = (rank["shared"][variant] for rank in found["ranks"])
        for key in ("batches", "train_acc", "weights"):
            assert first[key] == second[key]

    @pytest.mark.parametrize("loss", ["logit_adjusted", "lade"])
    def test_mixtures_of_pictures_leave_both_with_the_same_weights(self, found, loss):
        """Each mixes what it has of a batch: a process alone mixes other pairs."""
        first, second = (rank["mixed"][loss] for rank in found["ranks"])
        for key in ("batches", "train_acc", "weights"):
            assert first[key] == second[key]
        plain = found["ranks"][0]["shared"]["weighted"]["weights"]
        assert any(first["weights"][name] != weight for name, weight in plain.items())

    def test_the_value_of_the_first_is_agreed_on(self, found):
        assert [rank["agreed"] for rank in found["ranks"]] == [[0, 0], [0, 1]]

    def test_without_a_seed_both_take_that_of_the_first(self, found):
        first, second = (rank["seeds"] for rank in found["ranks"])
        assert first == second
        assert first[0] != first[1]

    def test_labels_that_differ_are_an_error_in_both(self, found):
        for rank in found["ranks"]:
            assert "y or sample_weight differs between the processes" in rank["labels"]

    def test_training_that_was_stopped_goes_on(self, found):
        for rank in found["ranks"]:
            assert rank["stopped_by"] == "the power is gone"
            assert rank["n_steps"] == 7 + 4  # of 10, 6 were kept
            assert rank["files"] == 1  # one process writes
            assert rank["resumed"]["weights"] == rank["shared"]["defaults"]["weights"]
            assert rank["resumed"]["train_acc"] == rank["shared"]["defaults"]["train_acc"]

    def test_accelerate_connects_them(self, found):
        pytest.importorskip("accelerate")
        assert [rank["n_accelerated"] for rank in found["ranks"]] == [2, 2]


class Rank:
    def __init__(self, rank, size):
        self.rank, self.size = rank, size


@pytest.mark.parametrize("n_samples", [1, 11, 12, 13, 16, 29])
@pytest.mark.parametrize("n_seen", [0, 6])
def test_the_shares_make_up_the_order(n_samples, n_seen):
    size, batch_size = 4, 6
    order = EpochOrder(n_samples, seed=0)
    order.start(1, min(n_seen, n_samples))
    batches = [list(order)[i : i + batch_size] for i in range(0, len(order), batch_size)]
    shares = [SharedOrder(EpochOrder(n_samples, 0), batch_size, Rank(r, size)) for r in range(size)]
    for share in shares:
        share.start(1, min(n_seen, n_samples))
        assert len(list(share)) == len(share)
    drawn = [iter(share) for share in shares]
    for index, batch in enumerate(batches, start=n_seen // batch_size):
        assert shares[0].n_in_batch(index) == len(batch)
        taken = []
        for share, indices in zip(shares, drawn, strict=True):
            if n := share.takes(len(batch)):
                taken += [next(indices) for _ in range(n)]
            else:
                assert next(indices) == batch[0]
        assert sorted(taken) == sorted(batch)
    assert [list(rest) for rest in drawn] == [[]] * size


def test_a_batch_is_large_enough_for_all():
    with pytest.raises(ValueError, match="batch_size=3 is to be shared by 4 processes"):
        SharedOrder(EpochOrder(10, 0), 3, Rank(0, 4))


def test_what_can_not_be_shared():
    assert processes_of(None) is processes_of({"distributed": False}) is None
    with pytest.raises(ValueError, match="needs a group of processes: start the script with"):
        processes_of({"distributed": True})
    with pytest.raises(TypeError, match="must be True or False, got 2"):
        processes_of({"distributed": 2})
    with pytest.raises(ValueError, match=r"can't set \['iterator_train__sampler'\] with"):
        processes_of({"distributed": True, "iterator_train__sampler": None})
