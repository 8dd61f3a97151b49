"""The bias of heads for several labels, and the rows that they start from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sklift.heads import Auto, Biased, Cosine, Linear, WhitenedCosine, label_mean_rows, without_mean


@pytest.mark.parametrize("inner", [None, Cosine(scale=9.0), WhitenedCosine(), Linear()], ids=repr)
def test_the_bias_is_added(inner):
    torch.manual_seed(0)
    head = Biased(inner).build(8, 3)
    x = torch.randn(5, 8)
    before = head(x)
    with torch.no_grad():
        head.bias.copy_(torch.tensor([1.0, -2.0, 0.5]))
    torch.testing.assert_close(head(x), before + head.bias)
    assert [name for name, _ in head.named_parameters()] == ["weight", "bias"]


def test_a_head_that_is_no_product_stays_as_it_is():
    class Own(Cosine):
        def build(self, n_features, n_classes):
            return torch.nn.Identity()

    assert isinstance(Biased(Own()).build(3, 3), torch.nn.Identity)


def test_the_choice_is_that_of_the_inner_head():
    chosen = Biased(Auto(scale=5.0)).choose("class_mean")
    assert repr(chosen) == "Biased(head=WhitenedCosine(scale=5.0))"
    fixed = Biased(Cosine())
    assert fixed.choose("class_mean") is fixed


def test_label_means_by_hand():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), rng.integers(0, 2, (20, 3))
    y[:, 2] = 0
    weight = rng.uniform(0.5, 2, 20)
    rows = label_mean_rows(X, y, weight).numpy()
    for k in range(2):
        of_label = np.average(X, axis=0, weights=weight * y[:, k])
        difference = of_label - np.average(X, axis=0, weights=weight)
        np.testing.assert_allclose(rows[k], difference / np.linalg.norm(difference), rtol=1e-5)
    assert np.linalg.norm(rows[2]) == pytest.approx(1)
    y[:, 2] = 1  # a label of all pictures tells as little as one of none
    np.testing.assert_array_equal(label_mean_rows(X, y, weight).numpy()[2], rows[2])
    with pytest.raises(ValueError, match="got \\(20, 4\\) and \\(20,\\)"):
        label_mean_rows(X, y[:, 0])


def test_rows_at_right_angles_to_the_mean_picture():
    rng = np.random.default_rng(0)
    X, rows = rng.normal(size=(30, 5)) + 4, rng.normal(size=(3, 5))
    found = without_mean(rows, X).numpy()
    np.testing.assert_allclose(found @ X.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    unchanged = without_mean(rows, np.zeros((2, 5))).numpy()
    np.testing.assert_allclose(
        unchanged, rows / np.linalg.norm(rows, axis=1, keepdims=True), rtol=1e-5
    )
