"""Suggestions for misspelt names."""

from __future__ import annotations

import pytest

from sklift._core._names import did_you_mean

KNOWN = ["ViT-B-16", "ViT-B-32", "RN50"]


@pytest.mark.parametrize(
    ("name", "n_most", "ending"),
    [
        ("VIT-b16", 1, ". Did you mean 'ViT-B-16'?"),
        ("vit-b16", 5, ". Did you mean one of ['ViT-B-16', 'ViT-B-32']?"),
        ("rn5", 5, ". Did you mean 'RN50'?"),
        ("swin", 5, ""),
        ("", 1, ""),
    ],
)
def test_endings(name, n_most, ending):
    assert did_you_mean(name, iter(KNOWN), n_most) == ending
