"""What holds for any input: losses, metrics, splits, boxes of views, labels.

Saving and loading are tested in this way in ``tests/persistence/test_labels.py``.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from sklift._classes._labels import check_labels, encode_labels
from sklift._classes._priors import adjust_logits, resolve_target_prior
from sklift._fitting._hold_out import HoldOut
from sklift.images import MinimalistCrop, ResizedCrop, _views
from sklift.images._augmentations._minimalist_crop import SCHEDULES
from sklift.losses import LOSSES
from sklift.metrics import (
    expected_calibration_error,
    geometric_mean_recall,
    harmonic_mean_recall,
    long_tail_report,
    per_class_recall,
    shot_accuracy_score,
    shot_groups,
    worst_class_recall,
)
from sklift.training import Power, resolve_sampler

many = settings(derandomize=True, deadline=None, max_examples=60, database=None)
SEEDS = st.integers(0, 2**32 - 1)
by_loss = pytest.mark.parametrize("name", LOSSES)


@st.composite
def batches(draw, top: float = 1e4):
    """Logits up to ``top``, targets, weights and class counts, of which some may be zero."""
    n, n_classes = draw(st.integers(1, 20)), draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(SEEDS))
    counts = np.rint(10 ** rng.uniform(0, 6, n_classes)) * (rng.random(n_classes) < 0.8)
    counts[rng.integers(n_classes)] = 3
    size = draw(st.sampled_from([0.0, 1e-3, 1.0, 30.0, top]))
    return SimpleNamespace(
        counts=counts,
        logits=torch.from_numpy(size * rng.uniform(-1, 1, (n, n_classes))),
        target=torch.from_numpy(rng.integers(n_classes, size=n)),
        weight=torch.from_numpy(10 ** rng.uniform(-3, 3, n)),
        order=torch.from_numpy(rng.permutation(n_classes)),
    )


@by_loss
@many
@given(batch=batches(), dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16]))
def test_losses_and_gradients_are_finite(name, batch, dtype):
    """Of logits up to 10,000, and for classes that training lacks."""
    logits = batch.logits.to(dtype).requires_grad_()
    loss = LOSSES[name]().build(batch.counts)(logits, batch.target, batch.weight)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


@by_loss
@many
@given(batch=batches(top=100.0))
def test_the_order_of_the_classes_does_not_matter(name, batch):
    place = torch.empty_like(batch.order)
    place[batch.order] = torch.arange(len(place))
    loss = LOSSES[name]().build(batch.counts)(batch.logits, batch.target, batch.weight)
    moved = LOSSES[name]().build(batch.counts[batch.order.numpy()])
    other = moved(batch.logits[:, batch.order], place[batch.target], batch.weight)
    torch.testing.assert_close(other, loss, rtol=1e-6, atol=1e-6)


@by_loss
@many
@given(batch=batches(top=100.0), factor=st.floats(0.01, 100))
def test_only_ratios_of_weights_matter(name, batch, factor):
    loss = LOSSES[name]().build(batch.counts)
    first, second = (loss(batch.logits, batch.target, w * batch.weight) for w in (1, factor))
    torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-6)


@by_loss
@many
@given(batch=batches())
def test_implied_priors_are_mixes(name, batch):
    prior = LOSSES[name]().implied_prior(batch.counts)
    assert (prior > 0).all() and abs(prior.sum() - 1) < 1e-9


@st.composite
def predictions(draw):
    """True labels, predicted labels, probabilities and training counts."""
    n, n_classes = draw(st.integers(1, 60)), draw(st.integers(2, 10))
    rng = np.random.default_rng(draw(SEEDS))
    true = rng.integers(n_classes, size=n)
    hit = rng.random(n) < draw(st.floats(0, 1))
    return SimpleNamespace(
        true=true,
        pred=np.where(hit, true, rng.integers(n_classes, size=n)),
        proba=rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.05, 1.0, 20.0]))), n),
        counts=np.rint(10 ** rng.uniform(0, 4, n_classes)).astype(int),
        rename=rng.permutation(n_classes),
        labels=np.arange(n_classes),
    )


@many
@given(case=predictions())
def test_means_of_recalls_are_ordered(case):
    means = (worst_class_recall, harmonic_mean_recall, geometric_mean_recall)
    worst, harmonic, geometric = (mean(case.true, case.pred) for mean in means)
    arithmetic = np.mean(per_class_recall(case.true, case.pred))
    near = 1e-12
    assert 0 <= worst <= harmonic + near and geometric <= arithmetic + near <= 1 + 2 * near
    if worst > 0:  # the harmonic mean alone has a floor
        assert harmonic <= geometric + near
    else:
        assert geometric == 0 and harmonic <= len(case.labels) * 1e-5


@many
@given(case=predictions())
def test_scores_do_not_depend_on_what_classes_are_called(case):
    new = {"labels": case.labels[case.rename]}
    for group in ("many", "medium", "few"):
        first = shot_accuracy_score(case.true, case.pred, case.counts, labels=case.labels)
        second = shot_accuracy_score(
            case.rename[case.true], case.rename[case.pred], case.counts, **new
        )
        np.testing.assert_equal(second[group], first[group])


@pytest.mark.filterwarnings("ignore:A single label was found")
@many
@given(case=predictions())
def test_a_report_adds_up(case):
    report = long_tail_report(case.true, case.pred, case.counts, labels=case.labels, output="dict")
    groups = [report[group] for group in ("many", "medium", "few")]
    assert sum(group["n_samples"] for group in groups) == len(case.true)
    assert report["accuracy"] == np.mean(case.true == case.pred)
    present = np.intersect1d(case.true, case.pred)  # else scikit-learn warns
    if len(present) == len(np.union1d(case.true, case.pred)):
        expected = balanced_accuracy_score(case.true, case.pred)
        assert abs(report["balanced_accuracy"] - expected) < 1e-12
    masks = shot_groups(case.counts)
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()


@many
@given(case=predictions())
def test_calibration_errors_are_shares(case):
    error = expected_calibration_error(case.true, case.proba, labels=case.labels)
    assert 0 <= error <= 1
    sure = np.eye(len(case.labels))[case.true]
    assert expected_calibration_error(case.true, sure, labels=case.labels) == 0


@many
@given(
    counts=st.lists(st.integers(0, 30), min_size=2, max_size=12).filter(lambda c: max(c) > 1),
    fraction=st.floats(0.001, 0.999),
    seed=SEEDS,
)
def test_a_split_takes_every_sample_once_and_no_class_away(counts, fraction, seed):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(codes))
    train, held = HoldOut(fraction, seed)(dataset, codes)
    assert sorted([*train.indices, *held.indices]) == list(range(len(codes)))
    assert (np.diff(train.indices) > 0).all() and (np.diff(held.indices) > 0).all()
    kept = np.bincount(codes[train.indices], minlength=len(counts))
    held_out = np.bincount(codes[held.indices], minlength=len(counts))
    assert ((kept > 0) == (np.array(counts) > 0)).all()
    assert (held_out <= np.ceil(fraction * np.array(counts))).all()
    again = HoldOut(fraction, seed)(dataset, codes)[1]
    assert np.array_equal(again.indices, held.indices)


@many
@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=12),
    sampler=st.sampled_from([("balanced", 0.0), ("sqrt", 0.5), (Power(0.25), 0.75)]),
)
def test_draws_are_as_likely_as_the_sampler_says(counts, sampler):
    recipe, power = sampler
    codes = np.repeat(np.arange(len(counts)), counts)
    totals = np.bincount(codes, resolve_sampler(recipe).probabilities(codes, counts))
    expected = np.array(counts) ** power
    np.testing.assert_allclose(totals, expected / expected.sum())


@many
@given(
    kind=st.sampled_from(["lift", *SCHEDULES]),
    least_area=st.floats(0.001, 1),
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    progress=st.floats(0, 1),
    seed=SEEDS,
)
def test_boxes_of_training_views_are_inside_the_picture(
    kind, least_area, height, width, progress, seed
):
    rng = np.random.default_rng(seed)
    if kind == "lift":
        top, left, h, w = ResizedCrop(least_area).box(height, width, rng)
    else:
        top, left, h, w = MinimalistCrop(kind, least_area).box(height, width, progress, rng)
    assert min(top, left) >= 0 and min(h, w) > 0
    assert top + h <= height and left + w <= width
    assert kind == "lift" or h == w


@many
@given(height=st.integers(1, 3000), width=st.integers(1, 3000), size=st.integers(7, 500))
def test_boxes_of_test_views_are_inside_the_resized_picture(height, width, size):
    new_height, new_width, top, left = _views.test_box(height, width, size)
    assert min(new_height, new_width) == size + size // 7
    assert 0 <= top <= new_height - size and 0 <= left <= new_width - size
    for top, left in _views.five_boxes(new_height, new_width, size):
        assert 0 <= top <= new_height - size and 0 <= left <= new_width - size


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=9)
LABELS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=30),
    st.lists(TEXT, min_size=2, max_size=30),
    st.lists(st.booleans(), min_size=2, max_size=30),
).filter(lambda labels: len(set(labels)) > 1)


@many
@given(labels=LABELS, as_array=st.booleans(), spare=st.booleans())
def test_labels_come_back_from_their_codes(labels, as_array, spare):
    """As Python values, from lists and arrays, with and without a class list."""
    y = check_labels(np.array(labels) if as_array else labels)
    given_classes = list(dict.fromkeys(labels[::-1])) if spare else None
    classes, codes = encode_labels(y, given_classes)
    assert classes[codes].tolist() == labels
    assert classes.tolist() == sorted(set(labels))


@many
@given(
    shares=st.lists(st.floats(0, 1e6), min_size=2, max_size=10).filter(lambda s: max(s) > 1e-300),
    seed=SEEDS,
)
def test_moving_to_a_mix_keeps_logits_finite(shares, seed):
    classes = np.arange(len(shares))
    target = resolve_target_prior(shares, classes, np.ones(len(shares)))
    assert abs(target.sum() - 1) < 1e-9
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(3, len(shares))).astype(np.float32)
    implied = rng.dirichlet(np.ones(len(shares)))
    moved = adjust_logits(logits, implied, target)
    assert np.isfinite(moved).all()
    np.testing.assert_allclose(adjust_logits(moved, target, implied), logits, rtol=1e-3, atol=1e-3)
