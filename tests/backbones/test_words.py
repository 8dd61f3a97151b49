"""The word-level tokenizer."""

from __future__ import annotations

import pytest

from sklift.backbones._words import WordTokenizer

WORDS = ["a", "cat", "##s", "##nip", "dog", "d", "##o", "2"]


@pytest.fixture
def tokenizer():
    return WordTokenizer(WORDS, context_length=6)


def ids(*words):
    return [WORDS.index(w) + 1 for w in words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("a cat", ["a", "cat"]),
        ("A CAT!", ["a", "cat"]),
        ("cats", ["cat", "##s"]),
        ("catnips", ["cat", "##nip", "##s"]),
        ("dos", ["d", "##o", "##s"]),  # the longest piece first, but no dead end
        ("a-cat_dog", ["a", "cat", "dog"]),
        ("2", ["2"]),
        ("", []),
    ],
)
def test_pieces(text, words, tokenizer):
    assert tokenizer.encode(text) == ids(*words)


def test_unknown_characters_are_left_out(tokenizer):
    assert tokenizer.encode("cat é 😀 zq") == ids("cat")
    assert tokenizer.encode("catzs") == ids("cat", "##s")


def test_rows(tokenizer):
    start, end = tokenizer.sot, tokenizer.eot
    assert (start, end, tokenizer.vocab_size) == (9, 10, 11)
    rows = tokenizer(["a cat", ""])
    assert rows.tolist() == [[start, *ids("a", "cat"), end, 0, 0], [start, end, 0, 0, 0, 0]]
    assert tokenizer("a cat").tolist() == rows[:1].tolist()


def test_truncation_keeps_the_end(tokenizer):
    row = tokenizer("a cat a dog a cat a dog").tolist()[0]
    assert row == [tokenizer.sot, *ids("a", "cat", "a", "dog"), tokenizer.eot]
    assert tokenizer("a cat a dog", context_length=4).tolist() == [
        [tokenizer.sot, *ids("a", "cat"), tokenizer.eot]
    ]


def test_the_end_has_the_highest_id(tokenizer):
    """open_clip reads a text's feature at the highest id."""
    for row in tokenizer(["a cat", "dogs 2", "a cat a dog a cat"]):
        assert row.argmax() == (row != 0).sum() - 1


def test_file(tmp_path):
    file = tmp_path / "vocabulary.txt"
    file.write_text("".join(f"{w}\n" for w in WORDS), encoding="utf-8")
    tokenizer = WordTokenizer.from_file(file, context_length=5)
    assert tokenizer.vocabulary == WORDS
    assert tokenizer("cats").shape == (1, 5)
