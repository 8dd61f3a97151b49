"""The verbs of ``tools/build_emoji_table.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sklift.datasets import load_emoji

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="module")
def builder():
    sys.path.insert(0, str(TOOLS))
    try:
        import build_emoji_table
    finally:
        sys.path.remove(str(TOOLS))
    return build_emoji_table


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("1F44B-1F3FD", "1F44B"),  # waving hand, medium skin tone
        ("1F468-1F3FB-200D-1F373", "1F9D1-200D-1F373"),  # man cook, light skin tone
        ("1F6B6-200D-2640-200D-27A1", "1F6B6"),  # woman walking facing right
        ("27A1", "27A1"),  # an arrow is no direction
        ("2642", "2640"),
        ("1F3FF", "1F3FB"),
        ("1F468-200D-1F469-200D-1F467", "1F9D1-200D-1F9D1-200D-1F9D2"),
        ("1F34E", "1F34E"),
    ],
)
def test_family_key(builder, code, family):
    assert builder.family_key(code) == family


def test_mirror_images_are_one_family(builder):
    emoji = [
        {"unified": "27A1-FE0F", "name": "BLACK RIGHTWARDS ARROW"},
        {"unified": "2B05-FE0F", "name": "LEFTWARDS BLACK ARROW"},
        {"unified": "2B06-FE0F", "name": "UPWARDS BLACK ARROW"},
    ]
    assert builder.families(emoji) == {"27A1": "27A1", "2B05": "27A1", "2B06": "2B06"}


def test_split_leaves_a_family_in_train_and_is_stable(builder):
    groups = {"one": {"a"}, "two": {"b", "c"}, "ten": set("defghijklm")}
    split = builder.split_families(groups)
    tests = {g: sum(split[f] == "test" for f in members) for g, members in groups.items()}
    assert tests == {"one": 0, "two": 1, "ten": 4}
    more = builder.split_families({**groups, "new": {"n", "o", "p"}})
    assert {f: more[f] for f in split} == split


def test_family_of_two_groups_has_one_side(builder):
    groups = {"a": {"x", "y"}, "b": {"x", "y"}}
    assert sorted(builder.split_families(groups).values()) == ["test", "train"]


def test_the_shipped_table_is_what_the_builder_makes(builder, tmp_path):
    data = {s: load_emoji(s, size=8, data_home=tmp_path) for s in ("all", "train", "test")}
    groups = {
        name: set(data["all"].families[data["all"].target == name])
        for name in data["all"].target_names
    }
    split = builder.split_families(groups)
    for side in ("train", "test"):
        assert {split[f] for f in data[side].families} == {side}
