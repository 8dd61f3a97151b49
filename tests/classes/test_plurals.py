"""Names in singular and plural."""

from __future__ import annotations

from sklift._classes._plurals import plurals


def test_regular_plurals_are_pairs_and_other_names_are_not():
    pairs = [("cat", "cats"), ("Fox", "foxes"), ("church", "churches"), ("berry", "Berries")]
    pairs += [("wolf", "wolves"), ("knife", "knives"), ("potato", "potatoes"), ("radio", "radios")]
    for pair in pairs:
        assert plurals(pair[::-1]) == [list(pair)]
    assert plurals(["bus", "lynx", "class_1", "class_1s", "a", "as", "glas", 3, 3.5]) == []
    assert plurals([]) == []
